"""What an expert showed in one environment: trajectories to learn from, to hold out, to sub-sample."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium import spaces
from torch import Tensor

from minimax_l2l.errors import require_a, require_count, require_seed, told
from tasks.gail.demonstrations.trajectory import Trajectory, naming
from tasks.gail.environments.seeded_episodes import require_id


@dataclass(frozen=True, eq=False)
class Demonstrations:
    """Trajectories of an expert in one environment.

    Attributes:
        environment_id: the gymnasium id of the environment that they come from.
        trajectories: one or more.

    Raises:
        TypeError: if the environment is not named by its id, or something is no `Trajectory`.
        ValueError: if there is none, or if they do not have one shape of observations and one kind of actions.
    """

    environment_id: str
    trajectories: tuple[Trajectory, ...]

    def __post_init__(self) -> None:
        require_id(self.environment_id)
        if not isinstance(self.trajectories, Iterable):
            raise TypeError(
                f"trajectories must be a sequence of them, got {told(self.trajectories)}; pass (one,) of one."
            )
        object.__setattr__(self, "trajectories", tuple(self.trajectories))
        if not self.trajectories:
            raise ValueError(
                f"demonstrations of {self.environment_id} are empty; give at least one trajectory, "
                "for example by tasks.gail.record."
            )
        first = self.trajectories[0]
        for number, other in enumerate(self.trajectories):
            if not isinstance(other, Trajectory):
                raise TypeError(
                    f"trajectories must be Trajectory, number {number} is {type(other).__name__}; make them of "
                    "arrays by Demonstrations.from_arrays."
                )
            if other.form != first.form:
                raise ValueError(
                    f"all trajectories must have one shape of observations and one kind of actions, number 0 has "
                    f"{first.form} and number {number} has {other.form}; give those of one environment alone."
                )

    @classmethod
    def from_arrays(
        cls,
        environment_id: str,
        observations: Sequence[Any],
        actions: Sequence[Any],
        *,
        rewards: Sequence[Any] | None = None,
        terminated: Sequence[bool] | None = None,
        truncated: Sequence[bool] | None = None,
    ) -> Demonstrations:
        """Your own demonstrations, one entry per trajectory.

        Args:
            environment_id: the gymnasium id of their environment.
            observations: arrays of shape (T + 1, d), raw, T different for each if need be.
            actions: arrays of shape (T,), whole numbers, or (T, ...), floating point.
            rewards: arrays of shape (T,); None if they are not known.
            terminated: whether the environment ended it; False for all if None.
            truncated: whether a time limit ended it; False for all if None.

        Raises:
            TypeError: as `Trajectory`.
            ValueError: as `Trajectory`, or if there are not as many of one as of another.
        """
        given = {"actions": actions, "rewards": rewards, "terminated": terminated, "truncated": truncated}
        for name, values in {"observations": observations, **given}.items():
            if not hasattr(values, "__len__") and (values is not None or name in ("observations", "actions")):
                raise TypeError(f"{name} must have one entry a trajectory, got {values!r}; give a list of them.")
        count = len(observations)
        for name, values in given.items():
            if values is not None and len(values) != count:
                raise ValueError(
                    f"{count} trajectories of observations need as many entries of {name}, got {len(values)}; "
                    "give one entry a trajectory."
                )
        trajectories = []
        for i in range(count):
            with naming(i):
                one = Trajectory(
                    observations[i],
                    actions[i],
                    None if rewards is None else rewards[i],
                    False if terminated is None else terminated[i],
                    False if truncated is None else truncated[i],
                )
            trajectories.append(one)
        return cls(environment_id, tuple(trajectories))

    def __len__(self) -> int:
        """The number of trajectories."""
        return len(self.trajectories)

    def pairs(self) -> tuple[Tensor, Tensor]:
        """What a learner sees: all kept observations and the actions taken there.

        Returns:
            Observations of shape (n, d), float32, and actions of shape (n,), int64, or (n, ...), float32.
        """
        observations = np.concatenate([one.observations[one.steps] for one in self.trajectories])
        actions = np.concatenate([one.actions[one.steps] for one in self.trajectories])
        whole = np.issubdtype(actions.dtype, np.integer)
        return (
            torch.from_numpy(observations.astype(np.float32)),
            torch.from_numpy(actions.astype(np.int64 if whole else np.float32)),
        )

    def subsample(self, every: int, seed: int) -> Demonstrations:
        """Keep each `every`-th step of each trajectory, from a random one of its first `every` on.

        Source: J. Ho and S. Ermon, Generative Adversarial Imitation Learning, NeurIPS 2016, which keeps each tenth
        step of CartPole and each fifth of MountainCar.

        Raises:
            ValueError: if `every` is below 1, if some steps were left out before, or if a trajectory is shorter
                than `every`, so that nothing might be left of it.
        """
        require_count("every", every, least=1)
        self.require_whole("sub-sample")
        shortest = min(map(len, self.trajectories))
        if shortest < every:
            raise ValueError(
                f"the length of the shortest trajectory is {shortest}, keeping one step in {every} needs {every}; "
                "sub-sample less, or leave short trajectories out."
            )
        offsets = np.random.default_rng(require_seed("seed", seed)).integers(every, size=len(self))
        kept = (np.arange(offset, len(one), every) for one, offset in zip(self.trajectories, offsets, strict=True))
        return self._keeping(kept)

    def limit(self, trajectories: int) -> Demonstrations:
        """The first few trajectories.

        Raises:
            ValueError: if there are not as many.
        """
        if require_count("trajectories", trajectories, least=1) > len(self):
            raise ValueError(
                f"{trajectories} trajectories were asked for, the demonstrations have {len(self)}; "
                "ask for fewer, or record more."
            )
        return replace(self, trajectories=self.trajectories[:trajectories])

    def split(self, held_out: int) -> tuple[Demonstrations, Demonstrations]:
        """Whole trajectories to learn from, and the last `held_out` to measure with.

        Raises:
            ValueError: if that leaves none to learn from.
        """
        if require_count("held_out", held_out, least=1) >= len(self):
            remedy = f"hold out {len(self) - 1} at most, or record more" if len(self) > 1 else "record at least two"
            raise ValueError(
                f"holding out {held_out} of {len(self)} trajectories leaves none to learn from; {remedy}."
            )
        first, last = self.trajectories[:-held_out], self.trajectories[-held_out:]
        return replace(self, trajectories=first), replace(self, trajectories=last)

    def halves(self) -> tuple[Demonstrations, Demonstrations]:
        """Every other step of those that are kept, and the steps between them: to learn from, and to judge by.

        Raises:
            ValueError: if a trajectory keeps only one step.
        """
        shortest = min(len(one.steps) for one in self.trajectories)
        if shortest < 2:
            raise ValueError(
                f"the shortest trajectory keeps {shortest} of its steps, halves need 2; sub-sample less, or leave "
                "short trajectories out."
            )
        first, second = (self._keeping(one.steps[start::2] for one in self.trajectories) for start in (0, 1))
        return first, second

    @property
    def returns(self) -> np.ndarray:
        """The sum of each whole trajectory's rewards, shape (trajectories,).

        Raises:
            ValueError: if rewards are not known.
        """
        known = [one.rewards for one in self.trajectories if one.rewards is not None]
        if len(known) < len(self):
            raise ValueError(
                f"{len(self) - len(known)} of {len(self)} trajectories came without rewards, so their return is "
                "unknown; give rewards=, or measure the expert in its environment."
            )
        return np.array([rewards.sum() for rewards in known])

    @property
    def sha256(self) -> str:
        """Of what a learner is given: the environment's id, all observations and actions, which steps are kept."""
        digest = hashlib.sha256(self.environment_id.encode())
        for one in self.trajectories:
            for array in (one.observations, one.actions, one.steps):
                digest.update(f"{array.dtype.str}{array.shape}".encode())
                digest.update(np.ascontiguousarray(array).tobytes())
            digest.update(bytes([one.terminated, one.truncated]))
        return digest.hexdigest()

    def check_against(self, environment: gymnasium.Env[Any, Any]) -> None:
        """Refuse to teach in an environment that these demonstrations are not of.

        Raises:
            ValueError: if its id is another, if observations have another length, if actions are of another kind or
                shape, or if one lies outside its action space.
        """
        require_a("environment", environment, gymnasium.Env, "an environment", "pass what gymnasium.make returns")
        if environment.spec is not None and environment.spec.id != self.environment_id:
            raise ValueError(
                f"these demonstrations are of {self.environment_id}, the environment is {environment.spec.id}; "
                "record an expert there, or learn in theirs."
            )
        seen, done, first = environment.observation_space, environment.action_space, self.trajectories[0]
        if seen.shape != first.observations.shape[1:]:
            raise ValueError(
                f"demonstrated observations have shape {first.observations.shape[1:]}, the environment's "
                f"{seen.shape}; give raw observations, and those of this environment rather than another."
            )
        whole = np.issubdtype(first.actions.dtype, np.integer)
        if whole != isinstance(done, spaces.Discrete) or first.actions.shape[1:] != done.shape:
            raise ValueError(
                f"the demonstrations have {first.form}, the environment's action space is {done}; "
                f"give {_remedy(first.actions, done)}."
            )
        for number, one in enumerate(self.trajectories):
            outside = [step for step, action in enumerate(one.actions) if not inside(done, action)]
            if outside:
                raise ValueError(
                    f"{len(outside)} of {len(one)} actions of trajectory {number} lie outside {done}, the first is "
                    f"{one.actions[outside[0]]} at step {outside[0]}; "
                    f"{'number them from 0' if whole else 'clip them'}, as the environment does."
                )

    def require_whole(self, purpose: str) -> None:
        """Refuse demonstrations that are sub-sampled already.

        Raises:
            ValueError: if they are.
        """
        if any(one.kept is not None for one in self.trajectories):
            raise ValueError(f"these demonstrations are sub-sampled already; {purpose} the whole ones.")

    def _keeping(self, steps: Iterable[np.ndarray]) -> Demonstrations:
        """The same with these steps of each trajectory kept."""
        kept = zip(self.trajectories, steps, strict=True)
        return replace(self, trajectories=tuple(replace(one, kept=some) for one, some in kept))


