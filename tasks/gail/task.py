"""Generative adversarial imitation learning: a policy that a discriminator cannot tell from an expert."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from stable_baselines3.common.callbacks import BaseCallback
from torch import Tensor

from minimax_l2l import InnerOptimizer, InnerProblem, Iterate, Task, leaves
from minimax_l2l.constraints.base import Constraint
from minimax_l2l.constraints.free import Free
from minimax_l2l.errors import (
    require_a,
    require_choice,
    require_count,
    require_each,
    require_flag,
    require_not_negative,
    require_positive,
    require_seed,
    require_widths,
)
from tasks.gail.absorbing import steps_absorbed, still_to_come, time_limit, with_absorbed
from tasks.gail.demonstrations.demonstrations import Demonstrations
from tasks.gail.discriminator import Discriminator
from tasks.gail.environments.evaluator import Evaluator
from tasks.gail.environments.seeded_episodes import variable_horizon
from tasks.gail.pairs import Pairs
from tasks.gail.policy.algorithm import PolicySettings
from tasks.gail.policy.learner import PolicyLearner, Rollout
from tasks.gail.problem import DiscriminatorMemory, ImitationProblem
from tasks.gail.referee import Referee
from tasks.gail.regularisers import Regulariser
from tasks.gail.rewards import REWARDS
from tasks.gail.weight_ball import WeightBall

UpdateOrder = Literal["disc_first", "policy_first"]
DEFAULT = PolicySettings()
_SHOWN = "make them of arrays by Demonstrations.from_arrays, of a policy by record, or read them by read_minari"
_CALLBACKS = "pass one, such as EvalCallback(...), or CallbackList([...]) for several"


class GAIL(Task):
    """min over pi of max over w of E_pi[log D_w(s, a)] + E_E[log(1 - D_w(s, a))] - lambda H(pi).

    One iteration: the policy acts; the inner optimizer moves the discriminator's weights w, which live on; if it is
    learned, it takes its meta-step; the new discriminator rewards the rollout; the policy takes a TRPO step.
    `task.solve(Adam(lr=0.01))` updates the discriminator as original GAIL does, and
    `task.solve(LearnedOptimizer(...))` is the paper's Algorithm 3. The defaults keep the discriminator in check.
    Without them, `radius=None, outside=0.0` and `PolicySettings(scale_rewards=False, bootstrap_limits=True)`, it is
    original GAIL. The environment's own reward is not learned from.

    Args:
        environment_id: a gymnasium id; observations are vectors, actions discrete or a box.
        demonstrations: of that environment, raw.
        reward: a name in `tasks.gail.rewards.REWARDS`. None takes `"neutral"`, but only if episodes have a fixed
            length. Elsewhere the sign of a reward alone teaches to live long or to end soon, so name one.
        iterations: of the run.
        policy: TRPO's settings, or another algorithm.
        hidden: widths of the discriminator.
        update_order: `"disc_first"`, as in the paper: the discriminator that has just seen a rollout rewards it; or
            `"policy_first"`, as in Ho and Ermon's code: the one before does.
        entropy: lambda.
        absorbing: let episodes that end early go on in an absorbing state, which the discriminator sees and
            rewards; see `tasks.gail.absorbing`. Then no reward need be named.
        regularisers: hand-designed terms of the discriminator's objective.
        radius: keep w in a ball around 0, of this many times the length of the first weights. None: no ball. Then
            a discriminator that tells all its pairs apart grows without end, and its rewards with it.
        outside: how surely pairs far from all that the expert showed are taken for the policy's, whatever w says;
            see `Discriminator`. It leads a policy back that has run away. 0 leaves everything to w.
        held_out: demonstrations that the discriminator never sees, to measure it with.
        judged_by: demonstrations that the discriminator never sees, for a learned optimizer's meta-objective. It
            then learns to make discriminators that generalise. None takes `demonstrations`. Only
            learned optimizers use it.
        evaluation_episodes: of `validate`.
        seed: of everything random.
        callback: one of Stable-Baselines3's, such as an `EvalCallback`.

    Raises:
        ValueError: if the demonstrations are not of this environment, if a reward must be named, or if an option
            makes no sense.
    """

    moves_theta = True
    validates = ("return_mean",)
    data_parallel = False  # one discriminator is one instance, however long the rollout

    def __init__(
        self,
        environment_id: str,
        demonstrations: Demonstrations,
        *,
        reward: str | None = None,
        iterations: int = 300,
        policy: PolicySettings = DEFAULT,
        hidden: Sequence[int] = (64, 32),
        update_order: UpdateOrder = "disc_first",
        entropy: float = 0.0,
        absorbing: bool = False,
        regularisers: Sequence[Regulariser] = (),
        radius: float | None = 2.0,
        outside: float = 3.0,
        held_out: Demonstrations | None = None,
        judged_by: Demonstrations | None = None,
        evaluation_episodes: int = 20,
        seed: int = 0,
        callback: BaseCallback | None = None,
    ) -> None:
        self.environment_id = environment_id
        self.iterations = require_count("iterations", iterations, least=1)
        for name, given in (("demonstrations", demonstrations), ("held_out", held_out), ("judged_by", judged_by)):
            if given is not None or name == "demonstrations":
                require_a(name, given, Demonstrations, "Demonstrations", _SHOWN)
        require_a("policy", policy, PolicySettings, "PolicySettings", "pass PolicySettings(steps=256)")
        if callback is not None:
            require_a("callback", callback, BaseCallback, "a BaseCallback of Stable-Baselines3", _CALLBACKS)
        self.regularisers = require_each(
            "regularisers", regularisers, Regulariser, "a Regulariser", "pass a list of them, [GradientPenalty()]"
        )
        require_choice("update_order", update_order, ("disc_first", "policy_first"))
        self.update_order, self.seed = update_order, require_seed("seed", seed)
        self.entropy = require_not_negative("entropy", entropy)
        radius = require_positive("radius", radius) if radius is not None else None
        evaluation_episodes = require_count("evaluation_episodes", evaluation_episodes, least=1)
        hidden, absorbing = require_widths("hidden", hidden), require_flag("absorbing", absorbing)
        self.learner = PolicyLearner(environment_id, policy, iterations=iterations, seed=seed, callback=callback)
        environment = self.learner.episodes.envs[0]
        for given in (demonstrations, held_out, judged_by):
            if given is not None:
                given.check_against(environment)
        paid = _reward_of(reward, environment_id, variable_horizon(environment) and not absorbing)
        self.reward = REWARDS[paid]
        self._one_length = reward is None and not absorbing
        self.horizon = time_limit(environment) if absorbing else None
        observations, actions = demonstrations.pairs()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.discriminator = Discriminator(
                observations, actions, environment.action_space, hidden, absorbing=absorbing, outside=outside
            )
        first = self.discriminator.first_weights()
        self.memory = DiscriminatorMemory(first)
        self.constraint: Constraint = WeightBall(radius * first.norm().item()) if radius is not None else Free()
        self.expert = self._shown(demonstrations)
        self.judged_by = self._shown(judged_by) if judged_by is not None else None
        self.held_out = Pairs(self.discriminator.encode(*held_out.pairs())) if held_out is not None else None
        self.referee = Referee(demonstrations)
        self.evaluator = Evaluator(environment_id, evaluation_episodes, seed=seed)
        self._posed = {
            "environment_id": str(environment_id),
            "policy": policy.plain(),
            "demonstrations": demonstrations.sha256,
            "judged_by": judged_by.sha256 if judged_by is not None else None,
            "reward": paid,
            "hidden": list(hidden),
            "update_order": update_order,
            "entropy": self.entropy,
            "absorbing": absorbing,
            "regularisers": [repr(term) for term in self.regularisers],
            "radius": radius,
            "outside": self.discriminator.outside,
            "seed": seed,
        }

    def batches(self) -> Iterator[Rollout]:
        """One rollout per iteration."""
        return self.batches_from(0)

    def batches_from(self, start: int) -> Iterator[Rollout]:
        """The rollouts that follow `start` iterations; the policy has lived through the others."""
        self._place()
        if start == 0 and self.learner.begun:
            raise ValueError("this GAIL has been played, its policy is trained; make a new one for another run.")
        try:
            for step in range(start, self.iterations or 0):
                rollout = self.learner.collect(step)
                if rollout is None:
                    break
                yield rollout
        finally:
            self.learner.end()

    def inner_problem(self, batch: Rollout) -> ImitationProblem:
        """Tell this rollout's pairs from the expert's."""
        if self._one_length and len(batch.lengths):
            raise ValueError(
                f"{self.environment_id} says that its episodes have one length, and one ended after "
                f"{batch.lengths[0]} steps; leave fixed_horizon out of its metadata, and name a reward."
            )
        policy = Pairs(self.discriminator.encode(batch.observations, batch.actions))
        if self.horizon is not None:
            policy = with_absorbed(policy, self.discriminator, (self.horizon - batch.lengths).sum().item())
        self.rollout = batch
        return ImitationProblem(
            self.discriminator,
            self.memory,
            policy,
            self.expert,
            regularisers=self.regularisers,
            constraint=self.constraint,
            judged_by=self.judged_by,
            seed=self.seed,
            step=batch.step,
        )

    def move_theta(self, problem: InnerProblem, end: Iterate) -> Mapping[str, float]:
        """Pay the rollout by the new discriminator, or by the old one, and let the policy take its step."""
        assert isinstance(problem, ImitationProblem)
        weights = leaves(end.y)[0][0]
        rewards = self._pay(self.rollout, weights if self.update_order == "disc_first" else problem.first[0])
        self.learner.train(rewards, entropy=self.entropy)
        with torch.no_grad():
            measured = {
                "reward_mean": rewards.mean().item(),
                "reward_std": rewards.std().item(),
                "policy_accuracy": _share(self.discriminator(weights, problem.policy.inputs) > 0),
                "expert_accuracy": _share(self.discriminator(weights, self.expert.inputs) < 0),
                "weights_norm": weights.norm().item(),
            }
            if self.held_out is not None:
                measured["held_out_accuracy"] = _share(self.discriminator(weights, self.held_out.inputs) < 0)
        told = min(measured["policy_accuracy"], measured["expert_accuracy"])
        self.referee.see(told, self.learner.recorder.returns)
        return measured

    def validate(self, optimizer: InnerOptimizer) -> Mapping[str, float]:  # noqa: ARG002
        """The mean return of the deterministic policy on fixed-seed episodes, by the environment's own reward."""
        return {"return_mean": float(self.evaluator.returns(self.learner.act).mean())}

    def state_dict(self) -> dict[str, Any]:
        """What was posed, the policy with all it depends on, the discriminator, and what the referee has seen."""
        return {
            "posed": self._posed,
            "learner": self.learner.state_dict(),
            "discriminator": self.memory.state_dict(),
            "referee": self.referee.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Put them back.

        Raises:
            ValueError: if they are of another game: another reward, other demonstrations or options; schedules and
                algorithms of the policy cannot be compared.
        """
        for name, posed in state["posed"].items():
            if posed != self._posed[name]:
                raise ValueError(f"its {name} was {posed!r} and is {self._posed[name]!r} here")
        self._place()
        self.learner.load_state_dict(state["learner"])
        self.memory.load_state_dict(state["discriminator"])
        self.referee.load_state_dict(state["referee"])

    def write(self, folder: Path) -> None:
        """The policy as `policy.zip`, which plain Stable-Baselines3 loads."""
        self.learner.save(folder / "policy.zip")

    @torch.no_grad()
    def _pay(self, rollout: Rollout, weights: Tensor) -> Tensor:
        pairs = self.discriminator.encode(rollout.observations, rollout.actions)
        rewards = self.reward(self.discriminator(weights, pairs))
        if self.horizon is not None:
            resting = self.reward(self.discriminator(weights, self.discriminator.absorbed()))
            rewards[rollout.ends] += still_to_come(
                resting, self.horizon - rollout.lengths, self.learner.model.gamma
            )
        return rewards

    def _shown(self, demonstrations: Demonstrations) -> Pairs:
        """The expert's pairs, and the absorbing state as often as its episodes would have been there."""
        pairs = Pairs(self.discriminator.encode(*demonstrations.pairs()))
        if self.horizon is None:
            return pairs
        return with_absorbed(pairs, self.discriminator, steps_absorbed(demonstrations, self.horizon))

    def _place(self) -> None:
        self.discriminator.to(self.device)
        self.memory.to(self.device)
        self.expert = self.expert.to(self.device)
        self.judged_by = self.judged_by.to(self.device) if self.judged_by is not None else None
        self.held_out = self.held_out.to(self.device) if self.held_out is not None else None


def _reward_of(name: str | None, environment_id: str, variable: bool) -> str:
    if name is not None:
        return require_choice("reward", name, REWARDS)
    if variable:
        raise ValueError(
            f"episodes of {environment_id} may end early, so the sign of a reward alone teaches to live long or to "
            'end soon, whatever the expert does; name one: reward="survival" where ending is failure, "goal" where '
            'it is success, "neutral" for both signs; or pass absorbing=True, or take a fixed-horizon environment.'
        )
    return "neutral"


def _share(mask: Tensor) -> float:
    return mask.float().mean().item()
