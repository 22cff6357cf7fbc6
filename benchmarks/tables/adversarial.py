"""The tables of adversarial training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import mean
from typing import Any

from benchmarks.tables.markdown import Rows, markdown, spread, where
from tasks.adversarial.presets.methods import METHODS, TABLE


def digits(rows: Rows) -> str:
    """Every method's three-seed means; accuracies in per cent with their standard deviation over seeds."""
    return _digits_table(rows, METHODS)


def digits_short(rows: Rows) -> str:
    """The methods of the demo."""
    return _digits_table(rows, TABLE)


def digits_before(rows: Rows) -> str:
    """What AutoAttack leaves of every method, three-seed means."""
    lines = [[method.title, spread(where(rows, method=name), "autoattack")] for name, method in METHODS.items()]
    return markdown(["trained with", "AutoAttack"], lines)


def _digits_table(rows: Rows, methods: Sequence[str] | Mapping[str, Any]) -> str:
    lines = []
    for name in methods:
        own = where(rows, method=name)
        if not own:
            continue
        lines.append(
            [
                METHODS[name].title,
                *(spread(own, field) for field in ("clean", "pgm_100", "cw_100", "autoattack")),
                _seconds(rows, name),
                " / ".join(
                    f"{own[0][field] // own[0]['weight_gradient_passes']}"
                    for field in ("forward_passes", "input_gradient_passes", "weight_gradient_passes")
                ),
                f"{own[0]['flops'] / 1e9:.0f}",
            ]
        )
    titles = ["trained with", "clean", "PGM-100", "CW-100", "AutoAttack", "seconds (of PGM-10's)"]
    return markdown([*titles, "passes a batch: f / dx / dw", "GFLOPs"], lines)


def _seconds(rows: Rows, method: str) -> str:
    """Mean over the seeds whose timing counts, and the mean share of PGM-10's seconds on the same seed."""
    alone = [row for row in rows if row["train_seconds"] is not None]
    timed = {(row["method"], row["seed"]): row["train_seconds"] for row in alone}
    seeds = [seed for name, seed in timed if name == method and ("pgm-10", seed) in timed]
    if not seeds:
        return "-"
    share = mean(timed[method, seed] / timed["pgm-10", seed] for seed in seeds)
    return f"{mean(timed[method, seed] for seed in seeds):.0f} ({share:.2f})"


def tuning(rows: Rows) -> str:
    """Validation accuracy of every setting that was tried with 40 epochs; the best of each method in bold."""
    tried = [
        row
        for row in rows
        if (row["eps"], row["epochs"], row["weight_decay"]) == (0.15, 40, 5e-4)
        and row["method"] != "plain"
        and row["seed"] in (10, 11)
    ]
    first = min(row["seed"] for row in tried)
    settings = {(row["method"], row["step_size"], row["random_start"]) for row in tried}

    def accuracy(setting: tuple[Any, ...], mode: str, *, seeds: Sequence[int]) -> float | None:
        own = [
            row["robust"]
            for row in tried
            if (row["method"], row["step_size"], row["random_start"]) == setting
            and row["query_mode"] == mode
            and row["seed"] in seeds
        ]
        return mean(own) if own else None

    seeds = sorted({row["seed"] for row in tried})
    over_both = {setting: accuracy(setting, "train", seeds=seeds) for setting in settings}
    lines = []
    for setting in sorted(settings, key=lambda one: (list(METHODS).index(one[0]), *one[1:])):
        method, step_size, start = setting
        best = max(value for (name, *_), value in over_both.items() if name == method and value is not None)
        mark = "**" if over_both[setting] == best else ""
        cells = [over_both[setting], *(accuracy(setting, mode, seeds=[first]) for mode in ("train", "eval"))]
        shown = [f"{100 * cell:.1f}" if cell is not None else "-" for cell in cells]
        lines.append([METHODS[method].title, f"{step_size:g}", f"{start:g}", f"{mark}{shown[0]}{mark}", *shown[1:]])
    titles = ["method", "step / eps", "random start", "train mode, both seeds"]
    return markdown([*titles, "train mode, first seed", "eval mode, first seed"], lines)


def tuning_recipe(rows: Rows) -> str:
    """Validation accuracy of the hand-designed methods by epochs and weight decay, mean over three seeds."""
    recipes = [(epochs, decay) for epochs in (40, 80) for decay in (5e-4, 2e-3)]
    best = {"fgsm-rs": (2.0, 1.0), "pgm-2": (1.0, 1.0), "pgm-10": (0.15, 1.0)}

    def accuracy(method: str, recipe: tuple[int, float]) -> float:
        wanted = (method, "train", 0.15, *best[method], *recipe)
        names = ("method", "query_mode", "eps", "step_size", "random_start", "epochs", "weight_decay")
        return mean(row["robust"] for row in rows if tuple(row[name] for name in names) == wanted)

    table = {METHODS[method].title: [accuracy(method, recipe) for recipe in recipes] for method in best}
    table["mean"] = [mean(column) for column in zip(*table.values(), strict=True)]
    titles = [f"{epochs} epochs, decay {decay:g}" for epochs, decay in recipes]
    lines = [[name, *(f"{100 * cell:.1f}" for cell in cells)] for name, cells in table.items()]
    return markdown(["method", *titles], lines)


def tuning_eps(rows: Rows) -> str:
    """Validation accuracy of plain and PGM-10 training at each radius, on the first seed."""
    lines = []
    for eps in sorted({row["eps"] for row in rows}):
        cells = []
        for method in ("plain", "pgm-10"):
            own = [
                row["robust"]
                for row in rows
                if row["method"] == method
                and row["eps"] == eps
                and row["query_mode"] == "eval"
                and row["step_size"] in (0.0, 0.25)
                and row["seed"] == 10
            ]
            cells.append(f"{100 * mean(own):.1f}")
        lines.append([f"{eps:g}", *cells])
    return markdown(["eps", "Plain", "PGM-10"], lines)
