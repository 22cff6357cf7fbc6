"""Imitation as the command line sees it."""

from minimax_l2l.lab import Family
from tasks.gail.presets.imitation import PRESETS

_BENCHMARKS = {
    "gail": "benchmark:benchmark_gail",
    "gail-dense": "benchmark:measure_dense",
    "gail-experts": "experts:make_experts",
    "gail-speed": "speed:measure_speed",
    "gail-stress-cells": "stress:CELLS.play",
    "gail-stress-rates": "stress:RATES.play",
    "gail-stress-bounds": "stress:BOUNDS.play",
    "gail-stress-variants": "stress:VARIANTS.play",
    "gail-stress": "stress:play_grid",
    "gail-transfer": "benchmark:measure_transfer",
}

FAMILY = Family(
    presets=PRESETS,
    report="tasks.gail.presets.pages:sections",
    benchmarks={name: f"tasks.gail.experiments.{place}" for name, place in _BENCHMARKS.items()},
)
