"""The tables of what things cost: rates, steps, the peer, the dense updater."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import mean
from typing import Any

import numpy as np

from benchmarks.tables.markdown import Rows, each, groups, markdown, over, table, where
from tasks.gail.presets.methods import METHODS as IMITATION


def gail_rates(rows: Rows) -> str:
    """Environment steps per CPU-second, and beside bare TRPO: the median of the turns and their middle half."""
    rates = where(rows, what="rate")

    def of_trpo(own: Rows) -> str:
        if own[0]["method"] == "trpo":
            return "1"
        low, high = np.percentile(np.divide(own[0]["turns"], rates[0]["turns"]), [25, 75])
        return f"{own[0]['over_trpo']:.2f} ({low:.2f} to {high:.2f})"

    names = {"trpo": "TRPO alone, paid by the environment", **{name: one.title for name, one in IMITATION.items()}}
    columns = {"environment steps per CPU-second": each("env_steps_per_cpu_second", ",.0f"), "of TRPO's": of_trpo}
    return table([""], columns, [([names[row["method"]]], [row]) for row in rates])


def gail_peer(rows: Rows) -> str:
    """Ours beside `imitation`'s: returns by seed, and environment steps per CPU-second."""
    names = {"imitation-1.0.1": "`imitation` 1.0.1", "gail-adam": "this library"}
    columns = {
        "returns": each("final_return", ".1f"),
        "environment steps per CPU-second": over(mean, "env_steps_per_cpu_second", ",.0f"),
    }
    return table(["GAIL of"], columns, [([title], where(rows, method=name)) for name, title in names.items()])


def gail_steps(rows: Rows) -> str:
    """Milliseconds of one step of the discriminator; per cent of an iteration, all of it and what Adam lacks."""
    steps = where(rows, what="step")
    methods = [name for (name,), _ in groups(steps, "method")]
    lines = []
    for (size,), own in groups(steps, "size"):
        by_method = {row["method"]: row for row in own}
        lines.append([f"{size:,}", *(_step(by_method[name]) for name in methods), _dense_on_paper(size)])
    return markdown(["weights", *(IMITATION[name].title for name in methods), "dense: weights, GB"], lines)


def gail_cost(rows: Rows, size: int) -> str:
    """What each way of updating a discriminator of this size costs, and the speed of whole iterations."""
    speeds = {row["method"]: row["over_trpo"] for row in where(rows, what="rate")}
    columns = {
        "milliseconds per step": each("cpu_seconds", ".1f", scale=1000),
        "per cent of an iteration": each("share", ".1f", scale=100),
        "per cent beyond Adam's": lambda own: f"{100 * own[0]['learned_share']:.1f}" if _learned(own[0]) else "-",
        "speed, of TRPO's": lambda own: f"{speeds[own[0]['method']]:.2f}",
    }
    lines = [([IMITATION[row["method"]].title], [row]) for row in where(rows, what="step", size=size)]
    return table(["discriminator updated by"], columns, lines)


def _learned(row: Mapping[str, Any]) -> bool:
    return IMITATION[row["method"]].learns


def _step(row: Mapping[str, Any]) -> str:
    learned = f", {100 * row['learned_share']:.1f}" if _learned(row) else ""
    return f"{1000 * row['cpu_seconds']:.1f} ({100 * row['share']:.1f}{learned})"


def _dense_on_paper(size: int) -> str:
    """52 m^2 + 13 m + 2 weights of the dense updater, and what they take with two moments: 12 bytes each."""
    weights = 52 * size**2 + 13 * size + 2
    gigabytes = 12e-9 * weights
    return f"{weights:.1e}, {gigabytes:,.0f}" if gigabytes > 10 else f"{weights:.1e}, {gigabytes:.2g}"


def gail_dense_step(rows: Rows) -> str:
    """One meta-step of the dense updater three ways."""
    names = {"naive": "autograd, fused Adam", "for-loop": "autograd, unfused Adam", "streaming": "streaming"}
    columns = {
        "seconds": each("seconds", ".2f"),
        "CPU-seconds": each("cpu_seconds", ".2f"),
        "GB moved": each("bytes_moved", ".1f", scale=1e-9),
        "peak GB": each("peak_bytes", ".2f", scale=1e-9),
        "GB above weights and moments": each("peak_bytes_above_weights_and_moments", ".3f", scale=1e-9),
    }
    return table(["step by"], columns, [([names[row["method"]]], [row]) for row in rows])
