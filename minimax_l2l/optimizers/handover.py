"""What is handed from step to step and from one maximisation to the next, y and a state, has the right form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from minimax_l2l.errors import told
from minimax_l2l.iterate import State
from minimax_l2l.oracle import Oracle
from minimax_l2l.problem import InnerProblem
from minimax_l2l.trees import Tree, forms, leaves

if TYPE_CHECKING:
    from minimax_l2l.optimizers.base import InnerOptimizer

_LIKE_Y = "return y moved, with the leaves, shape, dtype and device that it had"
_OWN = "pass the state that its own maximize returned, or Iterate(y) to begin anew"


class _ForeignStateError(ValueError):
    """A state that is not an optimizer's own, which has been said in words."""


def step_of(
    optimizer: InnerOptimizer, oracle: Oracle, y: Tree, state: State, *, first: bool = False
) -> tuple[Tree, State]:
    """A step of an optimizer, which may be somebody's own: its form is checked, for which no device is waited for.

    Args:
        optimizer: whose step it is.
        oracle: what it asks.
        y: where it starts from.
        state: what it is given.
        first: whether the state comes from elsewhere. A step that fails is then tried without, to tell whose fault
            it is.

    Raises:
        TypeError: if it returns no pair, a y that is no tree of tensors, or a state that is no tuple of them.
        ValueError: if y has other leaves than before, or leaves of another shape or dtype or on another device; or
            if it can step, but not from this state.
    """
    name = f"{type(optimizer).__name__}.step"
    try:
        result: object = optimizer.step(oracle, y, state)
    except (torch.cuda.OutOfMemoryError, _ForeignStateError):
        raise
    except (LookupError, RuntimeError, TypeError, ValueError) as error:
        if first and state and _steps_without(optimizer, oracle, y):
            raise ValueError(
                f"{type(optimizer).__name__} cannot go on from the state that it was given, {_form(state)} "
                f"({error}); {_OWN}."
            ) from error
        raise
    if not isinstance(result, tuple) or len(result) != 2:  # a tensor of two instances could be unpacked as well
        raise TypeError(
            f"{name} must return (y, state), got {told(result)}; return (y, ()) if it carries no state."
        )
    after, kept = result
    if not _are_tensors(kept):
        raise TypeError(
            f"{name} must return a tuple of tensors as state, got {told(kept)}; return (y, ()) if it carries none."
        )
    if not (isinstance(after, Tensor) or _are_tensors(after)):
        raise TypeError(f"{name} must return y as a tensor or a tuple of tensors, got {told(after)}; {_LIKE_Y}.")
    if isinstance(after, Tensor) != isinstance(y, Tensor) or forms(after) != forms(y):
        raise ValueError(f"{name} was given a y of {_form(y)} and returned one of {_form(after)}; {_LIKE_Y}.")
    return after, kept


def require_tensors(name: str, state: object) -> None:
    """Refuse a state that is no tuple of tensors."""
    if not _are_tensors(state):
        raise TypeError(f"{name} must be a tuple of tensors, got {told(state)}; use () if nothing is carried.")


def require_state(
    optimizer: InnerOptimizer, state: State, shapes: Sequence[torch.Size], *, more: bool = False
) -> None:
    """Refuse a state that is not an optimizer's own.

    Args:
        optimizer: whose it should be.
        state: what it was given.
        shapes: of the tensors that it carries.
        more: whether others may follow.
    """
    found = [part.shape for part in state]
    if found[: len(shapes)] != list(shapes) or (len(found) > len(shapes) and not more):
        raise _ForeignStateError(
            f"{type(optimizer).__name__} carries tensors of shapes {[tuple(shape) for shape in shapes]}"
            f"{' and others' if more else ''}, and was given {[tuple(shape) for shape in found]} as state; {_OWN}."
        )


def require_like_start(problem: InnerProblem, y: Tree) -> None:
    """Refuse to go on from a y of another form than the problem's own start has."""
    devices = [leaf.device for leaf in leaves(y) if leaf.is_cuda]
    with torch.random.fork_rng(devices[:1]), torch.no_grad():
        own = problem.initial()
    if isinstance(own, Tensor) != isinstance(y, Tensor) or forms(own) != forms(y):
        raise ValueError(
            f"start has a y of {_form(y)}, and the problem's initial() returns one of {_form(own)}; pass an "
            "Iterate whose y has the same leaves, shapes, dtype and device."
        )


def _steps_without(optimizer: InnerOptimizer, oracle: Oracle, y: Tree) -> bool:
    try:
        optimizer.step(oracle, y, ())
    except (LookupError, RuntimeError, TypeError, ValueError):
        return False
    return True


def _are_tensors(parts: object) -> bool:
    return isinstance(parts, tuple) and all(isinstance(part, Tensor) for part in parts)


def _form(y: Tree) -> str:
    parts = ", ".join(
        f"{shape} {str(dtype).removeprefix('torch.')} on {device}" for shape, dtype, device in forms(y)
    )
    return parts if isinstance(y, Tensor) else f"a tuple of {parts or 'nothing'}"
