"""The family `games/...`, known without torch."""

from minimax_l2l.lab import Family
from tasks.games.presets.limit_cycle import NAME, LimitCyclePreset

FAMILY = Family(
    presets={NAME: LimitCyclePreset()},
    report="tasks.games.presets.orbits:sections",
    benchmarks={"games": "tasks.games.experiments.table:measure_games"},
)
