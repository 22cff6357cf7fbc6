"""What an environment answers, held against gymnasium's interface before anybody unpacks it.

gymnasium's own PassiveEnvChecker looks at the first answers alone, warns where a run would go wrong, and ends in
raw errors where it could say what to return. This stands in its place.
"""

from __future__ import annotations

import inspect
from typing import Any, NoReturn

import gymnasium
import numpy as np
import torch
from gymnasium import spaces
from torch import Tensor

LARGEST = float(np.finfo(np.float32).max)  # Stable-Baselines3 keeps rewards in float32
_PAIR, _FIVE = "observation, info", "observation, reward, terminated, truncated, info"
MASKED = "fill masked entries, as .filled(0) does, for they have no value"
_SPACE = "return an array of numbers that belongs to observation_space, or declare the space that it belongs to"


class Answers(gymnasium.Wrapper[Any, Any, Any, Any]):
    """An environment whose `reset` returns a pair and whose `step` returns five, of the kinds gymnasium asks for.

    Args:
        env: the environment, or a wrapper of one.
        name: its id.

    Raises:
        ValueError: if `reset` does not take a seed and options; when it is called, if it returns something else.
    """

    def __init__(self, env: gymnasium.Env[Any, Any], name: str) -> None:
        super().__init__(env)
        self.name = name
        try:
            inspect.signature(env.reset).bind(seed=0, options=None)
        except TypeError as error:
            raise ValueError(
                f"{name}: reset() must take a seed and options ({error}); begin it with "
                "def reset(self, *, seed=None, options=None) and super().reset(seed=seed)."
            ) from error

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """The environment's, if it is a pair."""
        answer = self.env.reset(seed=seed, options=options)
        if not isinstance(answer, tuple) or len(answer) != 2 or not isinstance(answer[1], dict):
            _refuse(self.name, "reset", f"a pair ({_PAIR}), info a dict", answer, f"return {_PAIR}")
        return answer

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """The environment's, if it is five."""
        answer = self.env.step(action)
        if not isinstance(answer, tuple) or len(answer) != 5 or not isinstance(answer[4], dict):
            _refuse(self.name, "step", f"five ({_FIVE}), info a dict", answer, f"return {_FIVE}")
        _, reward, terminated, truncated, _ = answer
        if isinstance(reward, bool) or not isinstance(reward, int | float | np.integer | np.floating):
            _refuse(self.name, "step", "a real number as its reward", reward, "return float(reward)")
        paid = int(reward) if isinstance(reward, int | np.integer) else float(reward)
        if not -LARGEST <= paid <= LARGEST:
            _refuse(self.name, "step", "a finite reward that float32 can hold", reward, "return 0.0 for none")
        for end, given in (("terminated", terminated), ("truncated", truncated)):
            if not isinstance(given, bool | np.bool_):
                _refuse(self.name, "step", f"True or False as {end}", given, f"return bool({end})")
        return answer


def checked(environment: gymnasium.Env[Any, Any], name: str) -> Answers:
    """An environment with `Answers` around it and around every layer of it: wrappers unpack what is below them."""
    if isinstance(environment, gymnasium.Wrapper):
        environment.env = checked(environment.env, name)
    return Answers(environment, name)


def own_array(values: Any) -> np.ndarray:
    """Values as an array of its own memory; tensors too, wherever they live and whatever they are part of.

    Raises:
        ValueError: if they cannot be made one, as rows of different lengths, or if some are masked.
    """
    if np.ma.is_masked(values):
        raise ValueError(MASKED)
    try:
        if isinstance(values, Tensor):
            values = values.detach().cpu()
            values = (values.float() if values.dtype is torch.bfloat16 else values).numpy()
        return np.array(values)
    except (TypeError, ValueError, RuntimeError) as error:  # what NumPy raises, and torch
        raise ValueError(str(error)) from error


def own_observation(given: Any, space: spaces.Box, name: str, method: str) -> np.ndarray:
    """An observation as an array that the environment does not own and so cannot change.

    Args:
        given: by the environment.
        space: its observation space.
        name: its id.
        method: that returned it.

    Raises:
        ValueError: if its shape is not the space's, or if the space's type cannot hold it.
    """
    if np.ma.is_masked(given):
        _refuse(name, method, "an observation without masked entries", given, MASKED)
    try:
        seen = own_array(given)
    except ValueError:
        seen = np.array(None)
    whole = np.issubdtype(space.dtype, np.integer)
    if seen.shape != space.shape or seen.dtype.kind not in ("iu" if whole else "fiu"):
        _refuse(name, method, f"an observation of shape {space.shape} and type {space.dtype}", given, _SPACE)
    if whole and not np.array_equal(seen.astype(space.dtype), seen):
        _refuse(name, method, f"an observation that {space.dtype} can hold", given, _SPACE)
    return seen


def _refuse(name: str, method: str, needed: str, given: object, remedy: str) -> NoReturn:
    if isinstance(given, int) and abs(given) > LARGEST:  # Python may refuse to write all its digits
        got = f"a whole number of {given.bit_length()} bits"
    else:
        got = repr(given)
    raise ValueError(f"{name}: {method}() must return {needed}, got {got}; {remedy}.")
