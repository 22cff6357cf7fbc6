"""Callbacks of Stable-Baselines3: what some of them need and would miss only in the middle of a run."""

from __future__ import annotations

from collections.abc import Iterator

from stable_baselines3.common.callbacks import (
    BaseCallback,
    CallbackList,
    ConvertCallback,
    EvalCallback,
    EventCallback,
    StopTrainingOnNoModelImprovement,
    StopTrainingOnRewardThreshold,
)
from stable_baselines3.common.vec_env import VecEnv, VecNormalize

from minimax_l2l.errors import require_function

_OF_EVALUATIONS = (StopTrainingOnRewardThreshold, StopTrainingOnNoModelImprovement)


def require_fitting(callback: BaseCallback, environments: VecEnv) -> None:
    """Refuse a callback that could not do its work.

    Args:
        callback: with all that it calls in turn.
        environments: that are trained in.

    Raises:
        TypeError: if one was not begun, or wraps a function of something else.
        ValueError: if one that judges evaluations is not called by an `EvalCallback`, or if an `EvalCallback` has
            environments of other spaces than these, or is the only one of both that normalises observations.
    """
    for one, caller in _family(callback, None):
        kind = type(one).__name__
        if not hasattr(one, "n_calls"):
            raise TypeError(f"callback: {kind} was not begun; call super().__init__() in its __init__.")
        if isinstance(one, ConvertCallback) and one.callback is not None:
            require_function(
                "callback", one.callback, "(locals, globals)", "give ConvertCallback a function of both"
            )
        if isinstance(one, _OF_EVALUATIONS) and not isinstance(caller, EvalCallback):
            raise ValueError(
                f"callback: {kind} judges the evaluations of an EvalCallback and is called by "
                f"{type(caller).__name__ if caller is not None else 'none'}; hand it to one, "
                f"EvalCallback(environments, callback_after_eval={kind}(...))."
            )
        if not isinstance(one, EvalCallback):
            continue
        for space in ("observation_space", "action_space"):
            theirs, ours = getattr(one.eval_env, space), getattr(environments, space)
            if theirs != ours:
                raise ValueError(
                    f"callback: {kind} evaluates in an environment whose {space} is {theirs}, the policy learns in "
                    f"one whose {space} is {ours}; evaluate in that."
                )
        if isinstance(one.eval_env, VecNormalize) != isinstance(environments, VecNormalize):
            raise ValueError(
                f"callback: {kind} has environments of {type(one.eval_env).__name__}, the policy learns in those "
                f"of {type(environments).__name__}; wrap its own in VecNormalize(..., training=False, "
                "norm_reward=False) with PolicySettings(normalise=True), and in nothing with normalise=False."
            )


def _family(
    callback: BaseCallback, caller: BaseCallback | None
) -> Iterator[tuple[BaseCallback, BaseCallback | None]]:
    """A callback and those it calls, each with its caller; a list stands for its own caller."""
    yield callback, caller
    called: list[BaseCallback | None] = []
    if isinstance(callback, CallbackList):
        called = [*callback.callbacks]
    elif isinstance(callback, EventCallback):
        called, caller = [callback.callback, getattr(callback, "callback_on_new_best", None)], callback
    for one in called:
        if one is not None:
            yield from _family(one, caller)
