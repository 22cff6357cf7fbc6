"""Passes through the objective, in which costs are told rather than in seconds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(repr=False)
class Passes:
    """Passes of whole batches through the objective; a part of a batch is a part of a pass.

    Attributes:
        forward: evaluations of the objective.
        input_gradient: backward sweeps through activations, down to the inner variable or to theta's
            first layer; the outer player's own backward is one of them.
        weight_gradient: backward sweeps that also form the gradient of theta.
    """

    forward: float = 0
    input_gradient: float = 0
    weight_gradient: float = 0

    def add(self, *, forward: float = 0, input_gradient: float = 0, weight_gradient: float = 0) -> None:
        """Count some more."""
        self.forward += forward
        self.input_gradient += input_gradient
        self.weight_gradient += weight_gradient

    def __repr__(self) -> str:
        """Whole passes without a decimal point; a part of one to two places."""
        counts = (f"{name}={round(count, 2):.12g}" for name, count in vars(self).items())
        return f"Passes({', '.join(counts)})"

    def as_row(self) -> dict[str, int]:
        """The three counts under the names that result files use, to the nearest whole pass."""
        return {
            "forward_passes": round(self.forward),
            "input_gradient_passes": round(self.input_gradient),
            "weight_gradient_passes": round(self.weight_gradient),
        }
