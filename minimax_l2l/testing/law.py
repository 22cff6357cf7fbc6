"""A law as a sentence: what must hold, how to look for what breaks it, and what to do then."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from minimax_l2l.testing.probes import seeded

Trial = TypeVar("Trial")
Look = Callable[[Trial], Iterator[str]]


class ContractViolation(AssertionError):
    """Something breaks a law that the rest of the library leans on."""


@dataclass(frozen=True)
class Law(Generic[Trial]):
    """A method that yields what it sees of a broken law; its docstring, one line, is the law."""

    look: Look[Trial]
    remedy: str

    def uphold(self, trial: Trial) -> None:
        """Raise a `ContractViolation` at the first thing seen: what must hold, what was seen, what to do."""
        for seen in self.look(trial):
            sentence = inspect.getdoc(self.look) or "A law is broken."
            raise ContractViolation(f"{sentence.removesuffix('.')}, but {seen}; {self.remedy}.")


def law(remedy: str) -> Callable[[Look[Trial]], Law[Trial]]:
    """Make a law of a method."""
    return lambda look: Law(look, remedy)


def uphold(kind: type[Trial], trial: Callable[[], Trial], *, seed: int) -> None:
    """Try all laws of a class in the order in which they are written, each on a fresh trial and from the seed."""
    for one in vars(kind).values():
        if isinstance(one, Law):
            with seeded(seed):
                one.uphold(trial())
