"""What validations say when a training goes wrong: robust to its own attack alone, or one side that gave up."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

# Accuracies and ratios at which something is said. In trials on the digits, at radii of 0.15 and 0.3, PGM, Grad L2L
# and 2-Step L2L stayed clear of them; Naive L2L and large single sign steps on a small network with ReLU did not.
SEEN, FAR, HALF, IDLE = 0.3, 0.25, 0.5, 0.2
BETTER, UNTOUCHED = 0.02, 1e-3  # accuracy above one answer for all; what an attack adds to the loss, in parts of it


class Alarm:
    """Warns once of each: nothing learned, catastrophic overfitting, an attacker that has stopped, lost numbers.

    Nothing learned: at three validations in a row the classifier is right on no more clean images than one answer
    for all of them, or on 2 % more at most, and PGM-10 changes its loss by less than 0.1 %.

    Catastrophic overfitting (Wong et al., 2020): 30 % of the validation images or more withstand the training's own
    attack, and less than a quarter as many withstand PGM-10; or less than half as many, which are also less than
    half of PGM-10's best. Stopped: a learned attacker's `attack_ratio` is below 0.2 at two validations in a row. At
    the first validation neither is said. After the last step of a run of 50 or more, one validation is enough for
    each. Lost: a mean loss is NaN or infinite. A training whose optimizer takes no steps, plain or Free, is judged
    by what it has learned and by lost numbers alone.
    """

    def __init__(self) -> None:
        self._first, self._best, self._idle, self._blank = True, 0.0, 0, 0
        self._said: list[str] = []

    def see_clean(self, accuracy: float, constant: float, harm: float, *, last: bool = False) -> None:
        """One validation without an attack.

        Args:
            accuracy: of the classifier.
            constant: of the best answer that is the same for all images.
            harm: the loss under PGM-10 over the one without an attack, less 1.
            last: whether a run of 50 steps or more is over.

        Warns:
            UserWarning: the first time that nothing has been learned for long, or in the whole run.
        """
        blank = accuracy <= constant + BETTER and abs(harm) < UNTOUCHED
        self._blank = self._blank + 1 if blank else 0
        if self._blank >= (1 if last else 3):
            when = "after the last step" if last else "at three validations in a row"
            self._say(
                "blank",
                f"the classifier learns nothing: {accuracy:.1%} of the clean validation images are right, one "
                f"answer for all gets {constant:.1%}, and PGM-10 changes nothing, {when}. Attacks may be too "
                "strong before there is anything to attack: let the radius grow, warm_up=0.25, or lower the "
                "learning rate.",
            )

    def see(self, own: float, robust: float, ratio: float, *, learns: bool, last: bool = False) -> None:
        """One validation.

        Args:
            own: accuracy under the training's own attack.
            robust: accuracy under PGM-10.
            ratio: the own attack's mean loss over PGM-10's; NaN if one of them is not finite.
            learns: whether the attacker is learned.
            last: whether a run of 50 steps or more is over.

        Warns:
            UserWarning: the first time that something is wrong.
        """
        first, self._first = self._first, False
        self._best = max(self._best, robust)
        if first and not last:
            return
        idle = learns and ratio < IDLE  # False if it is NaN: who knows
        self._idle = self._idle + 1 if idle else 0
        far = robust < FAR * own or robust < HALF * min(own, self._best)
        if own >= SEEN and far and not idle:
            self._say(
                "overfitting",
                f"catastrophic overfitting: {own:.1%} of the validation images withstand the training's own "
                f"attack, and {robust:.1%} withstand PGM-10, {self._best:.1%} at best. Take more or smaller steps, "
                "start from noise (UniformStart), or keep the best weights, BestWeights('validation_pgm_10').",
            )
        if self._idle >= (1 if last else 2):
            when = "after the last step" if last else "at two validations in a row"
            self._say(
                "idle",
                f"the attacker has stopped attacking: {when} it reached less than {IDLE:.0%} of PGM-10's loss "
                f"({ratio:.1%}), and the classifier learns to withstand nothing else. "
                "Let it see gradients (GradientFeatures), give it a random start, or change its learning rate.",
            )

    def lose(self) -> None:
        """A validation whose `attack_ratio` is not known, because a loss is NaN or infinite.

        Warns:
            UserWarning: the first time.
        """
        self._say(
            "lost",
            "the mean loss on the validation images is NaN or infinite, under the training's own attack or under "
            "PGM-10, so attack_ratio is NaN. Images whose attack or logits are NaN or infinite count as lost. Look "
            "for a division, root or logarithm in the classifier or the loss that can meet zero.",
        )

    def state_dict(self) -> dict[str, Any]:
        """What it has seen and said."""
        return {
            "first": self._first,
            "best": self._best,
            "idle": self._idle,
            "blank": self._blank,
            "said": list(self._said),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""
        self._first, self._best, self._idle = state["first"], state["best"], state["idle"]
        self._blank = state["blank"]
        self._said = list(state["said"])

    def _say(self, name: str, words: str) -> None:
        if name not in self._said:
            self._said.append(name)
            warnings.warn(words, stacklevel=2)
