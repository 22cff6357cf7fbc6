"""The tables of the documentation, made from the files in benchmarks/results: `python benchmarks/tables.py`.

It rewrites the tables between the markers `<!-- table: NAME -->` and `<!-- end -->`; a test fails if a page holds
another table than the results give.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np

from tasks.adversarial.presets.methods import METHODS, TABLE
from tasks.gail.measures.statistics import Bootstrap
from tasks.gail.presets.methods import METHODS as IMITATION
from tasks.gail.presets.settings import SETTINGS

CLONED = "Behavioural cloning"
ROOT = Path(__file__).parents[1]
PAGES = ("README.md", "docs/results.md", "docs/tuning.md")
Rows = Sequence[Mapping[str, Any]]


def digits(rows: Rows) -> str:
    """Every method's three-seed means; accuracies in per cent with their standard deviation over seeds."""
    return _digits_table(rows, METHODS)


def digits_short(rows: Rows) -> str:
    """The methods of the demo."""
    return _digits_table(rows, TABLE)


def _digits_table(rows: Rows, methods: Sequence[str] | Mapping[str, Any]) -> str:
    lines = []
    for name in methods:
        own = [row for row in rows if row["method"] == name]
        if not own:
            continue
        lines.append(
            [
                METHODS[name].title,
                *(_spread(own, field) for field in ("clean", "pgm_100", "cw_100", "autoattack")),
                _seconds(rows, name),
                " / ".join(
                    f"{own[0][field] // own[0]['weight_gradient_passes']}"
                    for field in ("forward_passes", "input_gradient_passes", "weight_gradient_passes")
                ),
                f"{own[0]['flops'] / 1e9:.0f}",
            ]
        )
    titles = ["trained with", "clean", "PGM-100", "CW-100", "AutoAttack", "seconds (of PGM-10's)"]
    return _markdown([*titles, "passes a batch: f / dx / dw", "GFLOPs"], lines)


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
    return _markdown([*titles, "train mode, first seed", "eval mode, first seed"], lines)


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
    return _markdown(["method", *titles], lines)


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
    return _markdown(["eps", "Plain", "PGM-10"], lines)


def gail(setting: str) -> Callable[[Rows], str]:
    """Every method of imitation in one setting, over the seeds."""

    def table(rows: Rows) -> str:
        lines = []
        for name, title in {**{name: method.title for name, method in IMITATION.items()}, "bc": CLONED}.items():
            own = [row for row in rows if (row["setting"], row["method"]) == (setting, name)]
            if own:
                lines.append([title, *_imitation(own)])
        return _markdown(["method", *IMITATION_COLUMNS], lines)

    return table


IMITATION_COLUMNS = (
    "return",
    "expert level",
    "hit",
    "worst window",
    "longest outage",
    "agreement",
    "distance",
    "D: policy",
    "D: expert",
    "D: held out",
)


def _imitation(own: Rows) -> list[str]:
    reached = sum(row["final_score"] >= 0.95 for row in own)
    final = [f"{mean(row['final_return'] for row in own):.1f}", f"{reached} of {len(own)}"]
    likeness = [f"{100 * mean(row['action_agreement'] for row in own):.0f}"]
    likeness.append(f"{mean(row['energy_distance'] for row in own):.2f}")
    if "hit" not in own[0]:
        return [*final, "-", "-", "-", *likeness, "-", "-", "-"]
    hits = [row["hit"] for row in own if row["hit"] is not None]
    accuracies = ("policy_accuracy", "expert_accuracy", "held_out_accuracy")
    return [
        *final,
        f"{mean(hits):.0f}" if len(hits) == len(own) else f"{len(hits)} of {len(own)} hit",
        f"{min(row['worst_window'] for row in own):.2f}",
        f"{max(row['longest_outage'] for row in own)}",
        *likeness,
        *(f"{100 * mean(row[field] for row in own):.0f}" for field in accuracies),
    ]


def gail_dense(rows: Rows) -> str:
    """The runs with the dense updater, in the order in which they are played."""
    return _markdown(
        ["environment", "method", *IMITATION_COLUMNS],
        [[SETTINGS[row["setting"]].title, IMITATION[row["method"]].title, *_imitation([row])] for row in rows],
    )


STEADINESS = (("area", ".2f"), ("last_tenth", ".2f"), ("worst_window", ".2f"), ("longest_outage", "d"))


