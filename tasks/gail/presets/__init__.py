"""Imitation as the command line sees it."""

from minimax_l2l.lab.family import Family
from tasks.gail.presets.imitation import PRESETS

_BENCHMARKS = {
    "gail": "benchmark:benchmark_gail",
    "gail-dense": "dense:measure_dense",
    "gail-experts": "experts:make_experts",
    "gail-speed": "speed:measure_speed",
    "gail-stress-cells": "stress:find_cells",
    "gail-stress-rates": "stress:find_rates",
    "gail-stress-bounds": "stress:find_bounds",
    "gail-stress-variants": "stress:find_variants",
    "gail-stress": "stress:play_grid",
    "gail-transfer": "transfer:measure_transfer",
}

FAMILY = Family(
    presets=PRESETS,
    report="tasks.gail.presets.pages:sections",
    benchmarks={name: f"tasks.gail.experiments.{place}" for name, place in _BENCHMARKS.items()},
)
