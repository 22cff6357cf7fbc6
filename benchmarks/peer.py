"""GAIL of `imitation` 1.0.1 and ours, in turns on one thread: returns, and environment steps per CPU-second.

    python benchmarks/peer.py --peer peer/bin/python

`benchmarks/peer_imitation.py` says how to make the environment whose interpreter is named here, and is run by it.
Both have CartPole's ten demonstrations, the same policy network on observations as they are, rollouts, TRPO
settings and learning rate of the discriminator's Adam; `imitation` shows its discriminator 1,024 of the expert's
5,000 pairs in each step, ours sees all. Training alone is timed. Writes `benchmarks/results/gail-peer.json`.
"""

from __future__ import annotations

import json
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import tyro

from minimax_l2l.lab import write_rows
from tasks.gail.measures.measurement import measure_policy
from tasks.gail.policy.algorithm import PolicySettings
from tasks.gail.presets.imitation import TrainedImitation
from tasks.gail.presets.settings import DATASETS, SETTINGS

ROOT = Path(__file__).parents[1]
SETTING = SETTINGS["cartpole"]


def main(peer: Path, seeds: tuple[int, ...] = (0, 1, 2), out: Path = ROOT / "benchmarks" / "results") -> None:
    """Train both on each seed.

    Args:
        peer: the interpreter that has `imitation`.
        seeds: of the runs.
        out: folder of the result file.
    """
    torch.set_num_threads(1)
    rows = []
    for seed in seeds:
        rows += [_theirs(peer, seed), _ours(seed)]
        print(json.dumps(rows[-2:]))
        write_rows(out / "gail-peer.json", rows)


def _theirs(peer: Path, seed: int) -> dict[str, Any]:
    data = DATASETS / SETTING.dataset / "data" / "main_data.hdf5"
    command = [peer, ROOT / "benchmarks" / "peer_imitation.py", data, SETTING.environment_id, "--seed", str(seed)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return json.loads(output.splitlines()[-1])


class _Raw(TrainedImitation):
    """The preset on observations as they are."""

    @property
    def policy(self) -> PolicySettings:
        return replace(super().policy, normalise=False)


def _ours(seed: int) -> dict[str, Any]:
    preset = _Raw(setting="cartpole", method="gail-adam", rollout=SETTING.rollout, seed=seed)
    shown = preset.demonstrations()
    task = preset.task(shown)
    began = time.process_time()
    task.solve(preset.optimizer(task), device="cpu")
    seconds = time.process_time() - began
    _, held_out = preset.split(shown)
    measured = measure_policy(task, held_out, random=SETTING.random_return, expert=SETTING.expert_return)
    steps = preset.iterations * task.learner.steps
    return {
        "method": "gail-adam",
        "environment": SETTING.environment_id,
        "seed": seed,
        "final_return": measured["final_return"],
        "env_steps_per_cpu_second": steps / seconds,
    }


if __name__ == "__main__":
    tyro.cli(main)