def gail_cells(rows: Rows) -> str:
    """Original GAIL in the cells that were looked at: its last tenth, and what it had lost before."""
    lines = []
    for setting, stress in dict.fromkeys((row["setting"], row["stress"]) for row in rows):
        own = [row for row in rows if (row["setting"], row["stress"]) == (setting, stress)]
        cells = [f"{sum(row['hit'] is not None for row in own)} of {len(own)}"]
        for field, form in STEADINESS:
            cells.append(", ".join(format(row[field], form) for row in own))
        lines.append([SETTINGS[setting].title, stress, *cells])
    titles = ["environment", "cell", "reached", "mean score", "last tenth", "worst window", "longest outage"]
    return _markdown(titles, lines)


def gail_stress_variants(rows: Rows) -> str:
    """What might steady the learned updater, seed by seed."""
    lines = []
    for setting, name in dict.fromkeys((row["setting"], row["method"]) for row in rows):
        own = [row for row in rows if (row["setting"], row["method"]) == (setting, name)]
        cells = [", ".join(format(row[field], form) for row in own) for field, form in STEADINESS]
        lines.append([SETTINGS[setting].title, IMITATION[name].title, *cells])
    return _markdown(["environment", "method", "mean score", "last tenth", "worst window", "longest outage"], lines)


def gail_stress_rates(rows: Rows) -> str:
    """Mean score over whole pilot runs by rate or bound; the best of each method in each cell in bold."""
    parsed = [{**row, "rate": float(row["stress"].rsplit("-rate-", 1)[1])} for row in rows]
    rates = sorted({row["rate"] for row in parsed})
    lines = []
    for setting, name in dict.fromkeys((row["setting"], row["method"]) for row in parsed):
        own = [row for row in parsed if (row["setting"], row["method"]) == (setting, name)]
        means = {rate: mean(row["area"] for row in own if row["rate"] == rate) for rate in rates}
        best = max(means, key=lambda rate: means[rate])
        cells = [f"**{value:.2f}**" if rate == best else f"{value:.2f}" for rate, value in means.items()]
        lines.append([SETTINGS[setting].title, IMITATION[name].title, *cells])
    return _markdown(["environment", "method", *(f"{rate:g}" for rate in rates)], lines)


def gail_stress(setting: str) -> Callable[[Rows], str]:
    """How steady each method was in one cell of the grid."""

    def table(rows: Rows) -> str:
        lines = []
        for name, method in IMITATION.items():
            own = [row for row in rows if (row["setting"], row["method"]) == (setting, name)]
            if own:
                lines.append([method.title, *_steadiness(own)])
        titles = [
            "method",
            "rate",
            "mean score (IQM)",
            "last tenth",
            "reached",
            "outages",
            "longest",
            "worst window",
        ]
        return _markdown([*titles, "drawdown", "worst tenth", "score since", "distance"], lines)

    return table


def _steadiness(own: Rows) -> list[str]:
    rate = own[0]["stress"].rsplit("-rate-", 1)
    area = Bootstrap(np.random.default_rng(0)).interquartile_mean([[row["area"] for row in own]])
    return [
        rate[1] if len(rate) == 2 else "-",
        f"{area.value:.2f} ({area.low:.2f} to {area.high:.2f})",
        f"{mean(row['last_tenth'] for row in own):.2f}",
        f"{sum(row['hit'] is not None for row in own)} of {len(own)}",
        f"{sum(row['outage'] for row in own)} of {len(own)}",
        f"{max(row['longest_outage'] for row in own)}",
        f"{min(row['worst_window'] for row in own):.2f}",
        f"{max(row['drawdown'] for row in own):.2f}",
        f"{mean(row['cvar10'] for row in own):.2f}",
        f"{mean(row['area_after_hit'] for row in own):.2f}",
        f"{mean(row['energy_distance'] for row in own):.2f}",
    ]


COMPARED = ("mean score", "P(higher)", "worst window", "P(higher)")


def gail_verdict(rows: Rows) -> str:
    """The learned updaters beside the others, seed by seed over both cells, as fixed before the runs."""
    settings = list(dict.fromkeys(row["setting"] for row in rows))
    lines = [
        [IMITATION[learned].title, IMITATION[other].title, *_beside(rows, settings, learned, other)]
        for learned in ("coordinate-l2l", "coordinate-ball-l2l")
        for other in ("gail-adam", "c-gail", "gail-adam-ball", "noise", "noise-ball")
    ]
    return _markdown(["learned", "beside", *COMPARED], lines)


