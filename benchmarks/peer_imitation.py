r"""GAIL of `imitation` 1.0.1 on our demonstrations, beside `gail/cartpole-gail-adam`; in an environment of its own.

`imitation` pins gymnasium 0.29 and Stable-Baselines3 2.2, so it cannot be installed beside this library:

    python -m venv peer
    peer/bin/pip install "imitation==1.0.1" "sb3-contrib~=2.2.1" "setuptools<81" h5py
    peer/bin/python benchmarks/peer_imitation.py \
        tasks/gail/datasets/minimax_l2l/cartpole/trpo-v0/data/main_data.hdf5 CartPole-v1 --seed 0

Policy, rollouts, TRPO's settings, the discriminator's widths and learning rate, and demonstrations are the same; it
sees 1,024 of the expert's 5,000 pairs in each step where ours sees all. It prints one line of JSON.
"""

import argparse
import json
import time

import h5py
import numpy as np
import torch
from imitation.algorithms.adversarial.gail import GAIL
from imitation.data.types import Trajectory
from imitation.data.wrappers import RolloutInfoWrapper
from imitation.rewards.reward_nets import BasicRewardNet
from imitation.util.networks import RunningNorm
from sb3_contrib import TRPO
from stable_baselines3.common.env_util import make_vec_env

ENVIRONMENTS, STEPS, ITERATIONS, TRAJECTORIES = 8, 128, 300, 10


def main() -> None:
    """Train, evaluate every so often, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("demonstrations")
    parser.add_argument("environment")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)

    with h5py.File(options.demonstrations) as file:
        trajectories = [
            Trajectory(obs=episode["observations"][:], acts=episode["actions"][:], infos=None, terminal=True)
            for episode in (file[f"episode_{number}"] for number in range(TRAJECTORIES))
        ]
    environments = make_vec_env(
        options.environment, ENVIRONMENTS, seed=options.seed, wrapper_class=RolloutInfoWrapper
    )
    policy = TRPO(
        "MlpPolicy",
        environments,
        n_steps=STEPS,
        batch_size=256,
        gamma=0.995,
        gae_lambda=0.97,
        cg_damping=0.1,
        target_kl=0.01,
        n_critic_updates=5,
        policy_kwargs={"net_arch": {"pi": [64, 32], "vf": [64, 32]}},
        seed=options.seed,
        device="cpu",
    )
    network = BasicRewardNet(
        environments.observation_space,
        environments.action_space,
        hid_sizes=(64, 32),
        activation=torch.nn.Tanh,
        normalize_input_layer=RunningNorm,
    )
    trainer = GAIL(
        demonstrations=trajectories,
        demo_batch_size=ENVIRONMENTS * STEPS,
        venv=environments,
        gen_algo=policy,
        reward_net=network,
        n_disc_updates_per_round=1,
        disc_opt_kwargs={"lr": 0.01},
        allow_variable_horizon=True,
    )
    began = time.process_time()
    trainer.train(ITERATIONS * ENVIRONMENTS * STEPS)
    seconds = time.process_time() - began
    evaluation = make_vec_env(options.environment, 100, seed=1000)
    seen, running, totals = evaluation.reset(), np.ones(100, dtype=bool), np.zeros(100)
    while running.any():
        seen, rewards, dones, _ = evaluation.step(policy.predict(seen, deterministic=True)[0])
        totals += np.where(running, rewards, 0)
        running &= ~dones
    row = {
        "method": "imitation-1.0.1",
        "environment": options.environment,
        "seed": options.seed,
        "final_return": float(totals.mean()),
        "env_steps_per_cpu_second": ITERATIONS * ENVIRONMENTS * STEPS / seconds,
    }
    print(json.dumps(row))


if __name__ == "__main__":
    main()
