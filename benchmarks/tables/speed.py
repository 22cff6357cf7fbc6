"""The tables of what things cost: rates, steps, the peer, the dense updater."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import mean
from typing import Any

import numpy as np

from benchmarks.tables.markdown import Rows, markdown, where
from tasks.gail.presets.methods import METHODS as IMITATION


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
    return markdown(["", "environment steps a CPU-second", "of TRPO's"], lines)


def gail_peer(rows: Rows) -> str:
    """Ours beside `imitation`'s: returns by seed, and environment steps a CPU-second."""
    names = {"imitation-1.0.1": "`imitation` 1.0.1", "gail-adam": "this library"}
    lines = []
    for name, title in names.items():
        own = where(rows, method=name)
        returns = ", ".join(f"{row['final_return']:.1f}" for row in own)
        lines.append([title, returns, f"{mean(row['env_steps_per_cpu_second'] for row in own):,.0f}"])
    return markdown(["GAIL of", "returns", "environment steps a CPU-second"], lines)


def gail_steps(rows: Rows) -> str:
    """Milliseconds of one step of the discriminator; per cent of an iteration, all of it and what Adam lacks."""
    steps = [row for row in rows if row["what"] == "step"]
    methods = list(dict.fromkeys(row["method"] for row in steps))
    lines = []
    for size in dict.fromkeys(row["size"] for row in steps):
        own = {row["method"]: row for row in steps if row["size"] == size}
        cells = [_step(own[name]) for name in methods]
        lines.append([f"{size:,}", *cells, _dense_on_paper(size)])
    return markdown(["weights", *(IMITATION[name].title for name in methods), "dense: weights, GB"], lines)


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
    return markdown(titles, lines)