def gail_verdict_cells(rows: Rows) -> str:
    """Methods in a ball beside the others, each cell for itself: survival alone solves one of them."""
    lines = [
        [
            SETTINGS[setting].title,
            IMITATION[one].title,
            IMITATION[other].title,
            *_beside(rows, [setting], one, other),
        ]
        for setting in dict.fromkeys(row["setting"] for row in rows)
        for one, others in (
            ("coordinate-ball-l2l", ("gail-adam", "c-gail", "gail-adam-ball", "frozen-d")),
            ("coordinate-bound-l2l", ("gail-adam", "c-gail", "gail-adam-ball", "frozen-d", "coordinate-ball-l2l")),
            ("gail-adam-ball", ("gail-adam", "c-gail")),
        )
        for other in others
    ]
    return _markdown(["environment", "method", "beside", *COMPARED], lines)


def _beside(rows: Rows, settings: Sequence[str], one: str, other: str) -> list[str]:
    cells = []
    for field in ("area", "worst_window"):
        ours, theirs = (
            [
                [row[field] for row in rows if (row["setting"], row["method"]) == (setting, name)]
                for setting in settings
            ]
            for name in (one, other)
        )
        bootstrap = Bootstrap(np.random.default_rng(0))
        difference = bootstrap.paired_difference(ours, theirs)
        better = bootstrap.probability_of_improvement(ours, theirs)
        cells += [
            f"{difference.value:+.2f} ({difference.low:+.2f} to {difference.high:+.2f})",
            f"{better.value:.2f} ({better.low:.2f} to {better.high:.2f})",
        ]
    return cells


def gail_transfer(rows: Rows) -> str:
    """Every way of updating the discriminator in the environments that an updater was carried to."""
    lines = []
    for setting in ("mountain-car", "acrobot"):
        for title, name, stress in (
            ("GAIL, Adam", "gail-adam", "none"),
            ("L2L, trained there", "coordinate-l2l", "none"),
            ("L2L, trained on CartPole, frozen", "coordinate-l2l", "frozen"),
        ):
            wanted = (setting, name, stress)
            own = [row for row in rows if (row["setting"], row["method"], row["stress"]) == wanted]
            if own:
                lines.append([SETTINGS[setting].title, title, *_imitation(own)])
    return _markdown(["environment", "method", *IMITATION_COLUMNS], lines)


def gail_rates(rows: Rows) -> str:
    """Environment steps a CPU-second, and beside bare TRPO: the median of the turns and their middle half."""
    names = {"trpo": "TRPO alone, paid by the environment", **{name: one.title for name, one in IMITATION.items()}}
    rates = [row for row in rows if row["what"] == "rate"]
    lines = [
        [
            names[row["method"]],
            f"{row['env_steps_per_cpu_second']:,.0f}",
            f"{row['over_trpo']:.2f} ({low:.2f} to {high:.2f})" if row["method"] != "trpo" else "1",
        ]
        for row in rates
        for low, high in (np.percentile(np.divide(row["turns"], rates[0]["turns"]), [25, 75]),)
    ]
    return _markdown(["", "environment steps a CPU-second", "of TRPO's"], lines)


def gail_peer(rows: Rows) -> str:
    """Ours beside `imitation`'s: returns by seed, and environment steps a CPU-second."""
    names = {"imitation-1.0.1": "`imitation` 1.0.1", "gail-adam": "this library"}
    lines = []
    for name, title in names.items():
        own = [row for row in rows if row["method"] == name]
        returns = ", ".join(f"{row['final_return']:.1f}" for row in own)
        lines.append([title, returns, f"{mean(row['env_steps_per_cpu_second'] for row in own):,.0f}"])
    return _markdown(["GAIL of", "returns", "environment steps a CPU-second"], lines)


def gail_steps(rows: Rows) -> str:
    """Milliseconds of one step of the discriminator; per cent of an iteration, all of it and what Adam lacks."""
    steps = [row for row in rows if row["what"] == "step"]
    methods = list(dict.fromkeys(row["method"] for row in steps))
    lines = []
    for size in dict.fromkeys(row["size"] for row in steps):
        own = {row["method"]: row for row in steps if row["size"] == size}
        cells = [_step(own[name]) for name in methods]
        lines.append([f"{size:,}", *cells, _dense_on_paper(size)])
    return _markdown(["weights", *(IMITATION[name].title for name in methods), "dense: weights, GB"], lines)


