"""Problems that nobody tuned an inner optimizer for: small, of several kinds, each with a number to be judged by.

The number is worked out without the inner optimizer that was used: by a formula, a linear program, long careful
ascent, or the environment's own reward. Lower is better.
"""

from collections.abc import Mapping

from benchmarks.own_problems.anew import MovedHills, MovedInputs, Penalised, WorstGroup
from benchmarks.own_problems.base import OwnProblem
from benchmarks.own_problems.imitation import MountainCar
from benchmarks.own_problems.lasting import Fairness, Instruments, MatrixGame

# The defaults were chosen while looking at the first four, at no other.
LOOKED_AT: Mapping[str, type[OwnProblem]] = {
    "worst group": WorstGroup,
    "penalised moves": Penalised,
    "matrix game": MatrixGame,
    "moved hills": MovedHills,
}
UNTOUCHED: Mapping[str, type[OwnProblem]] = {
    "moves in a ball": MovedInputs,
    "instruments": Instruments,
    "multipliers": Fairness,
    "imitation": MountainCar,
}

__all__ = ["LOOKED_AT", "UNTOUCHED", "OwnProblem"]
