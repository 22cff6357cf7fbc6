"""The tables of adversarial training on real images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.tables.markdown import Rows, groups, over, spread, table, where
from minimax_l2l.lab import wilson_interval
from tasks.adversarial.presets.methods import METHODS


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
        "AutoAttack": over(max, "autoattack", ".1f", scale=100),
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
    kinds = ("forward_passes", "input_gradient_passes", "weight_gradient_passes")
    return " / ".join(f"{rows[0][kind] / rows[0]['train_steps']:.3g}" for kind in kinds)
