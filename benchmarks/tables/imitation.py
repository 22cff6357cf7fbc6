"""The tables of imitation: methods in each environment, dense updaters, updaters carried elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from statistics import mean

from benchmarks.tables.markdown import Rows, markdown, where
from tasks.gail.presets.methods import METHODS as IMITATION
from tasks.gail.presets.settings import SETTINGS

CLONED = "Behavioural cloning"


def gail(setting: str) -> Callable[[Rows], str]:
    """Every method of imitation in one setting, over the seeds."""

    def table(rows: Rows) -> str:
        lines = []
        for name, title in {**{name: method.title for name, method in IMITATION.items()}, "bc": CLONED}.items():
            own = where(rows, setting=setting, method=name)
            if own:
                lines.append([title, *_imitation(own)])
        return markdown(["method", *IMITATION_COLUMNS], lines)

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
    return markdown(
        ["environment", "method", *IMITATION_COLUMNS],
        [[SETTINGS[row["setting"]].title, IMITATION[row["method"]].title, *_imitation([row])] for row in rows],
    )


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
    return markdown(["environment", "method", *IMITATION_COLUMNS], lines)
