"""One episode of a demonstration: what was seen and done, raw, checked once at the door."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from minimax_l2l.errors import require_flag
from tasks.gail.environments.answers import MASKED, own_array

# Learners see observations in single precision.
_LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True, eq=False)
class Trajectory:
    """One episode.

    Attributes:
        observations: shape (T + 1, d), raw: as the environment gave them, the last one after the last action.
        actions: shape (T,), whole numbers, for discrete actions; (T, ...), floating point, for a Box.
        rewards: the environment's own, shape (T,); None if they are not known. No learner sees them.
        terminated: whether the environment ended it.
        truncated: whether a time limit did.
        kept: which of the T steps are shown to a learner, rising; None for all.

    Raises:
        TypeError: if observations, actions or rewards are neither whole numbers nor floating point, or if it is
            neither true nor false that it was terminated or truncated.
        ValueError: if shapes do not fit, if an observation, action or reward is NaN, infinite or too large, or if
            steps are kept that are not there.
    """

    observations: np.ndarray
    actions: np.ndarray
    rewards: np.ndarray | None = None
    terminated: bool = False
    truncated: bool = False
    kept: np.ndarray | None = None

    def __post_init__(self) -> None:
        observations, actions = _array("observations", self.observations), _array("actions", self.actions)
        for name, values in (("observations", observations), ("actions", actions)):
            if values.dtype.kind not in "fiu":
                remedy = "flatten what has parts, and number discrete actions from 0"
                raise TypeError(
                    f"{name} must be whole numbers or floating point, got {values.dtype}; "
                    f"{f'give {name}.astype(int)' if values.dtype.kind == 'b' else remedy}."
                )
        if observations.dtype.kind != "f":
            observations = observations.astype(np.float32)
        if actions.ndim == 0:
            raise ValueError(
                f"actions of one trajectory must be an array of shape (T,) or (T, ...), got the single number "
                f"{actions}; where trajectories are listed, give a list with one array for each: [actions]."
            )
        if not len(actions):
            raise ValueError(
                f"a trajectory needs at least one action, got actions of shape {actions.shape}; "
                "leave empty ones out."
            )
        if observations.ndim != 2 or len(observations) != len(actions) + 1:
            raise ValueError(
                f"{len(actions)} actions need observations of shape ({len(actions) + 1}, d), one more, "
                f"got {observations.shape}; append the observation after the last action, or drop that action."
            )
        _require_finite("observations", observations)
        if np.abs(observations).max() > _LARGEST:
            raise ValueError(
                f"observations must fit single precision, up to {_LARGEST:.1e}, got one of "
                f"{np.abs(observations).max():.1e}; bring them to another unit, in the environment too."
            )
        _require_finite("actions", actions)
        object.__setattr__(self, "observations", observations)
        object.__setattr__(self, "actions", actions)
        for name in ("terminated", "truncated"):
            object.__setattr__(self, name, require_flag(name, getattr(self, name)))
        if self.rewards is not None:
            rewards = _array("rewards", self.rewards)
            if rewards.dtype.kind not in "fiu":
                raise TypeError(f"rewards must be real numbers, got {rewards.dtype}; leave out what is not known.")
            if rewards.shape != (len(actions),):
                raise ValueError(
                    f"{len(actions)} actions need as many rewards, shape ({len(actions)},), got {rewards.shape}; "
                    "leave rewards out if you do not know them."
                )
            _require_finite("rewards", rewards)
            object.__setattr__(self, "rewards", rewards.astype(np.float64))
        if self.kept is not None:
            object.__setattr__(self, "kept", _kept(self.kept, len(actions)))

    def __len__(self) -> int:
        """T, the number of its actions."""
        return len(self.actions)

    @property
    def steps(self) -> np.ndarray:
        """The numbers of the steps that are shown to a learner."""
        return np.arange(len(self)) if self.kept is None else self.kept

    @property
    def form(self) -> str:
        """The shape of its observations and the kind of its actions, in words."""
        kind = "whole numbers" if np.issubdtype(self.actions.dtype, np.integer) else "floating point"
        sizes = ", ".join(map(str, self.actions.shape[1:]))
        length = self.observations.shape[1]
        return f"observations of shape (T + 1, {length}) and actions of shape (T,{sizes}), {kind}"


@contextmanager
def naming(number: int) -> Iterator[None]:
    """Let an error that a trajectory raises say which one it was."""
    try:
        yield
    except (TypeError, ValueError) as error:
        raise type(error)(f"trajectory {number}: {error}") from error


def _array(name: str, values: Any) -> np.ndarray:
    if np.ma.is_masked(values):
        raise ValueError(f"{name} must be an array without masked entries, got a masked array; {MASKED}.")
    try:
        return own_array(values)
    except ValueError as error:
        raise ValueError(
            f"{name} must be an array whose rows all have one shape, they cannot be made one ({error}); give each "
            "the same length, and a tensor for all rather than one for each."
        ) from error


def _kept(steps: Any, length: int) -> np.ndarray:
    kept = _array("kept", steps)
    whole = kept.ndim == 1 and len(kept) and np.issubdtype(kept.dtype, np.integer)
    if not whole or kept[0] < 0 or kept[-1] >= length or (np.diff(kept) <= 0).any():
        raise ValueError(
            f"kept must be rising numbers of steps from 0 to {length - 1}, at least one, got {steps!r}; leave it "
            "out to keep all."
        )
    return kept


def _require_finite(name: str, values: np.ndarray) -> None:
    bad = int((~np.isfinite(values)).sum())
    if bad:
        raise ValueError(
            f"{bad} of {values.size} numbers in {name} are NaN or infinite; drop the trajectory or record it again."
        )
