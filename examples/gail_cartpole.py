"""Imitation on CartPole: original GAIL and a learned updater, taught by the same hand-written expert.

Run it with `python examples/gail_cartpole.py`. Only the argument of `task.solve` differs between the rows. What is
printed is what plain Stable-Baselines3 makes of the policies that are saved. A discriminator that is never trained
stands beside them: on CartPole it can be enough, so a high return alone proves no imitation.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from sb3_contrib import TRPO
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.evaluation import evaluate_policy

from minimax_l2l import Adam, GradientAscent, InnerOptimizer, LearnedOptimizer, MLPUpdater
from tasks.gail import GAIL, Demonstrations, record

ENVIRONMENT = "CartPole-v1"
DISCRIMINATORS: dict[str, Callable[[], InnerOptimizer]] = {
    "GAIL": lambda: Adam(lr=0.01),
    "L2L": lambda: LearnedOptimizer(MLPUpdater()),
    "never trained": lambda: GradientAscent(steps=0),
}


def balance(observation: np.ndarray) -> int:
    """The expert: push the cart to where the pole falls."""
    x, speed, angle, spin = observation
    return int(angle + 0.5 * spin + 0.02 * x + 0.05 * speed > 0)


def imitate(name: str, expert: Demonstrations, folder: Path, *, iterations: int, seed: int) -> None:
    """Train a policy and leave it in a folder."""
    torch.manual_seed(seed)
    task = GAIL(ENVIRONMENT, expert, reward="survival", iterations=iterations, seed=seed)
    task.solve(DISCRIMINATORS[name](), device="cpu", progress=name)
    task.write(folder)


def played(file: Path) -> float:
    """The mean return of a saved policy over 20 episodes, by plain Stable-Baselines3."""
    environments = make_vec_env(ENVIRONMENT, n_envs=4, seed=1_000)
    mean, _ = evaluate_policy(TRPO.load(file, device="cpu"), environments, n_eval_episodes=20)
    return float(mean)


def main() -> None:
    """Record the expert, imitate it, play what was saved."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("gail_cartpole"), help="folder of the policies")
    parser.add_argument("--iterations", type=int, default=300, help="rollouts of 1,024 steps (default: 300)")
    parser.add_argument("--seed", type=int, default=0, help="of everything random (default: 0)")
    parser.add_argument("--quick", action="store_true", help="five iterations")
    options = parser.parse_args()

    expert = record(balance, ENVIRONMENT, 10, seed=options.seed)
    print(f"return of the expert: {expert.returns.mean():.1f}")
    for name in DISCRIMINATORS:
        folder = options.out / name.replace(" ", "-")
        imitate(name, expert, folder, iterations=5 if options.quick else options.iterations, seed=options.seed)
        print(f"{name:14} {played(folder / 'policy.zip'):6.1f}   {folder / 'policy.zip'}", flush=True)


if __name__ == "__main__":
    main()
