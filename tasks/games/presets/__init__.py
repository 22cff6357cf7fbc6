"""The family `games/...`, known without torch."""

from minimax_l2l.lab import Family
from tasks.games.presets.limit_cycle import NAME, LimitCyclePreset
from tasks.games.presets.suite import SUITE_PRESETS

FAMILY = Family(
    presets={NAME: LimitCyclePreset(), **SUITE_PRESETS},
    report="tasks.games.presets.pages:sections",
    benchmarks={"games": "tasks.games.experiments.table:measure_games"},
)
