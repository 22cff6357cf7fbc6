"""The tables of imitation: methods in each environment, dense updaters, updaters carried elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from statistics import mean

from benchmarks.tables.markdown import Cell, Rows, over, share, table, where, within
from tasks.gail.presets.methods import METHODS as IMITATION
from tasks.gail.presets.settings import SETTINGS


def _hit(own: Rows) -> str:
    if "hit" not in own[0]:
        return "-"
    hits = [row["hit"] for row in own if row["hit"] is not None]
    return f"{mean(hits):.0f}" if len(hits) == len(own) else f"{len(hits)} of {len(own)} hit"


def _earlier(adam: Mapping[tuple[str, int], int | None], own: Rows) -> str:
    """Seeds that got there before Adam did in the same seed, or where Adam did not."""
    if "hit" not in own[0] or own[0]["method"] == "gail-adam":
        return "-"
    then = [(row["hit"], adam[row["setting"], row["seed"]]) for row in own]
    sooner = [hit is not None and (other is None or hit < other) for hit, other in then]
    return f"{sum(sooner)} of {len(own)}"


COLUMNS: dict[str, Cell] = {
    "return": over(mean, "final_return", ".1f"),
    "expert level": share(lambda row: row["final_score"] >= 0.95),
    "hit": _hit,
    "worst window": over(min, "worst_window", ".2f"),
    "longest outage": over(max, "longest_outage"),
    "agreement": over(mean, "action_agreement", ".0f", scale=100),
    "distance": over(mean, "energy_distance", ".2f"),
    "D: policy": over(mean, "policy_accuracy", ".0f", scale=100),
    "D: expert": over(mean, "expert_accuracy", ".0f", scale=100),
    "D: held out": over(mean, "held_out_accuracy", ".0f", scale=100),
}


def gail(rows: Rows, setting: str) -> str:
    """Every method of imitation in one setting, over the seeds."""
    titles = {**{name: method.title for name, method in IMITATION.items()}, "bc": "Behavioural cloning"}
    lines = [([title], where(rows, setting=setting, method=name)) for name, title in titles.items()]
    return table(["method"], COLUMNS, lines)


def gail_brief(rows: Rows, methods: Sequence[str]) -> str:
    """Some methods in both environments: who gets to the expert's level, who does so sooner, how alike they act."""
    shown = {name: COLUMNS[name] for name in ("expert level", "agreement")}
    adam = {(row["setting"], row["seed"]): row["hit"] for row in where(rows, method="gail-adam")}
    columns = {
        f"{SETTINGS[setting].title}: {name}": within(setting, cell)
        for setting in ("cartpole", "mountain-car")
        for name, cell in {**shown, "before Adam": partial(_earlier, adam)}.items()
    }
    titles = {**{name: method.title for name, method in IMITATION.items()}, "bc": "Behavioural cloning"}
    return table(["method"], columns, [([titles[name]], where(rows, method=name)) for name in methods])


def gail_dense(rows: Rows, columns: Sequence[str] = tuple(COLUMNS)) -> str:
    """The runs with the dense updater, in the order in which they are played."""
    lines = [((SETTINGS[row["setting"]].title, IMITATION[row["method"]].title), [row]) for row in rows]
    return table(["environment", "method"], {name: COLUMNS[name] for name in columns}, lines)


def gail_transfer(rows: Rows, columns: Sequence[str] = tuple(COLUMNS)) -> str:
    """Every way of updating the discriminator in the environments that an updater was carried to."""
    ways = {
        "GAIL, Adam": ("gail-adam", "none"),
        "L2L, trained there": ("coordinate-l2l", "none"),
        "L2L, trained on CartPole, frozen": ("coordinate-l2l", "frozen"),
    }
    lines = [
        ((SETTINGS[setting].title, title), where(rows, setting=setting, method=name, stress=stress))
        for setting in ("mountain-car", "acrobot")
        for title, (name, stress) in ways.items()
    ]
    return table(["environment", "method"], {name: COLUMNS[name] for name in columns}, lines)
