"""`minimax-l2l benchmark gail-speed`: environment steps a CPU second beside bare TRPO; an updater's cost."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import torch

from minimax_l2l import InnerOptimizer, Updater
from minimax_l2l.families import Announce
from minimax_l2l.training.environment import describe_environment
from minimax_l2l.training.folder import RunFolder, atomic
from tasks.gail.algorithm import PolicySettings
from tasks.gail.learner import PolicyLearner
from tasks.gail.methods import METHODS
from tasks.gail.runs import PAPER, Conditions, pose
from tasks.gail.settings import SETTINGS

# Short turns and many of them: what slows a machine for a while slows neighbours alike.
ITERATIONS, REPEATS = 10, 25
COMPARED = ("gail-adam", "coordinate-l2l", "rows-l2l", "low-rank-l2l")
# Hidden widths that give a CartPole discriminator about 100 to 100,000 weights.
WIDTHS = ((12,), (64,), (64, 32), (128, 64), (256, 128), (384, 256))


def measure_speed(out: Path, announce: Announce) -> Path:
    """Time TRPO bare and inside imitation, in turns on one thread, and each updater's step against m.

    CPU seconds, medians of several turns; a rate is likened to bare TRPO's turn by turn, since a machine's speed
    drifts. Ours, bare and learned, have the same environment, networks, rollout and TRPO settings; none is
    evaluated. `share` is the part of an iteration that the discriminator's step takes: gradient, update and
    meta-step; `learned_share` is what that is more than Adam's step, which takes the gradient as well.

    Args:
        out: folder of `gail-speed.json`.
        announce: called with a few words before each piece of work.

    Returns:
        `out / "gail-speed.json"`.
    """
    torch.set_num_threads(1)
    rates: dict[str, list[float]] = {name: [] for name in ("trpo", *COMPARED)}
    for turn in range(REPEATS):
        announce(f"steps a second: turn {turn + 1} of {REPEATS}")
        rates["trpo"].append(_bare())
        for name in COMPARED:
            rates[name].append(_imitating(name))
    rows: list[dict[str, Any]] = [
        {
            "what": "rate",
            "method": name,
            "seed": 0,
            "env_steps_per_cpu_second": median(values),
            "over_trpo": median(own / bare for own, bare in zip(values, rates["trpo"], strict=True)),
            "turns": values,
        }
        for name, values in rates.items()
    ]
    announce("cost of a step")
    rest = _steps() / median(rates["gail-adam"]) - _costs(PAPER.hidden)[0]["cpu_seconds"]
    for widths in WIDTHS:
        announce(f"cost of a step: {widths}")
        costs = _costs(widths)
        for row in costs:
            own, adams = row["cpu_seconds"], costs[0]["cpu_seconds"]
            shares = {"share": own / (rest + own), "learned_share": (own - adams) / (rest + own)}
            rows.append({"what": "step", **row, **shares})
    file = RunFolder(out).path / "gail-speed.json"
    with atomic(file) as target:
        target.write((json.dumps({"environment": describe_environment(), "rows": rows}, indent=1) + "\n").encode())
    return file


def _steps() -> int:
    return PolicySettings().environments * PolicySettings().steps


def _bare() -> float:
    learner = PolicyLearner(SETTINGS["cartpole"].environment_id, PolicySettings(), iterations=ITERATIONS, seed=0)
    return ITERATIONS * _steps() / _cpu(lambda: learner.model.learn(ITERATIONS * _steps()))


def _imitating(name: str) -> float:
    conditions = Conditions(iterations=ITERATIONS)
    task, optimizer = pose(SETTINGS["cartpole"], METHODS[name], conditions, seed=0)
    return ITERATIONS * _steps() / _cpu(lambda: task.solve(optimizer, device="cpu"))


def _costs(widths: tuple[int, ...]) -> list[dict[str, Any]]:
    """A row of each compared method, Adam's first."""
    task, _ = pose(SETTINGS["cartpole"], METHODS["gail-adam"], Conditions(hidden=widths), seed=0)
    rollout = task.learner.collect(0)
    return [
        {
            "method": name,
            "seed": 0,
            "size": task.discriminator.size,
            "parameters": _parameters(optimizer),
            "cpu_seconds": _step_cost(task.inner_problem, rollout, optimizer),
        }
        for name in COMPARED
        for optimizer in (METHODS[name].make(task.discriminator, PAPER.knobs),)
    ]


def _parameters(optimizer: InnerOptimizer) -> int:
    updater: Updater | None = getattr(optimizer, "updater", None)
    return sum(parameter.numel() for parameter in updater.parameters()) if updater is not None else 0


def _step_cost(pose_problem: Callable[..., Any], rollout: Any, optimizer: InnerOptimizer) -> float:
    """CPU seconds of one query, step and meta-step."""
    meta = optimizer.meta_optimizer() if optimizer.learns else None

    def step() -> None:
        problem = pose_problem(rollout)
        y = optimizer.maximize(problem)
        if meta is not None:
            meta.zero_grad()
            problem.meta_objective(y).mean().backward()
            meta.step()

    step()
    return median(_cpu(step) for _ in range(9))


def _cpu(work: Callable[[], object]) -> float:
    before = time.process_time()
    work()
    return time.process_time() - before
