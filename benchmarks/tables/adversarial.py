"""The tables of adversarial training."""

from __future__ import annotations

from statistics import mean

from benchmarks.tables.markdown import Rows, groups, markdown, spread, table, where
from tasks.adversarial.presets.methods import METHODS, TABLE


def digits(rows: Rows) -> str:
    """Three-seed means of each method; accuracies in per cent with their standard deviation over seeds."""
    columns = {
        "clean": spread("clean"),
        "PGM-100": spread("pgm_100"),
        "CW-100": spread("cw_100"),
        "AutoAttack": spread("autoattack"),
        "seconds (of PGM-10's)": lambda own: _seconds(rows, own[0]["method"]),
        "passes per batch: f / dx / dw": _passes,
        "GFLOPs": lambda own: f"{own[0]['flops'] / 1e9:.0f}",
    }
    return table(["trained with"], columns, [([METHODS[name].title], where(rows, method=name)) for name in METHODS])


def digits_brief(rows: Rows) -> str:
    """The accuracies of the main methods, clean and under AutoAttack, and what their training costs."""
    columns = {
        "clean": spread("clean"),
        "AutoAttack": spread("autoattack"),
        "of PGM-10's seconds": lambda own: _seconds(rows, own[0]["method"]).partition("(")[2].rstrip(")"),
        "GFLOPs": lambda own: f"{own[0]['flops'] / 1e9:.0f}",
    }
    return table(["trained with"], columns, [([METHODS[name].title], where(rows, method=name)) for name in TABLE])


def digits_before(rows: Rows) -> str:
    """What AutoAttack leaves of every method, three-seed means."""
    lines = [([method.title], where(rows, method=name)) for name, method in METHODS.items()]
    return table(["trained with"], {"AutoAttack": spread("autoattack")}, lines)


def _passes(own: Rows) -> str:
    kinds = ("forward_passes", "input_gradient_passes", "weight_gradient_passes")
    steps = own[0].get("train_steps", own[0]["weight_gradient_passes"])
    return " / ".join(f"{own[0][kind] // steps}" for kind in kinds)


def _seconds(rows: Rows, method: str) -> str:
    """Mean over the seeds whose timing counts, and the mean share of PGM-10's seconds on the same seed."""
    timed = {(row["method"], row["seed"]): row["train_seconds"] for row in rows if row["train_seconds"] is not None}
    seeds = [seed for name, seed in timed if name == method and ("pgm-10", seed) in timed]
    if not seeds:
        return "-"
    share = mean(timed[method, seed] / timed["pgm-10", seed] for seed in seeds)
    return f"{mean(timed[method, seed] for seed in seeds):.0f} ({share:.2f})"


def _robust(rows: Rows, **wanted: object) -> float | None:
    """Mean validation accuracy, in per cent, of the rows that have these values; None if there are none."""
    values = [row["robust"] for row in where(rows, **wanted)]
    return 100 * mean(values) if values else None


def _shown(accuracy: float | None) -> str:
    return f"{accuracy:.1f}" if accuracy is not None else "-"


def tuning(rows: Rows) -> str:
    """Validation accuracy of every setting that was tried with 40 epochs; the best of each method in bold."""
    tried = [
        row
        for row in where(rows, eps=0.15, epochs=40, weight_decay=5e-4)
        if row["method"] != "plain" and row["seed"] in (10, 11)
    ]
    first = min(row["seed"] for row in tried)
    best = {method: _best(own) for (method,), own in groups(tried, "method")}
    settings = groups(tried, "method", "step_size", "random_start")
    lines = []
    for (method, step_size, start), own in sorted(
        settings, key=lambda one: (list(METHODS).index(one[0][0]), one[0])
    ):
        both = _robust(own, query_mode="train")
        mark = "**" if both == best[method] else ""
        alone = (_shown(_robust(own, query_mode=mode, seed=first)) for mode in ("train", "eval"))
        lines.append([METHODS[method].title, f"{step_size:g}", f"{start:g}", f"{mark}{_shown(both)}{mark}", *alone])
    titles = ["method", "step / eps", "random start", "train mode, both seeds"]
    return markdown([*titles, "train mode, first seed", "eval mode, first seed"], lines)


def _best(rows: Rows) -> float:
    means = (_robust(own, query_mode="train") for _, own in groups(rows, "step_size", "random_start"))
    return max(value for value in means if value is not None)


def tuning_recipe(rows: Rows) -> str:
    """Validation accuracy of the hand-designed methods by epochs and weight decay, mean over three seeds."""
    recipes = [(epochs, decay) for epochs in (40, 80) for decay in (5e-4, 2e-3)]
    best = {"fgsm-rs": (2.0, 1.0), "pgm-2": (1.0, 1.0), "pgm-10": (0.15, 1.0)}
    accuracies = {}
    for method, (step_size, start) in best.items():
        own = where(rows, method=method, query_mode="train", eps=0.15, step_size=step_size, random_start=start)
        accuracies[METHODS[method].title] = [
            _robust(own, epochs=epochs, weight_decay=decay) for epochs, decay in recipes
        ]
    accuracies["mean"] = [mean(column) for column in zip(*accuracies.values(), strict=True)]
    titles = [f"{epochs} epochs, decay {decay:g}" for epochs, decay in recipes]
    return markdown(["method", *titles], [[name, *map(_shown, cells)] for name, cells in accuracies.items()])


def tuning_eps(rows: Rows) -> str:
    """Validation accuracy of plain and PGM-10 training at each radius, on the first seed."""
    step_sizes = {"plain": 0.0, "pgm-10": 0.25}
    own = where(rows, query_mode="eval", seed=10)
    lines = [
        [f"{eps:g}", *(_shown(_robust(own, method=m, step_size=s, eps=eps)) for m, s in step_sizes.items())]
        for eps in sorted({row["eps"] for row in rows})
    ]
    return markdown(["eps", "Plain", "PGM-10"], lines)
