"""The limit cycle of f = xy: two hand-designed players and two learned ones, each from the same start.

Run it with `python examples/limit_cycle.py`. It meta-trains a recurrent optimizer on random bilinear games, none
of which is f = xy, then plays f = xy with it, and with the optimizer for games that ships with the library. Every
player remembers both x and y from step to step.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from minimax_l2l import AlternatingAscent, GradientAscent, InnerOptimizer, LearnedOptimizer
from tasks.games import BilinearGame, LimitCycle, orbit
from tasks.games.presets.figure import draw_orbits

STEP_SIZE = 0.1
START = (1.0, 0.0)


def meta_train(*, batches: int, inner_steps: int, seed: int) -> InnerOptimizer:
    """A learned optimizer after some batches of random games."""
    torch.manual_seed(seed)
    learned = LimitCycle.learned_optimizer(steps=inner_steps)
    LimitCycle(iterations=batches, seed=seed).solve(learned, progress="learning to settle games")
    return learned


def print_distances(orbits: Mapping[str, Tensor], *, every: int) -> None:
    """A row for each player: how far it is from the solution (0, 0) after so many steps."""
    steps = range(0, len(next(iter(orbits.values()))), every)
    print("distance to (0, 0) after k steps of f = xy from (1, 0)")
    print(f"{'k':16}" + "".join(f"{k:>10}" for k in steps))
    for name, path in orbits.items():
        print(f"{name:16}" + "".join(f"{path[k].norm().item():>10.1e}" for k in steps))


def print_evaluations(optimizer: InnerOptimizer, *, steps: int) -> None:
    """How far a few steps go, and how many gradients of both players they cost."""
    a, p, q, x, y = torch.tensor([1.0, 0.0, 0.0, *START], dtype=torch.float64)[:, None]
    game = BilinearGame(a, p, q, (x[:, None], y[:, None]))
    distance = game.distance(optimizer.maximize(game, steps=steps).y).item()
    print(f"gram-games: {distance:.0e} from (0, 0) after {game.passes.input_gradient:g} evaluations")


def main() -> None:
    """Train, play, print and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--out", type=Path, default=Path("limit_cycle.png"), help="the picture (default: %(default)s)"
    )
    parser.add_argument("--steps", type=int, default=100, help="steps of f = xy to play (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the one that is trained (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="60 batches of 32 inner steps instead of 250 of 48")
    options = parser.parse_args()

    batches, inner_steps = (60, 32) if options.quick else (250, 48)
    shipped = LearnedOptimizer.from_pretrained("gram-games")
    players = {
        "gram-games": shipped,
        "recurrent": meta_train(batches=batches, inner_steps=inner_steps, seed=options.seed),
        "simultaneous": GradientAscent(steps=1, step_size=STEP_SIZE),
        "alternating": AlternatingAscent(steps=1, step_size=STEP_SIZE),
    }
    orbits = {name: orbit(player, steps=options.steps, start=START) for name, player in players.items()}
    print_distances(orbits, every=max(options.steps // 4, 1))
    print_evaluations(shipped, steps=4)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    draw_orbits(orbits).savefig(options.out, dpi=110)
    print(f"picture: {options.out}")


if __name__ == "__main__":
    main()
