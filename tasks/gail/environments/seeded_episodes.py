"""Any gymnasium environment, its episodes seeded one by one, so that a run that stopped goes on bit for bit."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from copy import deepcopy
from functools import partial
from typing import Any, Literal

import gymnasium
import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.vec_env import DummyVecEnv

from minimax_l2l.errors import require_a, require_choice, require_count, require_seed
from tasks.gail.environments.answers import checked, own_observation
from tasks.gail.environments.fixed_horizon import register

Purpose = Literal["training", "evaluation", "demonstrations"]
_STREAMS: dict[str, int] = {"training": 0, "evaluation": 1, "demonstrations": 2}

# The longest episode that is recorded or evaluated in an environment without a time limit: it may have no end.
LONGEST = 10_000

# Episodes of these end by their time limit alone. MuJoCo's other robots end when they fall.
_FIXED_HORIZON = ("Pendulum", "HalfCheetah", "Swimmer", "Reacher", "Pusher", "HumanoidStandup")


class SeededEpisodes(gymnasium.Wrapper[Any, Any, Any, Any]):
    """An environment whose every episode has a seed of its own, made from (seed, purpose, number, episode).

    No episode depends on how the one before it went, so where a run stands is told by the running episode's
    number and the actions since its start: `load_state_dict` starts that episode again and repeats them. This
    needs an environment that depends on its seed and its actions alone, as gymnasium asks of all.

    Seeds that `reset` is given are not used: Stable-Baselines3 gives one to the first episode alone.

    Args:
        env: the environment.
        seed: the run's seed.
        number: which of the run's environments this is.
        purpose: what it is for; those of different purposes share no episodes.
        first: the share of the time limit after which the first episode is cut off, in (0, 1]. Environments that
            are stepped together and live equally long would otherwise all be of one age in every rollout.
    """

    def __init__(
        self,
        env: gymnasium.Env[Any, Any],
        seed: int,
        number: int,
        purpose: Purpose = "training",
        *,
        first: float = 1.0,
    ) -> None:
        super().__init__(env)
        self.stream = _STREAMS[require_choice("purpose", purpose, _STREAMS)]
        limit = env.spec.max_episode_steps if env.spec is not None else None
        self.first = math.ceil(first * limit) if limit is not None else None
        self.longest = LONGEST if limit is None and purpose != "training" else None
        self.run_seed = require_seed("seed", seed)
        self.number = require_count("number", number)
        self.episodes = 0
        self.actions: list[np.ndarray] = []
        self.observation: Any = None

    @property
    def id(self) -> str:
        """That under which gymnasium knows it, without a module to import and with its version."""
        assert self.env.spec is not None  # `make_environment` makes it by its id
        return self.env.spec.id

    def episode_seed(self, episode: int) -> int:
        """The seed of an episode, counted from 0; 32 bits, which every environment takes."""
        sequence = np.random.SeedSequence(self.run_seed, spawn_key=(self.stream, self.number, episode))
        return int(sequence.generate_state(1)[0])

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Start the next episode with its own seed.

        Raises:
            ValueError: on options, which a resumed run could not repeat, or if the observation is not of the
                environment's space, NaN or infinite.
        """
        del seed
        if options:
            raise ValueError(
                f"an episode that can be resumed starts from its seed alone, got the options {options}; "
                "give them to the environment when it is made."
            )
        given, info = self.env.reset(seed=self.episode_seed(self.episodes))
        self.episodes += 1
        self.actions = []
        self._see(given, "reset")
        return self.observation, info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """One step, remembered.

        Raises:
            ValueError: if the observation is not of the environment's space, NaN or infinite, or if an episode to
                record or to evaluate does not end where there is no time limit.
        """
        self.actions.append(np.array(action))
        given, reward, terminated, truncated, info = self.env.step(deepcopy(action))
        self._see(given, "step")
        truncated = truncated or (self.episodes == 1 and len(self.actions) == self.first)
        if not (terminated or truncated) and len(self.actions) == self.longest:
            raise ValueError(
                f"{self.id} has no time limit, and an episode has not ended after {self.longest} steps; give it "
                f"one, gymnasium.register({self.id!r}, ..., max_episode_steps=1000)."
            )
        return self.observation, reward, terminated, truncated, info

    def _see(self, given: Any, method: str) -> None:
        """Networks would find fault too, but with their outputs and not with where the numbers came from."""
        space = self.observation_space
        assert isinstance(space, spaces.Box)  # as `require_supported_spaces` asks
        self.observation = own_observation(given, space, self.id, method)
        if (
            not np.issubdtype(space.dtype, np.integer)
            and not (np.abs(self.observation) <= np.finfo(space.dtype).max).all()
        ):
            raise ValueError(
                f"{self.id} gave an observation that is NaN or infinite in {space.dtype} after {len(self.actions)} "
                f"actions of episode {self.episodes - 1} of environment {self.number}: {self.observation}; let the "
                "environment end an episode before its state leaves the numbers."
            )

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps: how many episodes have begun, and the actions since the last began."""
        return {"episodes": self.episodes, "actions": torch.from_numpy(np.array(self.actions))}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Put it back, by playing the running episode up to where it was."""
        self.episodes = max(int(state["episodes"]) - 1, 0)
        if state["episodes"]:
            self.reset()
        for action in state["actions"].numpy():
            self.step(action)


