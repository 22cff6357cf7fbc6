"""Training of a generative adversarial network, a game for each batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.nn.utils import parameters_to_vector

from minimax_l2l import Constraint, Free, InnerProblem, Iterate, Task, Tree, flat_weights, leaves, with_weights
from minimax_l2l.errors import (
    require_a,
    require_count,
    require_flag,
    require_function,
    require_positive,
    require_seed,
)
from tasks.games.gan import GAN

Batch = tuple[Tensor, Tensor]
Sampler = Callable[[torch.Generator], Batch]


class GANTraining(Task):
    """min over x of max over y of a GAN's objective, on fresh samples in every batch.

    The pair (x, y) of both networks' weights is the inner variable, so the inner optimizer moves both, and there is
    no theta. With `apart` the inner variable is y alone. Theta is then the generator, which Adam moves after y,
    and phi ascends what the discriminator does. Players go on from where the last batch left them.

    Args:
        generator: its weights are where x starts; with `apart` they are trained in place.
        discriminator: its weights are where y starts.
        sampler: draws a batch from a generator of random numbers: real samples and latent numbers, both of
            shape (batch, ...).
        iterations: how many batches.
        apart: whether y alone is the inner variable.
        lr: of the generator's Adam, if `apart`.
        seed: of the samples.
        constraint: the set that the inner variable stays in; None leaves it free, and a learned optimizer may then
            let y grow without end.

    Raises:
        TypeError: if something is of another kind.
        ValueError: if a number makes no sense.

    Attributes:
        playing: the game of the last batch, whose `passes` are those of the run so far.
    """

    playing: Playing

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        sampler: Sampler,
        *,
        iterations: int,
        apart: bool = False,
        lr: float = 1e-3,
        seed: int = 0,
        constraint: Constraint | None = None,
    ) -> None:
        self.generator, self.discriminator = generator, discriminator
        self.sampler = require_function(
            "sampler", sampler, "(generator)", "pass one that returns real samples and latent numbers"
        )
        self.iterations = require_count("iterations", iterations)
        self.apart = require_flag("apart", apart)
        self.lr, self.seed = require_positive("lr", lr), require_seed("seed", seed)
        self.constraint = Free() if constraint is None else constraint
        require_a("constraint", self.constraint, Constraint, "a Constraint", "pass one, or None for none")
        self.start = flat_weights(generator), flat_weights(discriminator)
        self.outer = generator if apart else None
        self.end = Iterate(self.start[1] if apart else self.start)

    def weights(self) -> Tensor:
        """x, the generator's weights as they are now, shape (1, m); with theta's graph if they are theta."""
        if self.outer is None:
            return leaves(self.end.y)[0]
        return parameters_to_vector(self.outer.parameters())[None]

    @torch.no_grad()
    def generate(self, latent: Tensor) -> Tensor:
        """What the generator as it is now makes of latent numbers, shape (batch, ...)."""
        samples: Tensor = with_weights(self.generator, self.weights()[0], latent)
        return samples

    def batches(self) -> Iterator[Batch]:
        """Fresh samples, with a leading dimension for the one game that is played."""
        random = torch.Generator().manual_seed(self.seed)
        for _ in range(self.iterations or 0):
            real, latent = self.sampler(random)
            yield real[None], latent[None]

    def inner_problem(self, batch: Batch) -> Playing:
        """The game of a batch, from where the players are."""
        self.playing = Playing(self, GAN(self.generator, self.discriminator, self.start, *batch))
        return self.playing

    def outer_optimizer(self) -> torch.optim.Optimizer | None:
        """Adam with the first moment's decay of 0.5 that is usual for GANs; none if the pair is moved together."""
        if self.outer is None:
            return None
        return torch.optim.Adam(self.outer.parameters(), lr=self.lr, betas=(0.5, 0.999))


class Playing(InnerProblem):
    """A batch's GAN, whose players go on from where the last batch left them."""

    lives_on = True

    def __init__(self, task: GANTraining, game: GAN) -> None:
        self.task, self.game = task, game
        self.signs, self.constraint = 1.0 if task.apart else game.signs, task.constraint

    def initial(self) -> Tree:
        """Where the last batch ended."""
        return self.task.end.y

    def initial_state(self) -> tuple[Tensor, ...]:
        """The optimizer's state there."""
        return self.task.end.state

    def remember(self, end: Iterate, gradient: Tree | None) -> None:  # noqa: ARG002
        """Keep both for the next batch."""
        self.task.end = end

    def objective(self, y: Tree) -> Tensor:
        """That of the game, shape (1,)."""
        return self.game.objective((self.task.weights(), y) if isinstance(y, Tensor) else y)
