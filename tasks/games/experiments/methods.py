"""The methods that are compared on games, and with which settings; known without torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import minimax_l2l

if TYPE_CHECKING:
    from minimax_l2l import InnerOptimizer, LearnedOptimizer

STEP_SIZES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
USUAL = 0.1  # step size where nothing is tuned


@dataclass(frozen=True)
class HandDesigned:
    """A method with a step size.

    Attributes:
        title: what tables call it.
        make: of a step size.
        usual: the step size where nothing is tuned.
    """

    title: str
    make: Callable[[float], InnerOptimizer]
    usual: float = USUAL


HAND_DESIGNED: Mapping[str, HandDesigned] = {
    "gradient": HandDesigned(
        "simultaneous gradient play", lambda eta: minimax_l2l.GradientAscent(steps=1, step_size=eta)
    ),
    "alternating": HandDesigned(
        "alternating gradient play", lambda eta: minimax_l2l.AlternatingAscent(steps=1, step_size=eta)
    ),
    "two-time-scales": HandDesigned(
        "two time scales", lambda eta: minimax_l2l.TwoTimeScales(steps=1, step_sizes=(eta / 10, eta))
    ),
    "extragradient": HandDesigned("extragradient", lambda eta: minimax_l2l.ExtraGradient(steps=1, step_size=eta)),
    "past-extragradient": HandDesigned(
        "past extragradient", lambda eta: minimax_l2l.PastExtraGradient(steps=1, step_size=eta)
    ),
    "optimistic": HandDesigned("optimistic", lambda eta: minimax_l2l.OptimisticAscent(steps=1, step_size=eta)),
    "anchored": HandDesigned(
        "anchored extragradient", lambda eta: minimax_l2l.AnchoredExtraGradient(steps=1, step_size=eta)
    ),
    "consensus": HandDesigned("consensus", lambda eta: minimax_l2l.ConsensusOptimization(steps=1, step_size=eta)),
    "symplectic": HandDesigned(
        "symplectic adjustment", lambda eta: minimax_l2l.SymplecticAdjustment(steps=1, step_size=eta)
    ),
    "competitive": HandDesigned(
        "competitive gradient", lambda eta: minimax_l2l.CompetitiveGradient(steps=1, step_size=eta)
    ),
    "lookahead": HandDesigned(
        "lookahead", lambda eta: minimax_l2l.Lookahead(minimax_l2l.GradientAscent(steps=1, step_size=eta), period=5)
    ),
    "anderson": HandDesigned(
        "Anderson mixing", lambda eta: minimax_l2l.AndersonMixing(steps=1, step_size=eta), usual=0.05
    ),
}
UNTRAINED = "gram-untrained"
SHIPPED = "gram-games"
LEARNED: Mapping[str, str] = {UNTRAINED: "gram-games, network at zero", SHIPPED: "gram-games"}
SEEDS: Mapping[str, int] = {f"gram-seed-{seed}": seed for seed in range(1, 5)}  # the shipped one had seed 0
COORDINATES: Mapping[str, str] = {"rnn": "RNNUpdater", "twin": "TwinUpdater", "mlp": "MLPUpdater"}
TUNED: Sequence[str] = ("extragradient", "optimistic", "consensus", "competitive", "anderson")


def learned(name: str) -> LearnedOptimizer:
    """One of `LEARNED`; or of `SEEDS` or `COORDINATES`, which are meta-trained at the first call."""
    from tasks.games.experiments.practised import practised
    from tasks.games.meta.optimizer import gram_optimizer

    if name in SEEDS or name in COORDINATES:
        return practised(name, SEEDS.get(name, 0))
    return gram_optimizer() if name == UNTRAINED else minimax_l2l.LearnedOptimizer.from_pretrained(name)
