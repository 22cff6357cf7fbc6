"""Knocking at a public door with wrong values: each is refused, in our words, under the argument's name."""

import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

import minimax_l2l
import tasks

OURS = tuple(str(Path(package.__path__[0])) for package in (minimax_l2l, tasks))
knocked: dict[str, int] = {}  # wrong values tried, by door: the summary tells them


@dataclass(frozen=True, repr=False)
class Door:
    """Something public that takes arguments.

    Attributes:
        name: as a user writes it, such as `LinfBall`.
        open: calls it; what it returns is thrown away.
        right: arguments with which it opens, made anew for every knock.
        wrong: for each argument, the values that it must refuse.
        told_as: what a message may call an argument instead of its name; several words stand between bars.
    """

    name: str
    open: Callable[..., object]
    right: Callable[[], Mapping[str, Any]]
    wrong: Mapping[str, SearchStrategy[Any]]
    told_as: Mapping[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        return self.name


def knocks(*doors: Door) -> list[tuple[Door, str]]:
    """Every argument of every door."""
    return [(door, argument) for door in doors for argument in door.wrong]


def knocking_at(*doors: Door) -> tuple[Callable[..., None], Callable[..., None]]:
    """Two tests: wrong values are refused, and right values are taken."""

    @pytest.mark.parametrize(("door", "argument"), knocks(*doors), ids=str)
    @given(data=st.data())
    def refuses(door, argument, data):
        knock(door, argument, data.draw(door.wrong[argument]))

    @pytest.mark.parametrize("door", doors, ids=str)
    def takes(door):
        door.open(**door.right())

    return refuses, takes


def knock(door: Door, argument: str, value: object) -> None:
    """Fails unless the value is refused by an error that we raise and that names the argument.

    It is a ValueError or TypeError, or a FileNotFoundError for what is not there.
    """
    knocked[door.name] = knocked.get(door.name, 0) + 1
    fault = _fault(door, argument, value)
    assert fault is None, f"{door}({argument}={value!r}) {fault}"


def _fault(door: Door, argument: str, value: object) -> str | None:
    try:
        door.open(**{**door.right(), argument: value})
    except (ValueError, TypeError, FileNotFoundError) as error:
        raised_in = traceback.extract_tb(error.__traceback__)[-1].filename
        if not raised_in.startswith(OURS):
            return f"ends in a raw error from {raised_in}: {error!r}"
        if any(word in str(error) for word in (argument, *door.told_as.get(argument, argument).split("|"))):
            return None
        return f"is refused without naming the argument: {error}"
    except Exception as error:
        return f"ends in {error!r}"
    return "goes through"
