"""The tables of adversarial training on real images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import mean
from typing import Any

from benchmarks.tables.markdown import Rows, each, groups, markdown, over, spread, table, where
from minimax_l2l.lab import wilson_interval
from tasks.adversarial.presets.methods import METHODS

# The paper's table 3: seconds per epoch of WRN-34-10 on CIFAR-10 and on CIFAR-100.
PAPER_SECONDS = {
    "plain": (106.5, 106.9),
    "pgm-10": (1310.8, 1354.8),
    "naive-l2l": (293.7, 310.0),
    "grad-l2l": (617.5, 623.1),
    "two-step-l2l": (805.1, 824.7),
}
# The paper's tables 2 and 8, in per cent; its CW has 100 steps.
PAPER_ACCURACY = {
    ("pgm-10", "wide"): ((87.30, 47.04, None, None), (62.68, 23.75, 22.06, 25.95)),
    ("naive-l2l", "wide"): ((94.53, 0.01, None, None), (None,) * 4),
    ("grad-l2l", "wide"): ((85.84, 51.17, 47.72, 53.5), (62.18, 28.67, 26.69, 29.65)),
    ("two-step-l2l", "wide"): ((85.35, 54.32, 52.12, 57.07), (60.95, 31.03, 29.75, 32.28)),
    ("naive-l2l", "slim"): ((94.41, 0.01, None, 0.0), (75.27, 0.05, None, 0.0)),
    ("grad-l2l", "slim"): ((85.31, 53.02, None, 42.72), (60.60, 27.37, None, 23.14)),
    ("two-step-l2l", "slim"): ((75.36, 46.12, None, 40.82), (60.23, 20.23, None, 22.70)),
}
ATTACKS = ("clean", "pgm_20", "pgm_100", "cw_100")
KINDS = ("forward_passes", "input_gradient_passes", "weight_gradient_passes")


def white_box(rows: Rows, data: str, eps: float) -> str:
    """Means over the seeds of what withstands each attack, the worst seed, and what the training cost."""
    own = where(rows, data=data, eps=eps)
    dearest = {row["flops"] for row in where(own, method="pgm-10")}
    columns = {
        "seeds": lambda own: str(len(own)),
        "clean": spread("clean"),
        "PGM-20": spread("pgm_20"),
        "PGM-100": spread("pgm_100"),
        "CW-100": spread("cw_100"),
        "own attacker": lambda own: spread("own_attacker")(own) if "own_attacker" in own[0] else "-",
        "random": spread("random_10000"),
        "APGD": spread("autoattack_quick"),
        "worst seed": lambda own: _worst(own),
        "AutoAttack": lambda own: over(max, "autoattack", ".1f", scale=100)(own[:1]),  # of the first seed alone
        "passes: f / dx / dw": _passes,
        "of PGM-10's FLOPs": lambda own: f"{own[0]['flops'] / min(dearest):.2f}" if dearest else "-",
    }
    lines = [([_title(row[0])], group) for row, group in groups(_named(own), "name")]
    return table(["trained with"], columns, lines)


def _named(rows: Rows) -> list[Mapping[str, Any]]:
    return [{**row, "name": (row["method"], row["attacker"])} for row in rows]


def _title(name: tuple[str, str | None]) -> str:
    method, attacker = name
    return METHODS[method].title + (f", {attacker}" if attacker not in (None, "light") else "")


def _worst(rows: Rows) -> str:
    """The lowest robust accuracy of the seeds, with its 95 % interval."""
    row = min(rows, key=lambda row: row["autoattack_quick"])
    low, high = wilson_interval(round(row["autoattack_quick"] * row["images"]), row["images"])
    return f"{100 * row['autoattack_quick']:.1f} ({100 * low:.1f} to {100 * high:.1f})"


def _passes(rows: Rows) -> str:
    return " / ".join(f"{rows[0][kind] / rows[0]['train_steps']:.3g}" for kind in KINDS)


def transfer(rows: Rows, data: str) -> str:
    """Accuracy of each defence, in per cent, under attacks that were made on other classifiers of another seed."""
    own = _in_order(where(rows, data=data, kind="transfer"))
    titles = [f"{METHODS[row['made_on']].title}: {row['attack'].upper().replace('_', '-')}" for row in own]
    lines = [
        [METHODS[name].title, *(f"{100 * row['accuracy'][name]:.1f}" for row in own)] for name in own[0]["accuracy"]
    ]
    return markdown(["shown to", *titles], lines)


def per_query(rows: Rows, data: str) -> str:
    """Accuracy of classifiers that a learned attacker never saw, beside PGM's of as many gradients."""
    own = _in_order(where(rows, data=data, kind="per-query"))
    lines = [
        [
            f"{METHODS[row['attack']].title} on {METHODS[row['made_on']].title}",
            *(f"{100 * ours:.1f} / {100 * pgm:.1f}" for ours, pgm in zip(row["learned"], row["pgm"], strict=True)),
        ]
        for row in own
    ]
    return markdown(["attacker, victim", *(str(count) for count in own[0]["queries"])], lines)


