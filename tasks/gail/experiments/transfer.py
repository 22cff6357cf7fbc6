"""`minimax-l2l benchmark gail-transfer`: an updater trained on CartPole, frozen, used where nobody tuned it."""

from __future__ import annotations

from pathlib import Path

from minimax_l2l.lab.pool import EVERY_CORE
from minimax_l2l.lab.preset import Announce
from tasks.gail.experiments.benchmark import SEEDS
from tasks.gail.experiments.job import RUNS, job, play_into

SOURCE = "cartpole"
PLAYED = "gail"
TARGETS = ("mountain-car", "acrobot")


def measure_transfer(
    out: Path, *, announce: Announce, workers: int = EVERY_CORE, seeds: tuple[int, ...] = SEEDS
) -> Path:
    """The updater by coordinate, trained on CartPole; frozen, trained anew and original GAIL on the others.

    Args:
        out: folder of `gail-transfer.json`; the runs are shared with the benchmark `gail`.
        announce: called with a few words as runs end.
        workers: how many runs are played at a time.
        seeds: of the runs.

    Returns:
        `out / "gail-transfer.json"`.
    """
    name = "gail-transfer"
    sources = {seed: job(SOURCE, "coordinate-l2l", seed) for seed in seeds}
    anew = [
        job(target, method, seed)
        for target in TARGETS
        for method in ("gail-adam", "coordinate-l2l")
        for seed in seeds
    ]
    play_into(out, name, [*sources.values(), *anew], announce, workers=workers, shared_with=PLAYED)
    frozen = [
        job(target, "coordinate-l2l", seed, "frozen", RUNS / PLAYED / source.name / "optimizer")
        for target in TARGETS
        for seed, source in sources.items()
    ]
    return play_into(out, name, frozen, announce, workers=workers, shared_with=PLAYED)
