"""The methods that are compared on games, and with which settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from minimax_l2l import (
    AlternatingAscent,
    AnchoredExtraGradient,
    AndersonMixing,
    CompetitiveGradient,
    ConsensusOptimization,
    ExtraGradient,
    GradientAscent,
    InnerOptimizer,
    LearnedOptimizer,
    Lookahead,
    OptimisticAscent,
    PastExtraGradient,
    SymplecticAdjustment,
    TwoTimeScales,
)
from tasks.games.meta.optimizer import gram_optimizer

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
    "gradient": HandDesigned("simultaneous gradient play", lambda eta: GradientAscent(steps=1, step_size=eta)),
    "alternating": HandDesigned("alternating gradient play", lambda eta: AlternatingAscent(steps=1, step_size=eta)),
    "two-time-scales": HandDesigned(
        "two time scales", lambda eta: TwoTimeScales(steps=1, step_sizes=(eta / 10, eta))
    ),
    "extragradient": HandDesigned("extragradient", lambda eta: ExtraGradient(steps=1, step_size=eta)),
    "past-extragradient": HandDesigned("past extragradient", lambda eta: PastExtraGradient(steps=1, step_size=eta)),
    "optimistic": HandDesigned("optimistic", lambda eta: OptimisticAscent(steps=1, step_size=eta)),
    "anchored": HandDesigned("anchored extragradient", lambda eta: AnchoredExtraGradient(steps=1, step_size=eta)),
    "consensus": HandDesigned("consensus", lambda eta: ConsensusOptimization(steps=1, step_size=eta)),
    "symplectic": HandDesigned("symplectic adjustment", lambda eta: SymplecticAdjustment(steps=1, step_size=eta)),
    "competitive": HandDesigned("competitive gradient", lambda eta: CompetitiveGradient(steps=1, step_size=eta)),
    "lookahead": HandDesigned("lookahead", lambda eta: Lookahead(GradientAscent(steps=1, step_size=eta), period=5)),
    "anderson": HandDesigned("Anderson mixing", lambda eta: AndersonMixing(steps=1, step_size=eta), usual=0.05),
}
UNTRAINED = "gram-untrained"
SHIPPED = "gram-games"
LEARNED: Mapping[str, str] = {UNTRAINED: "GramUpdater, untrained", SHIPPED: "GramUpdater, learned"}
TUNED: Sequence[str] = ("extragradient", "optimistic", "consensus", "competitive", "anderson")


def learned(name: str) -> LearnedOptimizer:
    """One of `LEARNED`."""
    return gram_optimizer() if name == UNTRAINED else LearnedOptimizer.from_pretrained(name)
