"""Meta-training: episodes of random games, a gradient step of phi for each piece of one."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import NamedTuple

import torch

from minimax_l2l import LearnedOptimizer
from minimax_l2l.errors import (
    require_a,
    require_choice,
    require_count,
    require_path,
    require_positive,
    require_seed,
)
from tasks.games.family import GameFamily
from tasks.games.meta.estimators import ESTIMATORS, Method
from tasks.games.meta.kept import Kept
from tasks.games.meta.waiting import Waiting

LAST = 0.02  # of the learning rate, which falls linearly
STRIDE = 1_000_003  # between the seeds of two runs, which have no episode in common
LONGEST = 1.0  # norm of a gradient


class MetaTraining(NamedTuple):
    """What came of it.

    Attributes:
        updates: how many episodes were played.
        seconds: how long that took, all parts of an interrupted one together.
        progress: the mean progress of each of its own episodes, with its family's name.
    """

    updates: int
    seconds: float
    progress: list[tuple[str, float]]


def meta_train(
    optimizer: LearnedOptimizer,
    families: Mapping[str, GameFamily],
    *,
    seconds: float = 60.0,
    updates: int | None = None,
    estimator: Method = "es",
    steps: int = 12,
    piece: int | None = None,
    games: int = 128,
    deviation: float = 0.1,
    seed: int = 0,
    out: Path | str | None = None,
    progress: str | None = "learning to settle games",
) -> MetaTraining:
    """Train an optimizer, in place, to reach minimax points and to leave what only looks like one.

    Args:
        optimizer: its `meta_optimizer` moves phi, at a rate that falls linearly to a fiftieth.
        families: to practise on, in turn.
        seconds: how long, on the wall's clock.
        updates: how many episodes instead, whatever time they take; None goes by the clock. By number two runs of
            one seed are the same.
        estimator: see `tasks.games.meta.estimators`. "es" and "pes" play all games twice and need an updater that
            is `stacked`, as `GramUpdater` is.
        steps: of an episode.
        piece: steps that a gradient is taken over; None is the whole episode.
        games: n, of each episode.
        deviation: of the noise on phi, for "es" and "pes".
        seed: of games and noise.
        out: folder to go on from and to keep what it takes to go on, also if it is interrupted; None keeps nothing.
        progress: title of a bar on the terminal; None shows none.

    Raises:
        TypeError: if an argument is of another kind.
        ValueError: if one is out of range, or `out` holds another meta-training or cannot be written to.
    """
    advice = "pass gram_optimizer(), say"
    require_a("optimizer", optimizer, LearnedOptimizer, "a LearnedOptimizer", advice)
    for family in require_a("families", families, Mapping, "a mapping of families", "pass PRACTICE, say").values():
        require_a("each of families", family, GameFamily, "a GameFamily", "pass PRACTICE, say")
    if not families:
        raise ValueError("families must be one or more; pass PRACTICE, say.")
    require_positive("seconds", seconds)
    if updates is not None:
        require_count("updates", updates, least=1)
    require_choice("estimator", estimator, ESTIMATORS)
    require_count("steps", steps, least=1)
    piece = steps if piece is None else require_count("piece", piece, least=1)
    require_count("games", games, least=1)
    require_positive("deviation", deviation)
    require_seed("seed", seed)
    if estimator != "backprop" and not optimizer.updater.stacked:
        raise ValueError(
            f"estimator={estimator!r} gives each game weights of its own, which {type(optimizer.updater).__name__} "
            'does not take; pass estimator="backprop".'
        )
    identity = {
        "optimizer": optimizer.config(),
        "families": {name: _looks(family) for name, family in families.items()},
        "updates": updates,
        "seconds": seconds if updates is None else None,
        **{"estimator": estimator, "steps": steps, "piece": piece, "games": games, "deviation": deviation},
        "seed": seed,
    }
    adam = optimizer.meta_optimizer()
    kept = Kept(optimizer, adam, identity, None if out is None else require_path("out", out))
    begun, phi, names = time.monotonic() - kept.seconds, list(optimizer.parameters()), list(families)
    rates = [group["lr"] for group in adam.param_groups]
    gained: list[tuple[str, float]] = []
    with kept, Waiting(progress, updates, seconds) if progress else nullcontext() as waiting:
        while (done := kept.updates / updates if updates is not None else kept.seconds / seconds) < 1:
            for group, rate in zip(adam.param_groups, rates, strict=True):
                group["lr"] = rate * max(LAST, 1 - done)
            name = names[kept.updates % len(names)]
            own_seed = STRIDE * (seed + 1) + kept.updates
            episode = ESTIMATORS[estimator](
                optimizer, families[name], games=games, seed=own_seed, deviation=deviation
            )
            total = 0.0
            for part in _parts(steps, piece):
                adam.zero_grad()
                total += part * episode.play(part)
                if torch.nn.utils.clip_grad_norm_(phi, LONGEST).isfinite():
                    adam.step()
            gained.append((name, total / steps))
            kept.went_on(time.monotonic() - begun)
            if waiting is not None:
                waiting.show(kept.updates, kept.seconds)
    return MetaTraining(kept.updates, kept.seconds, gained)


def _looks(family: GameFamily) -> list[str]:
    """The field where play starts in one of its games: by this a family of the same name is told from another."""
    game = family.sample(1)
    return [f"{part:.4g}" for part in game.field(game.initial())[0].tolist()]


def _parts(steps: int, piece: int) -> list[int]:
    return [min(piece, steps - begun) for begun in range(0, steps, piece)]
