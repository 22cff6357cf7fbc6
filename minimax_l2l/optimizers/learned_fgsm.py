"""FGSM from a learned start: a learned step, then one along the steepest direction from where it ended."""

from __future__ import annotations

from collections.abc import Mapping

from minimax_l2l.errors import require_positive
from minimax_l2l.features import Features, GradientFeatures
from minimax_l2l.iterate import State
from minimax_l2l.optimizers.learned import LearnedOptimizer
from minimax_l2l.oracle import Oracle
from minimax_l2l.trees import Tree, shifted
from minimax_l2l.updaters.base import Updater


class LearnedFGSM(LearnedOptimizer):
    """y' = project(squash(updater(A(y_0, g_0)))),  y = project(y' + sign_step * direction(g')).

    g_0 and g' are the gradients at y_0 and y', and y_0 is where the problem starts, the clean image in adversarial
    training. The direction is the sign in an L_inf ball. With `CNNUpdater.residual()` and a sign step of eps it is
    the attack of FGSM-SDI (sample-dependent initialisation). It asks for two gradients.

    Phi learns through y' alone, since g' is a constant. With a sign step of eps, an entry of y' whose sign is that
    of g' ends at eps whatever its size, and has no gradient. So phi learns where to shorten the sign step.

    Beyond the threat, the set of the problem holds here too: in adversarial training images stay in [0, 1], which
    the authors' code does not ask for.

    Source: Jia et al., Boosting Fast Adversarial Training with Learnable Adversarial Initialization, 2022.

    Args:
        updater: the generator; its parameters are phi.
        sign_step: length of the second step, in units of y.
        features: what the generator sees; None is the image and the sign of its gradient, as in the paper.
        learning_rate: of phi's Adam.
        weight_decay: of phi's Adam.
        learns_every: phi takes a step on the first of so many batches, 20 as in the paper; see `LearnedOptimizer`.

    Raises:
        TypeError: if an argument is of another kind.
        ValueError: if a number is not positive, or the weight decay negative.
    """

    def __init__(
        self,
        updater: Updater,
        *,
        sign_step: float,
        features: Features | None = None,
        learning_rate: float = 1e-3,
        weight_decay: float = 5e-4,
        learns_every: int = 20,
    ) -> None:
        super().__init__(
            updater,
            features=GradientFeatures("sign") if features is None else features,
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            learns_every=learns_every,
        )
        self.sign_step = require_positive("sign_step", sign_step)

    @property
    def lengths(self) -> Mapping[str, float]:
        """The sign step; the learned one before it has no length that is said."""
        return {"sign_step": self.sign_step}

    def step(self, oracle: Oracle, y: Tree, state: State) -> tuple[Tree, State]:
        """Both steps."""
        y, state = super().step(oracle, y, state)
        constraint = oracle.problem.constraint
        direction = constraint.direction(oracle.gradient(y))
        return constraint.project(shifted(y, self.sign_step, direction)), state
