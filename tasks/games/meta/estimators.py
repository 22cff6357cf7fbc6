"""How the gradient of progress by phi is found: through the steps, or from what noise on phi does."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from minimax_l2l import LearnedOptimizer
from tasks.games.family import GameFamily
from tasks.games.meta.episode import Episode

Method = Literal["backprop", "es", "pes"]
FAIR = 2.0  # a difference between two plays that counts in full; larger ones are luck


@dataclass
class Estimator(ABC):
    """The gradient of an episode's progress, piece by piece.

    Attributes:
        optimizer: whose parameters are phi.
        family: of the games.
        games: n.
        seed: of the games and of the noise.
        deviation: of the noise on phi.
    """

    optimizer: LearnedOptimizer
    family: GameFamily
    games: int
    seed: int
    deviation: float

    def __post_init__(self) -> None:
        self.played = self.episode()

    def episode(self) -> Episode:
        """The games from their start; it is the same each time."""
        return Episode(self.family, self.games, self.seed)

    @abstractmethod
    def play(self, steps: int) -> float:
        """Some steps more. Sets phi's `grad`, in the direction of more progress, and returns the mean progress."""


class Backpropagation(Estimator):
    """Through the steps of a piece; what came before is a constant."""

    def play(self, steps: int) -> float:
        """One backward pass."""
        gained = self.played.play(self.optimizer, steps).mean()
        gained.backward()  # type: ignore[no-untyped-call]
        self.played.end = self.played.end.detach()
        return gained.item()


class EvolutionStrategies(Estimator):
    """E[(p(phi + e) - p(phi - e)) e] / (2 s^2), where e is normal with deviation s.

    Each game is played twice, with noise of its own. Every piece has new noise, and both plays begin it where the
    first one is.

    Source: Rechenberg, 1973; Salimans et al., "Evolution strategies as a scalable alternative", 2017.
    """

    persistent: ClassVar[bool] = False

    def __post_init__(self) -> None:
        super().__post_init__()
        self.phi = {name: one for name, one in self.optimizer.named_parameters() if one.requires_grad}
        self.generator = torch.Generator().manual_seed(self.seed)
        self.pair = self.played, self.episode()
        self.noise = {name: torch.zeros_like(one)[None] for name, one in self.phi.items()}

    @torch.no_grad()
    def play(self, steps: int) -> float:
        """Both plays."""
        fresh = {name: self._normal(one) for name, one in self.phi.items()}
        one, other = (
            episode.play(
                _with(self.optimizer, {name: self.phi[name] + sign * fresh[name] for name in fresh}), steps
            )
            for sign, episode in zip((1, -1), self.pair, strict=True)
        )
        if self.persistent:
            self.noise = {name: self.noise[name] + fresh[name] for name in fresh}
        else:
            self.noise, self.pair[1].end = fresh, self.pair[0].end
        better = (one - other).clamp(-FAIR, FAIR) / (2 * self.deviation**2 * self.games)
        for name, parameter in self.phi.items():
            parameter.grad = torch.einsum("n,n...->...", better.to(parameter), self.noise[name])
        return ((one + other) / 2).mean().item()

    def _normal(self, parameter: Tensor) -> Tensor:
        shape = (self.games, *parameter.shape)
        return self.deviation * torch.randn(shape, generator=self.generator, dtype=torch.float64).to(parameter)


class PersistentEvolutionStrategies(EvolutionStrategies):
    """Both plays go on where they are, and what they gain is due to all noise that they met: pieces without bias.

    Source: Vicol, Metz and Sohl-Dickstein, "Unbiased gradient estimation in unrolled computation graphs with
    persistent evolution strategies", 2021.
    """

    persistent: ClassVar[bool] = True


ESTIMATORS: Mapping[Method, type[Estimator]] = {
    "backprop": Backpropagation,
    "es": EvolutionStrategies,
    "pes": PersistentEvolutionStrategies,
}


def _with(optimizer: LearnedOptimizer, phi: Mapping[str, Tensor]) -> LearnedOptimizer:
    """A copy with other tensors in the place of its parameters."""
    twin = copy.deepcopy(optimizer)
    for name, tensor in phi.items():
        module, _, own = name.rpartition(".")
        setattr(twin.get_submodule(module), own, nn.Parameter(tensor, requires_grad=False))
    return twin
