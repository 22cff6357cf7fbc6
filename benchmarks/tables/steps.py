"""The tables of what adversarial training costs per step, and an attack beside other libraries'."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from benchmarks.tables.markdown import Rows, each, groups, markdown, over, table, where
from tasks.adversarial.presets.methods import METHODS

BARE = {"bare-plain": "bare PyTorch, plain", "bare-pgm-10": "bare PyTorch, PGM-10"}
NETWORKS = {"wrn-10-2": "WRN-10-2", "preact-resnet-18": "PreActResNet-18", "small-cnn": "SmallCNN"}
NORMS = {"linf": "L_inf", "l2": "L2"}
FACTORS = {"size": "pixels a side", "steps": "K", "batch": "images per batch", "classes": "classes"}
PASSES = ("forward_passes", "input_gradient_passes", "weight_gradient_passes")


def adversarial_steps(rows: Rows, model: str, batch: int) -> str:
    """Milliseconds per step by method, as ratios, with what was counted and predicted."""
    own = where(rows, what="step", model=model, batch=batch)
    by_method = {row["method"]: row for row in own}

    def of(other: str) -> Any:
        return lambda one: f"{one[0]['seconds'] / by_method[other]['seconds']:.2f}"

    def passes(one: Rows) -> str:
        return " / ".join(str(one[0][name]) for name in PASSES) if PASSES[0] in one[0] else "-"

    def gflops(one: Rows) -> str:
        return f"{1e-9 * one[0]['flops']:.2f}" if "flops" in one[0] else "-"

    columns = {
        "ms per step": each("seconds", ".0f", scale=1000),
        "of Plain's": of("plain"),
        "of PGM-10's": of("pgm-10"),
        "passes": passes,
        "GFLOPs": gflops,
        "peak MB": over(max, "peak_bytes", ".1f", scale=1e-6),
    }
    titles = {**{name: one.title for name, one in METHODS.items()}, **BARE}
    return table(["trained with"], columns, [([titles[row["method"]]], [row]) for row in own])


def adversarial_floor(rows: Rows) -> str:
    """A step of ours over one of the bare loop with the same passes."""
    lines = []
    for (model, batch), own in groups(where(rows, what="step"), "model", "batch"):
        by_method = {row["method"]: row for row in own}
        ratios = [_over(by_method[name], by_method[f"bare-{name}"]) for name in ("plain", "pgm-10")]
        lines.append([f"{NETWORKS[model]}, {batch} images", *ratios])
    return markdown(["ours over bare PyTorch", "plain", "PGM-10"], lines)


def adversarial_attacks(rows: Rows) -> str:
    """PGM-10 of ours, and over that of others."""
    lines = []
    for (model, batch, norm), own in groups(where(rows, what="attack"), "model", "batch", "norm"):
        by_method = {row["method"]: row for row in own}
        ours = by_method["minimax-l2l"]
        others = (by_method.get(name) for name in ("bare", "torchattacks", "foolbox"))
        ratios = [_over(ours, other) if other is not None else "-" for other in others]
        lines.append(
            [f"{NETWORKS[model]}, {batch} images, {NORMS[norm]}", f"{1000 * ours['seconds']:.0f}", *ratios]
        )
    return markdown(["PGM-10", "ms", "of bare PyTorch's", "of torchattacks'", "of foolbox's"], lines)


def adversarial_growth(rows: Rows) -> str:
    """What a step costs as one number at a time is changed."""
    lines = []
    for (factor, value), own in groups(where(rows, what="growth"), "factor", "value"):
        by_method = {row["method"]: row for row in own}
        cells = [_grown(by_method[name]) for name in ("pgm-10", "two-step-l2l") if name in by_method]
        lines.append([f"{FACTORS[factor]}: {value}", *cells])
    return markdown(["step of SmallCNN", METHODS["pgm-10"].title, METHODS["two-step-l2l"].title], lines)


def adversarial_forms(rows: Rows) -> str:
    """The same step in other precisions and layouts and compiled."""
    lines = []
    for (form,), own in groups(where(rows, what="form"), "form"):
        cells = [
            f"{row['seconds'] / where(rows, what='form', form='float32', method=row['method'])[0]['seconds']:.2f}"
            for row in own
        ]
        lines.append([form, *cells, f"{max(row['moved'] for row in own):.1g}"])
    titles = [METHODS[row["method"]].title for row in where(rows, what="form", form="float32")]
    return markdown(["time of float32's", *titles, "logits moved by"], lines)


def _over(one: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """The ratio of two medians, and the middle half of the ratios turn by turn."""
    low, high = np.percentile(np.divide(one["turns"], other["turns"]), [25, 75])
    return f"{one['seconds'] / other['seconds']:.2f} ({low:.2f} to {high:.2f})"


def _grown(row: Mapping[str, Any]) -> str:
    return f"{1000 * row['seconds']:.0f} ms, {1e-9 * row['flops']:.2f} GFLOPs, {1e-6 * row['activations']:.1f} MB"