def _remedy(actions: np.ndarray, space: gymnasium.Space[Any]) -> str:
    """What makes an environment's actions of those of a trajectory, if anything does."""
    if isinstance(space, spaces.Discrete):
        wanted = f"whole numbers from 0 to {space.n - 1} of shape (T,)"
        column = actions.ndim == 2 and actions.shape[1] == 1
        if actions.ndim == 2 and not column and actions.shape[1] == space.n:
            return f"{wanted}, actions.argmax(1) if these are one-hot"
        if (column or actions.ndim == 1) and (actions % 1 == 0).all():
            as_type = "" if np.issubdtype(actions.dtype, np.integer) else ".astype(int)"
            return f"{wanted}, actions{'[:, 0]' if column else ''}{as_type} of each trajectory"
        return wanted
    shape = space.shape or ()
    wanted = f"floating point of shape ({', '.join(map(str, ('T', *shape)))})"
    if actions[0].size != np.prod(shape):
        return wanted
    return f"{wanted}, np.reshape(actions, {(-1, *shape)}).astype(float) of each trajectory"


def inside(space: gymnasium.Space[Any], action: Any) -> bool:
    """Whether an action lies in an environment's action space, as exactly as that can tell."""
    if isinstance(space, spaces.Box):
        action = action.astype(space.dtype)  # 0.7 is above the bound 0.7 of single precision
        return bool(np.all((action >= space.low) & (action <= space.high)))
    return bool(space.contains(action))
