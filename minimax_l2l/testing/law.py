"""A law as a sentence: what must hold, how to look for what breaks it, and what to do then."""

from __future__ import annotations

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
    """What must hold of the subject of a trial.

    Attributes:
        sentence: what must hold, without its full stop.
        remedy: what to do where it does not.
        look: yields what was seen instead; nothing where the law holds.
    """

    sentence: str
    remedy: str
    look: Look[Trial]


def law(sentence: str, remedy: str) -> Callable[[Look[Trial]], Law[Trial]]:
    """Make a law of a method that yields what breaks it."""
    return lambda look: Law(sentence, remedy, look)


def uphold(kind: type[Trial], trial: Callable[[], Trial], *, seed: int) -> None:
    """Try all laws of a class, one after the other as they are written.

    Args:
        kind: the class, some of whose methods are laws.
        trial: returns a fresh object of it for each law.
        seed: of what is drawn in making it and in looking.

    Raises:
        ContractViolation: at the first thing seen that breaks a law.
    """
    for one in vars(kind).values():
        if isinstance(one, Law):
            with seeded(seed):
                for seen in one.look(trial()):
                    raise ContractViolation(f"{one.sentence}, but {seen}; {one.remedy}.")
