"""A game that one process plays, or several share; started by the tests of data-parallel runs, never collected.

python shared_game.py FOLDER GAME ..., each with "+norm" (BatchNorm), "+begun" (six steps of it), "+ended" (the rest
of a run that is there), "+nan" (a NaN on one rank) or "+killed" (one rank is killed) behind its name; "command" is
what `python -m minimax_l2l` makes of the words in the file FOLDER/command.json.
"""

import argparse
import json
import os
import runpy
import signal
import sys
from pathlib import Path

import torch
from torch import nn

from minimax_l2l import (
    PGM,
    CNNUpdater,
    GradientAscent,
    GradientFeatures,
    LearnedOptimizer,
    LinfBall,
    NonFiniteError,
)
from tasks.adversarial import (
    AdversarialTraining,
    CropAndFlip,
    ImageData,
    Images,
    Trades,
    UniformStart,
    WeightPerturbation,
)

GAMES = {
    "plain": lambda: GradientAscent(steps=0),
    "pgm-2": lambda: PGM(steps=2, step_size=0.05),
    "grad": lambda: learned(1),
    "two-step": lambda: learned(2),
    "trades": lambda: learned(1),
    "perturbed": lambda: PGM(steps=2, step_size=0.05, random_start=0.0),
    "remembered": lambda: learned(1),
    "cropped": lambda: learned(1),
}


def learned(steps):
    """An attacker without BatchNorm of its own, whose noise does not tell two sums apart."""
    updater = CNNUpdater.light(1, width=4, gain=2.0)
    return LearnedOptimizer(updater, steps=steps, random_start=0.5, features=GradientFeatures(), learning_rate=1e-3)


class NaNOnce(AdversarialTraining):
    """Rank 1 meets a NaN at one step."""

    def inner_problem(self, batch):
        problem = super().inner_problem(batch)
        if batch.step == 5 and os.environ.get("RANK", "0") == "1":
            problem.images = problem.images * torch.nan
        return problem


class DiesOnce(AdversarialTraining):
    """Rank 0 is killed at one step, as the kernel kills one that needs too much memory.

    The other has to end by itself: what torchrun sends it, maybe before it has said a word, it does not heed.
    """

    def inner_problem(self, batch):
        if batch.step == 5:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            if os.environ.get("RANK", "0") == "0":
                os.kill(os.getpid(), signal.SIGKILL)
        return super().inner_problem(batch)


def classifier(norm):
    body = [nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8) if norm else nn.Identity(), nn.SiLU()]
    return nn.Sequential(*body, nn.Conv2d(8, 8, 3, 2, 1), nn.SiLU(), nn.Flatten(), nn.Linear(8 * 16, 3))


def data():
    generator = torch.Generator().manual_seed(5)

    def part(n):
        return Images(torch.rand(n, 1, 8, 8, generator=generator), torch.arange(n) % 3)

    return ImageData("random", part(96), part(24), part(24), classes=3, sha256="0" * 64)


def play(folder, name):
    torch.manual_seed(0)
    game, _, how = name.partition("+")
    kind = {"nan": NaNOnce, "killed": DiesOnce}.get(how, AdversarialTraining)
    dtype = torch.float64 if game == "trades" else torch.float32  # near its start a divergence is mostly rounding
    task = kind(
        classifier(how == "norm").to(dtype),
        data(),
        LinfBall(0.1),
        epochs=8,
        batch_size=24,
        query_mode="train",
        augment=CropAndFlip(1) if game == "cropped" else None,
        remembers=game in ("remembered", "cropped"),
        outer_loss=Trades() if game == "trades" else None,
        start=UniformStart(0.05) if game == "perturbed" else None,
    )
    task.solve(
        GAMES[game]().to(dtype),
        device="cpu",
        steps=6 if how == "begun" else 12,
        out=folder / name,
        resume=how == "ended",
        log_every=4,
        validate_every=8,
        hooks=[WeightPerturbation(task)] if game == "perturbed" else [],
    )


def command(words):
    sys.argv = ["minimax-l2l", *words]
    try:
        runpy.run_module("minimax_l2l", run_name="__main__")
    except SystemExit as end:
        return end.code


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("games", nargs="+")
    options = parser.parse_args()
    torch.set_num_threads(1)
    failed = False
    for name in options.games:
        try:
            if name == "command":
                failed |= bool(command(json.loads((options.folder / "command.json").read_text())))
            else:
                play(options.folder, name)
        except (NonFiniteError, RuntimeError) as error:
            print(f"rank {os.environ.get('RANK', '0')} in {name}: {error}", file=sys.stderr)
            failed = True
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