def _step(row: Mapping[str, Any]) -> str:
    milliseconds, shares = f"{1000 * row['cpu_seconds']:.1f}", [f"{100 * row['share']:.1f}"]
    if row["method"] != "gail-adam":
        shares.append(f"{100 * row['learned_share']:.1f}")
    return f"{milliseconds} ({', '.join(shares)})"


def _dense_on_paper(size: int) -> str:
    """52 m^2 + 13 m + 2 weights of the dense updater, and what they take with two moments: 12 bytes each."""
    weights = 52 * size**2 + 13 * size + 2
    gigabytes = 12e-9 * weights
    return f"{weights:.1e}, {gigabytes:,.0f}" if gigabytes > 10 else f"{weights:.1e}, {gigabytes:.2g}"


def gail_dense_step(rows: Rows) -> str:
    """One meta-step of the dense updater three ways."""
    names = {"naive": "autograd, fused Adam", "for-loop": "autograd, unfused Adam", "streaming": "streaming"}
    lines = [
        [
            names[row["method"]],
            f"{row['seconds']:.2f}",
            f"{row['cpu_seconds']:.2f}",
            f"{row['bytes_moved'] / 1e9:.1f}",
            f"{row['peak_bytes'] / 1e9:.2f}",
            f"{row['peak_bytes_above_weights_and_moments'] / 1e9:.3f}",
        ]
        for row in rows
    ]
    titles = ["step by", "seconds", "CPU-seconds", "GB moved", "peak GB", "GB above weights and moments"]
    return _markdown(titles, lines)


TABLES: dict[str, tuple[str, Callable[[Rows], str]]] = {
    "digits": ("digits.json", digits),
    "digits-short": ("digits.json", digits_short),
    "digits-tuning": ("digits-tuning.json", tuning),
    "digits-recipe": ("digits-tuning.json", tuning_recipe),
    "digits-eps": ("digits-tuning.json", tuning_eps),
    "gail-cartpole": ("gail.json", gail("cartpole")),
    "gail-cells": ("gail-stress-cells.json", gail_cells),
    "gail-stress-rates": ("gail-stress-rates.json", gail_stress_rates),
    "gail-stress-variants": ("gail-stress-variants.json", gail_stress_variants),
    "gail-stress-bounds": ("gail-stress-bounds.json", gail_stress_rates),
    "gail-stress-style": ("gail-stress.json", gail_stress("cartpole-style")),
    "gail-stress-cartpole": ("gail-stress.json", gail_stress("cartpole")),
    "gail-verdict": ("gail-stress.json", gail_verdict),
    "gail-verdict-cells": ("gail-stress.json", gail_verdict_cells),
    "gail-transfer": ("gail-transfer.json", gail_transfer),
    "gail-rates": ("gail-speed.json", gail_rates),
    "gail-peer": ("gail-peer.json", gail_peer),
    "gail-steps": ("gail-speed.json", gail_steps),
    "gail-dense": ("gail-dense.json", gail_dense),
    "gail-dense-step": ("dense-updater.json", gail_dense_step),
    "gail-mountain-car": ("gail.json", gail("mountain-car")),
}


def fill(page: str) -> str:
    """A page with its tables made anew."""

    def table(match: re.Match[str]) -> str:
        file, make = TABLES[match["name"]]
        rows = json.loads((ROOT / "benchmarks" / "results" / file).read_text())["rows"]
        return f"<!-- table: {match['name']} -->\n{make(rows)}\n<!-- end -->"

    return re.sub(r"<!-- table: (?P<name>[\w-]+) -->.*?<!-- end -->", table, page, flags=re.DOTALL)


def _spread(rows: Rows, field: str) -> str:
    values = [100 * row[field] for row in rows]
    return f"{mean(values):.1f} ± {stdev(values):.1f}" if len(values) > 1 else f"{values[0]:.1f}"


def _markdown(titles: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    rule = ["---", *["---:"] * (len(titles) - 1)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (titles, rule, *lines))


if __name__ == "__main__":
    for name in PAGES:
        path = ROOT / name
        path.write_text(fill(path.read_text()))
