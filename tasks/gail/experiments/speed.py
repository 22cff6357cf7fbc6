"""`minimax-l2l benchmark gail-speed`: environment steps a CPU second beside bare TRPO; an updater's cost."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import torch

from minimax_l2l import Updater
from minimax_l2l.families import Announce
from minimax_l2l.files import atomic
from minimax_l2l.training.environment import describe_environment
from minimax_l2l.training.folder import RunFolder
from tasks.gail.policy.algorithm import PolicySettings
from tasks.gail.policy.learner import PolicyLearner
from tasks.gail.presets.methods import METHODS
from tasks.gail.presets.runs import PAPER, Conditions, pose
from tasks.gail.presets.settings import SETTINGS

# Short turns and many of them: what slows a machine for a while slows neighbours alike.
ITERATIONS, REPEATS = 10, 25
COMPARED = ("gail-adam", "coordinate-l2l", "rows-l2l", "low-rank-l2l")
# Hidden widths that give a CartPole discriminator about 100 to 100,000 weights.
WIDTHS: tuple[tuple[int, ...], ...] = ((12,), (64,), (64, 32), (128, 64), (256, 128), (384, 256))


def measure_speed(out: Path, announce: Announce) -> Path:
    """Time TRPO bare and inside imitation, in turns on one thread, and each updater's step against m.

    CPU seconds, medians of several turns; what is likened to something else is likened turn by turn, since a
    machine's speed drifts. Ours, bare and learned, have the same environment, networks, rollout and TRPO settings;
    none is evaluated. `share` is the part of an iteration that the discriminator's step takes: gradient, update and
    meta-step; `learned_share` is what that is more than Adam's step, which takes the gradient as well.

    Args:
        out: folder of `gail-speed.json`.
        announce: called with a few words before each piece of work.

    Returns:
        `out / "gail-speed.json"`.
    """
    torch.set_num_threads(1)
    rates: dict[str, list[float]] = {name: [] for name in ("trpo", *COMPARED)}
    steps = {(widths, name): _Step(widths, name) for widths in WIDTHS for name in COMPARED}
    for turn in range(REPEATS):
        announce(f"turn {turn + 1} of {REPEATS}")
        rates["trpo"].append(_bare())
        for name in COMPARED:
            rates[name].append(_imitating(name))
        for step in steps.values():
            step.measure()
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
    papers = steps[PAPER.hidden, "gail-adam"].seconds
    rest = [_steps() / rate - step for rate, step in zip(rates["gail-adam"], papers, strict=True)]
    for (widths, _), step in steps.items():
        adams = steps[widths, "gail-adam"].seconds
        turns = list(zip(step.seconds, adams, rest, strict=True))
        rows.append(
            step.as_row()
            | {
                "share": median(own / (others + own) for own, _, others in turns),
                "learned_share": median((own - adam) / (others + own) for own, adam, others in turns),
            }
        )
    file = RunFolder(out).path / "gail-speed.json"
    with atomic(file) as target:
        target.write((json.dumps({"environment": describe_environment(), "rows": rows}, indent=1) + "\n").encode())
    return file


class _Step:
    """One step of a discriminator of some size on a rollout: query, update and meta-step, timed once a turn."""

    def __init__(self, widths: tuple[int, ...], method: str) -> None:
        self.method = method
        task, self.optimizer = pose(SETTINGS["cartpole"], METHODS[method], Conditions(hidden=widths), seed=0)
        self.size = task.discriminator.size
        rollout = task.learner.collect(0)
        assert rollout is not None
        self._pose = partial(task.inner_problem, rollout)
        self._meta = self.optimizer.meta_optimizer() if self.optimizer.learns else None
        self.seconds: list[float] = []

    def measure(self) -> None:
        """CPU seconds of the second of two."""
        self()
        self.seconds.append(_cpu(self))

    def __call__(self) -> None:
        problem = self._pose()
        end = self.optimizer.maximize(problem)
        if self._meta is not None:
            self._meta.zero_grad()
            problem.objective(end.y).mean().backward()  # type: ignore[no-untyped-call]
            self._meta.step()

    def as_row(self) -> dict[str, Any]:
        """What a result file says of it."""
        updater: Updater | None = getattr(self.optimizer, "updater", None)
        return {
            "what": "step",
            "method": self.method,
            "seed": 0,
            "size": self.size,
            "parameters": sum(p.numel() for p in updater.parameters()) if updater is not None else 0,
            "cpu_seconds": median(self.seconds),
        }


def _steps() -> int:
    return PolicySettings().environments * PolicySettings().steps


def _bare() -> float:
    learner = PolicyLearner(SETTINGS["cartpole"].environment_id, PolicySettings(), iterations=ITERATIONS, seed=0)
    return ITERATIONS * _steps() / _cpu(lambda: learner.model.learn(ITERATIONS * _steps()))


def _imitating(name: str) -> float:
    conditions = Conditions(iterations=ITERATIONS)
    task, optimizer = pose(SETTINGS["cartpole"], METHODS[name], conditions, seed=0)
    return ITERATIONS * _steps() / _cpu(lambda: task.solve(optimizer, device="cpu"))


def _cpu(work: Callable[[], object]) -> float:
    before = time.process_time()
    work()
    return time.process_time() - before
