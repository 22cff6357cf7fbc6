"""The tables of adversarial training on real images."""

from __future__ import annotations

from collections.abc import Mapping
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


def one_step(rows: Rows) -> str:
    """What a step of every preset at the paper's size took here, and what is predicted of one of 128 images."""
    columns = {
        "passes: f / dx / dw": lambda own: " / ".join(str(own[0][kind]) for kind in KINDS),
        "process, GB": each("process_peak_bytes", ".2f", scale=1e-9),
        "128 images: TFLOPs": lambda own: f"{own[0]['predicted'][-1]['flops'] * 1e-12:.1f}",
        "128 images: GB": lambda own: f"{own[0]['predicted'][-1]['bytes'] * 1e-9:.2f}",
    }
    titles = {f"adversarial/images-{name}-paper": method.title for name, method in METHODS.items()}
    return table(["method"], columns, [([title], where(rows, preset=name)) for name, title in titles.items()])
