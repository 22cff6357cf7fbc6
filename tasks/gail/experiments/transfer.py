"""`minimax-l2l benchmark gail-transfer`: an updater trained on CartPole, frozen, used where nobody tuned it."""

from __future__ import annotations

from pathlib import Path

from minimax_l2l.families import Announce
from tasks.gail.experiments.benchmark import RUNS, SEEDS, play_into
from tasks.gail.experiments.pool import Job

SOURCE = "cartpole"
PLAYED = "gail"
TARGETS = ("mountain-car", "acrobot")


def measure_transfer(out: Path, announce: Announce) -> Path:
    """The updater by coordinate, trained on CartPole; frozen, trained anew and original GAIL on the others.

    Args:
        out: folder of `gail-transfer.json`; the runs are shared with the benchmark `gail`.
        announce: called with a few words as runs end.

    Returns:
        `out / "gail-transfer.json"`.
    """
    name = "gail-transfer"
    sources = {seed: Job(SOURCE, "coordinate-l2l", seed) for seed in SEEDS}
    anew = [
        Job(target, method, seed)
        for target in TARGETS
        for method in ("gail-adam", "coordinate-l2l")
        for seed in SEEDS
    ]
    play_into(out, name, [*sources.values(), *anew], announce, shared_with=PLAYED)
    frozen = [
        Job(target, "coordinate-l2l", seed, "frozen", trained=RUNS / PLAYED / source.name / "optimizer")
        for target in TARGETS
        for seed, source in sources.items()
    ]
    return play_into(out, name, frozen, announce, shared_with=PLAYED)
