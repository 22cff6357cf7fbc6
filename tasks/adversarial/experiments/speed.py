"""`minimax-l2l benchmark speed`: steps of training beside bare PyTorch, attacks beside other libraries' attacks."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import Tensor

from minimax_l2l import PGM, Runtime
from minimax_l2l.lab import EVERY_CORE, Announce, Row, read_rows, write_rows
from minimax_l2l.training.runtime import Device
from tasks.adversarial.attack import Attack
from tasks.adversarial.experiments.floor import bare_attack
from tasks.adversarial.experiments.peers import PEERS, installed
from tasks.adversarial.experiments.stepping import BALLS, FORMS, Form, Setup, Stepping
from tasks.adversarial.experiments.timing import Work, in_turns, peak_bytes
from tasks.adversarial.presets.methods import METHODS, TABLE

Made = Mapping[str, Callable[[], Work]]
Told = Callable[[str, Work], Mapping[str, Any]]


@dataclass(frozen=True)
class Plan:
    """How large the work is, and how often it is timed.

    Attributes:
        steps: images per batch, and turns, of each network that is trained.
        attacks: likewise, of each network that is attacked.
        forms: likewise, of the network whose precision and layout are changed.
        growth: likewise, of the small network whose sizes are changed.
        repeats: how often each work is done in a turn.
    """

    steps: Mapping[str, tuple[int, int]]
    attacks: Mapping[str, tuple[int, int]]
    forms: Mapping[str, tuple[int, int]]
    growth: Mapping[str, tuple[int, int]]
    repeats: int = 1


CPU = Plan(
    steps={"wrn-10-2": (16, 11), "preact-resnet-18": (16, 7)},
    attacks={"wrn-10-2": (16, 15), "preact-resnet-18": (4, 15)},
    forms={"wrn-10-2": (16, 5)},
    growth={"small-cnn": (16, 5)},
)
CUDA = Plan(
    steps={"wrn-10-2": (128, 11), "preact-resnet-18": (128, 11)},
    attacks={"wrn-10-2": (128, 21), "preact-resnet-18": (128, 11)},
    forms={"preact-resnet-18": (128, 11)},
    growth={"small-cnn": (128, 11)},
    repeats=5,
)


def measure_speed(
    out: Path,
    *,
    announce: Announce,
    workers: int = EVERY_CORE,  # noqa: ARG001
    device: Device = "auto",
    plan: Plan | None = None,
    turns: int | None = None,
) -> Path:
    """Time steps and attacks in turns, on one thread of a CPU or on CUDA; what was timed before is kept.

    On a CPU times are seconds of the processor. They are medians over turns, and so are compared: a ratio is one of
    medians. `load` is the machine's one-minute load average, of which one is this benchmark's own.

    Args:
        out: folder of `adversarial-speed.json`, or of `adversarial-speed-cuda.json`.
        announce: see `Family`.
        workers: not asked; what is timed runs alone.
        device: see `Task.solve`.
        plan: how much is timed; None is what suits the device.
        turns: how often all is timed, if not as often as the plan says.
    """
    torch.set_num_threads(1)
    place = Runtime(device).device
    on_cuda = place.type == "cuda"
    if plan is None:
        plan = CUDA if on_cuda else CPU
    for name in sorted(PEERS.keys() - installed().keys()):
        announce(f"{name} is not installed, so its attacks are left out")
    file = out / ("adversarial-speed-cuda.json" if on_cuda else "adversarial-speed.json")
    for group in groups(plan, place):
        rows = read_rows(file)
        if group.is_in(rows):
            continue
        announce(f"timing {group.title}")
        if turns is not None:
            group = replace(group, turns=turns)
        write_rows(file, [row for row in rows if not group.identity.items() <= row.items()] + group.measure(place))
    return file


@dataclass(frozen=True)
class Group:
    """Work that is timed in turns, so that its rows compare.

    Attributes:
        identity: what its rows share.
        key: the field that tells them apart.
        works: by its value, made when they are timed.
        turns: how often everything is timed.
        repeats: how often in each turn.
        told: what else a row says, asked once all has been timed.
    """

    identity: Mapping[str, Any]
    key: str
    works: Made
    turns: int
    repeats: int
    told: Told

    @property
    def title(self) -> str:
        """For people who wait."""
        return ", ".join(map(str, self.identity.values()))

    def is_in(self, rows: Sequence[Row]) -> bool:
        """Whether all its rows are there."""
        return self.works.keys() <= {row[self.key] for row in rows if self.identity.items() <= row.items()}

    def measure(self, device: torch.device) -> list[Row]:
        """Its rows."""
        works = {name: make() for name, make in self.works.items()}
        seconds = in_turns(works, self.turns, device, self.repeats)
        shared = {**self.identity, "seed": 0, "load": round(os.getloadavg()[0], 2)}
        return [
            {
                **shared,
                self.key: name,
                "seconds": median(turns),
                **self.told(name, works[name]),
                "turns": [round(one, 6) for one in turns],
            }
            for name, turns in seconds.items()
        ]


def groups(plan: Plan, device: torch.device) -> Iterator[Group]:
    """All that a plan asks for."""
    for model, (batch, turns) in plan.steps.items():
        yield _steps(Setup(model, batch, device), turns, plan.repeats)
    for model, (batch, turns) in plan.attacks.items():
        for norm in BALLS:
            yield _attacks(Setup(model, batch, device), norm, turns, plan.repeats)
    for model, (batch, turns) in plan.growth.items():
        yield from _growth(Setup(model, batch, device), turns, plan.repeats)
    for model, (batch, turns) in plan.forms.items():
        yield from _forms(Setup(model, batch, device), turns, plan.repeats)


def _steps(setup: Setup, turns: int, repeats: int) -> Group:
    """All methods and the floor; of a network other than the smallest, the methods of the table."""
    methods = tuple(METHODS) if setup.model == "wrn-10-2" else TABLE
    works: dict[str, Callable[[], Work]] = {name: partial(Stepping, setup, name) for name in methods}
    works |= {"bare-plain": partial(setup.bare, 0), "bare-pgm-10": partial(setup.bare, 10)}

    def told(_: str, work: Work) -> Mapping[str, Any]:
        known = {**work.counted(), **work.predicted()} if isinstance(work, Stepping) else {}
        return {**known, "peak_bytes": peak_bytes(work, setup.device)}

    identity = {"what": "step", "model": setup.model, "batch": setup.batch}
    return Group(identity, "method", works, turns, repeats, told)


def _attacks(setup: Setup, norm: str, turns: int, repeats: int) -> Group:
    """PGM-10 by this library, by bare PyTorch and by other libraries, on a network at rest with frozen weights."""
    network, threat = setup.network().eval().requires_grad_(False), BALLS[norm]
    images, labels = setup.data(1)
    own, versions = Attack(PGM(steps=10, step_size=threat.eps / 4), threat), installed()
    works: dict[str, Work] = {
        "minimax-l2l": partial(own, network, images, labels),
        "bare": partial(bare_attack, network, images, labels, threat, 10),
        **{name: partial(PEERS[name](network, threat, 10), images, labels) for name in versions},
    }

    def told(name: str, _: Work) -> Mapping[str, Any]:
        return {"version": versions[name]} if name in versions else {}

    identity = {"what": "attack", "model": setup.model, "batch": setup.batch, "norm": norm}
    return Group(
        identity, "method", {name: partial(_itself, one) for name, one in works.items()}, turns, repeats, told
    )


def _growth(setup: Setup, turns: int, repeats: int) -> Iterator[Group]:
    """One number at a time is changed: image size, K, batch, classes."""
    batch = setup.batch
    changed: dict[str, dict[int, Setup]] = {
        "size": {size: replace(setup, size=size) for size in (16, 32, 64)},
        "steps": dict.fromkeys((1, 2, 5, 10, 20), setup),
        "batch": {count: replace(setup, batch=count) for count in (batch // 4, batch, 4 * batch)},
        "classes": {classes: replace(setup, classes=classes) for classes in (2, 10, 100)},
    }

    def told(_: str, work: Work) -> Mapping[str, Any]:
        return work.predicted() if isinstance(work, Stepping) else {}

    for factor, setups in changed.items():
        for method in ("pgm-10", "two-step-l2l"):
            works = {
                str(value): partial(Stepping, one, method, value if factor == "steps" else None)
                for value, one in setups.items()
            }
            identity = {"what": "growth", "model": setup.model, "factor": factor, "method": method}
            yield Group(identity, "value", works, turns, repeats, told)


def _forms(setup: Setup, turns: int, repeats: int) -> Iterator[Group]:
    """The same network in other precisions and layouts and compiled, and how far that moves its logits."""
    images, _ = setup.data(1)

    @cache
    @torch.no_grad()
    def logits(form: Form) -> Tensor:
        with torch.autocast(setup.device.type, torch.bfloat16, enabled=form == "bfloat16"):
            answer: Tensor = replace(setup, form=form).network().eval()(images)
        return answer.float()

    def told(name: str, _: Work) -> Mapping[str, Any]:
        exact = logits("float32")
        (form,) = [one for one in FORMS if one == name]
        return {"moved": ((logits(form) - exact).abs().max() / exact.abs().max()).item()}

    for method in ("plain", "pgm-10", "two-step-l2l"):
        works: dict[str, Callable[[], Work]] = {
            form: partial(Stepping, replace(setup, form=form), method) for form in FORMS
        }
        identity = {"what": "form", "model": setup.model, "batch": setup.batch, "method": method}
        yield Group(identity, "form", works, turns, repeats, told)


def _itself(work: Work) -> Work:
    return work