def make_environment(
    environment_id: str, *, seed: int, number: int = 0, purpose: Purpose = "training", first: float = 1.0
) -> SeededEpisodes:
    """A gymnasium environment by its id, ours included, its episodes seeded one by one.

    Raises:
        TypeError: if it is no id.
        ValueError: if gymnasium does not know it, or its spaces are not supported.
    """
    require_id(environment_id)
    register()
    try:
        environment = gymnasium.make(environment_id, disable_env_checker=True)
    except Exception as error:  # an environment's constructor is somebody else's and may raise anything
        raise ValueError(
            f"gymnasium cannot make the environment {environment_id!r}: {error} Import the package that registers "
            "it, install what it needs, or choose one that gymnasium.pprint_registry() lists."
        ) from error
    require_supported_spaces(environment)
    return SeededEpisodes(checked(environment, environment_id), seed, number, purpose, first=first)


def require_id(environment_id: object) -> None:
    """Raise TypeError for an environment in place of its id: a run makes several, and its folder says of which."""
    if not isinstance(environment_id, str):
        raise TypeError(
            f"environment_id must be a gymnasium id such as 'CartPole-v1', got {environment_id!r}; register an "
            "environment of your own, gymnasium.register('mine/Mine-v0', entry_point='my_module:Mine'), and pass "
            "that id."
        )


def make_environments(environment_id: str, count: int, *, seed: int, purpose: Purpose = "training") -> DummyVecEnv:
    """Several of one environment, numbered from 0, stepped together as Stable-Baselines3 likes them.

    In training their first episodes are cut off one after the other, so that a rollout shows all ages.

    Raises:
        ValueError: as `make_environment`, or if `count` is below 1.
    """
    require_count("count", count, least=1)
    require_choice("purpose", purpose, _STREAMS)
    make = partial(make_environment, environment_id, seed=seed, purpose=purpose)
    shares = [(number + 1) / count if purpose == "training" else 1.0 for number in range(count)]
    return DummyVecEnv([partial(make, number=number, first=share) for number, share in enumerate(shares)])


def restore_episodes(environments: DummyVecEnv, states: Sequence[Mapping[str, Any]]) -> np.ndarray:
    """Put several environments back where they stood; their observations there, shape (environments, d).

    Raises:
        ValueError: if there are not as many states as environments.
    """
    if len(states) != environments.num_envs:
        raise ValueError(
            f"the checkpoint holds {len(states)} environments, the run has {environments.num_envs}; "
            "resume it with as many as it began with."
        )
    for number, state in enumerate(states):
        environments.env_method("load_state_dict", state, indices=number)
    return np.stack(environments.get_attr("observation"))


def require_supported_spaces(environment: gymnasium.Env[Any, Any]) -> None:
    """Refuse an environment whose observations or actions our networks cannot take.

    Raises:
        ValueError: unless observations are vectors of numbers (a one-dimensional Box) and actions Discrete, counted
            from 0, or a bounded Box of real numbers.
    """
    seen = getattr(environment, "observation_space", None)
    done: Any = getattr(environment, "action_space", None)
    if not (isinstance(seen, spaces.Box) and len(seen.shape) == 1 and seen.shape[0] and seen.dtype.kind in "fiu"):
        raise ValueError(
            f"observations must be vectors of numbers, a Box of shape (d,), got {seen}; wrap the environment, for "
            "example in gymnasium.wrappers.FlattenObservation, and register it under an id of its own."
        )
    whole = isinstance(done, spaces.Discrete) and done.start == 0
    real = isinstance(done, spaces.Box) and np.issubdtype(done.dtype, np.floating) and done.is_bounded()
    if not (whole or (real and done.shape)):
        raise ValueError(
            f"actions must be Discrete(n), counted from 0, or a bounded Box of real numbers, got {done}; wrap the "
            "environment, for example in gymnasium.wrappers.TransformAction, and register that under an id."
        )


def variable_horizon(environment: gymnasium.Env[Any, Any] | DummyVecEnv) -> bool:
    """Whether episodes may end before their time limit, so that a reward's sign alone can teach a policy.

    An environment counts as fixed if its metadata say `fixed_horizon` (ours do, and yours may) or it is one of
    gymnasium's that never terminates; any other counts as variable, since nothing in it says otherwise.
    """
    one = environment.envs[0] if isinstance(environment, DummyVecEnv) else environment
    require_a("environment", one, gymnasium.Env, "an environment", "pass what gymnasium.make returns")
    name = one.spec.name if one.spec is not None and one.spec.namespace is None else None
    return not (one.metadata.get("fixed_horizon", False) or name in _FIXED_HORIZON)
