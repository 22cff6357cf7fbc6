"""Controls: what an imitation result must be told apart from before it says anything of a discriminator."""

from __future__ import annotations

import numpy as np
import torch
from torch.utils.data import DataLoader, TensorDataset

from minimax_l2l import InnerProblem, Iterate, LearnedOptimizer, leaves
from minimax_l2l.errors import require_a, require_count, require_positive, require_seed
from minimax_l2l.optimizers.base import Observer
from tasks.gail.demonstrations.demonstrations import Demonstrations
from tasks.gail.policy.learner import PolicyLearner


class NoiseOfSameNorm(LearnedOptimizer):
    """A learned optimizer whose steps are replaced by random ones as long: y_0 + ||y_K - y_0|| n / ||n||.

    Phi is trained as if its own update had been taken, at the point to which the random one led. A result that
    stays the same with it owes nothing to the learned direction.
    """

    def maximize(
        self,
        problem: InnerProblem,
        *,
        start: Iterate | None = None,
        steps: int | None = None,
        observe: Observer | None = None,
    ) -> Iterate:
        """Take the learned steps, and go as far in a random direction."""
        end = super().maximize(problem, start=start, steps=steps, observe=observe)
        learned, begun = leaves(end.y)[0], leaves(self.start(problem) if start is None else start.y)[0]
        direction = leaves(problem.noise(begun, draw=1))[0] - 0.5
        moved = begun + (learned - begun).norm() * direction / direction.norm()
        taken = leaves(problem.constraint.project(moved))[0]
        return Iterate(learned + (taken - learned).detach(), end.state)


def clone_behaviour(
    learner: PolicyLearner,
    demonstrations: Demonstrations,
    *,
    epochs: int = 200,
    batch_size: int = 64,
    learning_rate: float = 1e-3,
    seed: int = 0,
) -> float:
    """Behavioural cloning: max over pi of E_E[log pi(a | s)], by Adam, without a step in the environment.

    Args:
        learner: whose policy is trained, in place; its observations are standardised by the expert's from now on.
        demonstrations: of the expert.
        epochs: passes over them.
        batch_size: pairs per step.
        learning_rate: of Adam.
        seed: of the order of pairs.

    Returns:
        The mean log-likelihood of the expert's actions in the last epoch.

    Raises:
        TypeError: if something is of another kind.
        ValueError: if the demonstrations are not of the learner's environment.
    """
    require_count("epochs", epochs, least=1)
    require_count("batch_size", batch_size, least=1)
    require_positive("learning_rate", learning_rate)
    require_seed("seed", seed)
    require_a("learner", learner, PolicyLearner, "the learner of a GAIL", "pass task.learner")
    require_a("demonstrations", demonstrations, Demonstrations, "Demonstrations", "pass those of the expert")
    demonstrations.check_against(learner.episodes.envs[0])
    observations, actions = demonstrations.pairs()
    statistics = learner.statistics
    if learner.normaliser is not None and statistics is not None:
        learner.normaliser.training = False
        statistics.mean = observations.double().mean(0).numpy()
        statistics.var = observations.double().var(0, correction=0).numpy()
        observations = torch.from_numpy(np.asarray(learner.normaliser.normalize_obs(observations.numpy())))
    policy = learner.model.policy
    adam = torch.optim.Adam(policy.parameters(), lr=learning_rate)
    order = torch.Generator().manual_seed(seed)
    pairs = DataLoader(TensorDataset(observations, actions), batch_size, shuffle=True, generator=order)
    total = 0.0
    for _ in range(epochs):
        total = 0.0
        for seen, done in pairs:
            likelihood = policy.evaluate_actions(seen, done)[1]
            adam.zero_grad()
            (-likelihood.mean()).backward()  # type: ignore[no-untyped-call]
            adam.step()
            total += likelihood.sum().item()
    return total / len(observations)