def _in_order(rows: Rows) -> Rows:
    names = list(METHODS)
    return sorted(rows, key=lambda row: (names.index(row["made_on"]), row["attack"]))


def seconds(rows: Rows) -> str:
    """The paper's seconds per epoch, and seconds per step here, both beside PGM-10's."""
    titles = ["trained with", "the paper: CIFAR-10", "CIFAR-100", "of PGM-10's"]
    models = {"preact-resnet-18": "here: PreActResNet-18", "wrn-10-2": "WRN-10-2"}
    lines = []
    for method, theirs in PAPER_SECONDS.items():
        ratios = (own / its for own, its in zip(theirs, PAPER_SECONDS["pgm-10"], strict=True))
        line = [
            METHODS[method].title,
            *(f"{own:,.1f} s" for own in theirs),
            " / ".join(f"{it:.2f}" for it in ratios),
        ]
        for model in models:
            here = {row["method"]: row["seconds"] for row in where(rows, what="step", model=model, batch=16)}
            line.append(f"{here[method] / here['pgm-10']:.2f}")
        lines.append(line)
    return markdown([*titles, *models.values()], lines)


def beside(rows: Rows) -> str:
    """Clean accuracy and that under PGM-20, PGM-100 and CW-100: the paper's, and ours as means over the seeds."""
    parts = [("cifar10", 0.0314), ("fashion-mnist", 0.1)]
    lines = []
    for (method, attacker), printed in PAPER_ACCURACY.items():
        own = [
            [
                row
                for row in where(rows, data=data, eps=eps, method=method)
                if (row["attacker"] == "slim") == (attacker == "slim")
            ]
            for data, eps in parts
        ]
        ours = [[100 * mean(row[field] for row in part) for field in ATTACKS] if part else None for part in own]
        title = METHODS[method].title + (", slim" if attacker == "slim" else "")
        cells = [_accuracies(values, 2) for values in printed] + [_accuracies(values, 1) for values in ours]
        lines.append([title, *cells])
    heads = ["the paper: CIFAR-10", "CIFAR-100", "here: CIFAR-10", "Fashion-MNIST"]
    return markdown(["trained with", *heads], lines)


def _accuracies(values: Sequence[float | None] | None, digits: int) -> str:
    if values is None or not any(value is not None for value in values):
        return "-"
    return " / ".join("-" if value is None else f"{value:.{digits}f}" for value in values)


def one_step(rows: Rows, scale: str) -> str:
    """What a step of every preset of a scale took here, and what is predicted of one of 128 images."""
    columns = {
        "passes: f / dx / dw": lambda own: " / ".join(str(own[0][kind]) for kind in KINDS),
        "process, GB": each("process_peak_bytes", ".2f", scale=1e-9),
        "128 images: TFLOPs": lambda own: f"{own[0]['predicted'][-1]['flops'] * 1e-12:.1f}",
        "128 images: GB": lambda own: f"{own[0]['predicted'][-1]['bytes'] * 1e-9:.2f}",
    }
    titles = {f"adversarial/images-{name}-{scale}": method.title for name, method in METHODS.items()}
    return table(["method"], columns, [([title], where(rows, preset=name)) for name, title in titles.items()])
