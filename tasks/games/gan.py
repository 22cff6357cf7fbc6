"""A generative adversarial network as a game: the weights of its two networks are the pair (x, y)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from minimax_l2l import Tree, leaves, with_weights
from minimax_l2l.errors import require_a
from tasks.games.game import Game


class GAN(Game):
    """min over x of max over y of E log D(real; y) + E log(1 - D(G(latent; x); y)), D = sigmoid(discriminator).

    The networks say what is computed; their weights are the pair. n GANs are n games, each with samples of its own.
    An expectation is a mean over one batch, so a game is a batch's, and training goes from game to game.

    Args:
        generator: G, from latent numbers to samples.
        discriminator: from samples to logits of shape (batch, 1).
        start: x and y, shapes (n, weights of G) and (n, weights of the discriminator); see `flat_weights`.
        real: samples, shape (n, batch, ...).
        latent: what G makes samples of, shape (n, batch, ...).

    Raises:
        TypeError: if something is no network, or no tensor.
        ValueError: if real or latent hold no batch for each game.

    Source: Goodfellow et al., "Generative adversarial nets", 2014.
    """

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        start: tuple[Tensor, Tensor],
        real: Tensor,
        latent: Tensor,
    ) -> None:
        super().__init__(start)
        for name, network in (("generator", generator), ("discriminator", discriminator)):
            require_a(name, network, nn.Module, "a torch module", "pass a network such as torch.nn.Linear(2, 1)")
        for name, given in (("real", real), ("latent", latent)):
            require_a(name, given, Tensor, "a tensor", "pass one of shape (n, batch, ...)")
            if given.dim() < 3 or len(given) != len(start[0]) or not given.shape[1]:
                raise ValueError(
                    f"{name} must have shape ({len(start[0])}, batch, ...), a batch for each game, got "
                    f"{tuple(given.shape)}; give a single game a leading dimension of 1."
                )
        self.generator, self.discriminator = generator, discriminator
        self.real, self.latent = real, latent

    def generate(self, x: Tensor, latent: Tensor) -> Tensor:
        """G(latent; x), game by game: shape (n, batch, ...)."""
        return _each(self.generator, x, latent)

    def objective(self, y: Tree) -> Tensor:
        """f(x, y), shape (n,)."""
        x, other = leaves(y)
        shown = torch.cat([self.real, self.generate(x, self.latent)], dim=1)
        logits = _each(self.discriminator, other, shown)[..., 0]
        real, fake = logits[:, : self.real.shape[1]], logits[:, self.real.shape[1] :]
        return F.logsigmoid(real).mean(1) + F.logsigmoid(-fake).mean(1)


def _each(network: nn.Module, weights: Tensor, given: Tensor) -> Tensor:
    """What n networks of one kind return for n batches."""
    return torch.stack([with_weights(network, own, batch) for own, batch in zip(weights, given, strict=True)])
