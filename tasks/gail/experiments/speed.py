"""`minimax-l2l benchmark gail-speed`: environment steps per CPU second beside bare TRPO; an updater's cost."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import torch

from minimax_l2l import Updater
from minimax_l2l.lab import EVERY_CORE, Announce, write_rows
from tasks.gail.policy.algorithm import PolicySettings
from tasks.gail.policy.learner import PolicyLearner, Rollout
from tasks.gail.presets.imitation import FEWEST, PRESETS
from tasks.gail.presets.settings import SETTINGS

COMPARED = ("gail-adam", "coordinate-l2l", "rows-l2l", "low-rank-l2l")
# Hidden widths that give a CartPole discriminator about 100 to 100,000 weights.
WIDTHS: tuple[tuple[int, ...], ...] = ((12,), (64,), (64, 32), (128, 64), (256, 128), (384, 256))


def measure_speed(
    out: Path,
    *,
    announce: Announce,
    workers: int = EVERY_CORE,  # noqa: ARG001
    turns: int = 25,
    widths: Sequence[tuple[int, ...]] = WIDTHS,
    paper: tuple[int, ...] = (64, 32),
    iterations: int = 10,
) -> Path:
    """Time TRPO bare and inside imitation, in turns on one thread, and each updater's step against m.

    Turns are short and many: what slows a machine for a while slows all that is timed in one of them.

    Times are CPU seconds, medians over the turns. Ratios are taken within a turn, since a machine's speed drifts.
    Ours, bare and learned, have the same environment, networks, rollout and TRPO settings; none is evaluated.
    `share` is the part of an iteration that the discriminator's step takes: gradient, update and
    meta-step; `learned_share` is what that is more than Adam's step, which takes the gradient as well.

    Args:
        out: folder of `gail-speed.json`.
        announce: see `Family`.
        workers: not asked; what is timed is played alone.
        turns: how often everything is timed.
        widths: hidden layers of the discriminators whose steps are timed.
        paper: which of them an iteration has, of which a step is a share.
        iterations: of the runs that are timed in each turn.
    """
    torch.set_num_threads(1)
    rates: dict[str, list[float]] = {name: [] for name in ("trpo", *COMPARED)}
    usual = PRESETS["gail/cartpole-gail-adam"]
    rollout = usual.task(usual.demonstrations()).learner.collect(0)
    assert rollout is not None
    steps = {(hidden, name): _Step(hidden, name, rollout) for hidden in widths for name in COMPARED}
    for turn in range(turns):
        announce(f"turn {turn + 1} of {turns}")
        rates["trpo"].append(_bare(iterations))
        for name in COMPARED:
            rates[name].append(_imitating(name, iterations))
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
    papers = steps[paper, "gail-adam"].seconds
    rest = [_steps() / rate - step for rate, step in zip(rates["gail-adam"], papers, strict=True)]
    for (hidden, _), step in steps.items():
        adams = steps[hidden, "gail-adam"].seconds
        timed = list(zip(step.seconds, adams, rest, strict=True))
        rows.append(
            {
                **step.said,
                "cpu_seconds": median(step.seconds),
                "share": median(own / (others + own) for own, _, others in timed),
                "learned_share": median((own - adam) / (others + own) for own, adam, others in timed),
            }
        )
    file = out / "gail-speed.json"
    write_rows(file, rows)
    return file


class _Step:
    """One step of a discriminator of some size on a rollout: query, update and meta-step, timed once per turn."""

    def __init__(self, hidden: tuple[int, ...], method: str, rollout: Rollout) -> None:
        preset = replace(PRESETS[f"gail/cartpole-{method}"], hidden=hidden)
        task = preset.task(preset.demonstrations())
        self.optimizer = preset.optimizer(task)
        updater: Updater | None = getattr(self.optimizer, "updater", None)
        self.said = {
            "what": "step",
            "method": method,
            "seed": 0,
            "size": task.discriminator.size,
            "parameters": sum(p.numel() for p in updater.parameters()) if updater is not None else 0,
        }
        self._problem = partial(task.inner_problem, rollout)
        self._meta = self.optimizer.meta_optimizer() if self.optimizer.learns else None
        self.seconds: list[float] = []

    def measure(self) -> None:
        """CPU seconds of the second of two."""
        self()
        self.seconds.append(_cpu(self))

    def __call__(self) -> None:
        problem = self._problem()
        end = self.optimizer.maximize(problem)
        if self._meta is not None:
            self._meta.zero_grad()
            problem.objective(end.y).mean().backward()  # type: ignore[no-untyped-call]
            self._meta.step()


def _steps() -> int:
    return PolicySettings().environments * PolicySettings().steps


def _bare(iterations: int) -> float:
    learner = PolicyLearner(SETTINGS["cartpole"].environment_id, PolicySettings(), iterations=iterations, seed=0)
    return iterations * _steps() / _cpu(lambda: learner.model.learn(iterations * _steps()))


def _imitating(name: str, iterations: int) -> float:
    built = replace(PRESETS[f"gail/cartpole-{name}"], iterations=max(iterations, FEWEST)).build()
    played = partial(built.task.solve, built.optimizer, steps=iterations, device="cpu")
    return iterations * _steps() / _cpu(played)


def _cpu(work: Callable[[], object]) -> float:
    before = time.process_time()
    work()
    return time.process_time() - before
