"""Imitation on Mountain Car: original GAIL and a learned updater, taught by a trained expert's demonstrations.

Run it with `python examples/gail_mountain_car.py`. The demonstrations ship with the package, as a Minari dataset.
Every step costs until the car is at the flag, so the reward is named "goal": its sign alone says to end soon. What
tells imitation from that is how often the policy does what the expert did on trajectories nobody was trained on.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import torch
from sb3_contrib import TRPO
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.utils import LinearSchedule

from minimax_l2l import Adam, InnerOptimizer, LearnedOptimizer, MLPUpdater
from tasks.gail import GAIL, PolicySettings, read_minari
from tasks.gail.measures.likeness import action_agreement
from tasks.gail.presets.settings import DATASETS

ENVIRONMENT, DATASET = "MountainCar-v0", "minimax_l2l/mountain-car/trpo-v0"
DISCRIMINATORS: dict[str, Callable[[], InnerOptimizer]] = {
    "GAIL": lambda: Adam(lr=0.01),
    "L2L": lambda: LearnedOptimizer(MLPUpdater()),
}


def main() -> None:
    """Read the demonstrations, imitate, and measure the policies that were saved."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("gail_mountain_car"), help="folder of the policies")
    parser.add_argument("--iterations", type=int, default=300, help="rollouts of 2,048 steps (default: 300)")
    parser.add_argument("--seed", type=int, default=0, help="of everything random (default: 0)")
    parser.add_argument("--quick", action="store_true", help="two iterations, to see that it runs")
    options = parser.parse_args()

    taught, held_out = read_minari(DATASET, root=DATASETS).split(5)
    states, actions = held_out.pairs()
    print(f"return of the expert: {taught.returns.mean():.1f}")
    if options.quick:
        print("two iterations: nobody arrives so soon, run it without --quick for a policy that does")
    print("discriminator   return   actions like the expert's")
    for name, make in DISCRIMINATORS.items():
        torch.manual_seed(options.seed)
        iterations = 2 if options.quick else options.iterations
        task = GAIL(
            ENVIRONMENT,
            taught,
            reward="goal",
            held_out=held_out,
            iterations=iterations,
            policy=PolicySettings(steps=256, target_kl=LinearSchedule(0.01, 0.0, 1.0)),
            seed=options.seed,
        )
        task.solve(make(), device="cpu", progress=name)
        task.write(options.out / name)

        policy = TRPO.load(options.out / name / "policy.zip", device="cpu")
        environments = make_vec_env(ENVIRONMENT, n_envs=4, seed=1_000)
        mean, _ = evaluate_policy(policy, environments, n_eval_episodes=20)
        agreement = action_agreement(
            lambda seen, policy=policy: torch.from_numpy(policy.predict(seen.numpy(), deterministic=True)[0]),
            states,
            actions,
        )
        print(f"{name:13} {mean:8.1f} {100 * agreement:8.0f} %   {options.out / name / 'policy.zip'}", flush=True)


if __name__ == "__main__":
    main()
