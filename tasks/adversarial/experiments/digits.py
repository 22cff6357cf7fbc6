"""The digits table over three seeds with standard AutoAttack, in pieces that can be interrupted and resumed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from minimax_l2l.lab import EVERY_CORE, Announce, Row, fill, missing, play
from tasks.adversarial.data.digits import digits
from tasks.adversarial.experiments.trained import Trained, attack
from tasks.adversarial.presets.digits import DIGITS
from tasks.adversarial.presets.training import TrainingPreset


def benchmark_digits(
    out: Path,
    *,
    announce: Announce,
    workers: int = EVERY_CORE,
    presets: Mapping[str, TrainingPreset] = DIGITS,
    seeds: Sequence[int] = (0, 1, 2),
    runs: Path = Path("runs/benchmark/digits"),
) -> Path:
    """Train and evaluate every method on every seed; what is done already is kept.

    All methods of a seed are trained one after the other on one thread, so that their seconds compare; then all are
    evaluated.

    Args:
        out: folder of `digits.json`.
        announce: called with a few words before each piece of work.
        workers: see `play_all`.
        presets: by full name.
        seeds: each of them is played with every seed.
        runs: folder of the runs themselves.

    Returns:
        `out / "digits.json"`.
    """
    file, data = out / "digits.json", digits()
    places = {preset.method: place for place, preset in enumerate(presets.values())}

    def order(row: Row) -> tuple[int, int]:
        return row["seed"], places.get(row["method"], len(places))

    for seed in seeds:
        theirs = [
            Trained(name, replace(preset, seed=seed), runs / f"{preset.method}-{seed}")
            for name, preset in presets.items()
        ]
        for run in missing(file, theirs):
            if not run.completed:
                announce(f"seed {seed}: training {run.preset.row.title}")
                play(run.name, run.preset, run.folder, overwrite=True, device="cpu", on_interrupt="raise")
        measure = partial(attack, tier="standard", curves=False)
        fill(file, theirs, measure, announce=announce, workers=workers, order=order, data={data.name: data.sha256})
    return file
