"""What is handed from step to step and from one maximisation to the next, y and a state, has the right form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from minimax_l2l.errors import told
from minimax_l2l.iterate import Iterate, State
from minimax_l2l.oracle import Oracle
from minimax_l2l.problem import InnerProblem
from minimax_l2l.trees import Tree, forms, leaves

if TYPE_CHECKING:
    from minimax_l2l.optimizers.base import InnerOptimizer

_LIKE_Y = "return y moved, with the leaves, shape, dtype and device that it had"
_OWN = "pass the state that its own maximize returned, or Iterate(y) to begin anew"


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
    except torch.cuda.OutOfMemoryError:
        raise
    except (LookupError, RuntimeError, TypeError, ValueError) as error:
        told_already = _OWN in str(error)
        if first and state and not told_already and _steps_without(optimizer, oracle, y):
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


def require_state(optimizer: InnerOptimizer, state: State, own: Sequence[Tensor], *, more: bool = False) -> None:
    """Refuse a state that is not an optimizer's own; one of the same form is taken for its own.

    Args:
        optimizer: whose it should be.
        state: what it was given.
        own: tensors of the shapes and dtypes that it carries.
        more: whether others may follow.
    """
    wanted, found = forms(tuple(own)), forms(state)
    alike = [form[:2] for form in found[: len(wanted)]] == [form[:2] for form in wanted]
    if not alike or (len(found) > len(wanted) and not more):
        raise ValueError(
            f"{type(optimizer).__name__} carries {_form(tuple(own))}{' and others' if more else ''}, and was given "
            f"{_form(state)} as state; {_OWN}."
        )


def require_finite_start(start: Iterate) -> None:
    """Refuse to go on from what is lost already."""
    parts = [("y", part) for part in leaves(start.y)] + [("state", part) for part in start.state]
    lost = [name for name, part in parts if not part.isfinite().all()]
    if lost:
        raise ValueError(
            f"start holds NaN or infinity in its {lost[0]}; pass an Iterate of finite numbers, or None to begin at "
            "the problem's own start."
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
