"""What a run costs, counted in passes through the objective rather than in seconds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Passes:
    """Passes of whole batches through the objective.

    Attributes:
        forward: evaluations of the objective.
        input_gradient: backward sweeps through activations, down to the inner variable or to theta's
            first layer; the outer player's own backward is one of them.
        weight_gradient: backward sweeps that also form the gradient of theta.
    """

    forward: int = 0
    input_gradient: int = 0
    weight_gradient: int = 0

    def add(self, *, forward: int = 0, input_gradient: int = 0, weight_gradient: int = 0) -> None:
        """Count some more."""
        self.forward += forward
        self.input_gradient += input_gradient
        self.weight_gradient += weight_gradient

    def as_row(self) -> dict[str, int]:
        """The three counts under the names that result files use."""
        return {
            "forward_passes": self.forward,
            "input_gradient_passes": self.input_gradient,
            "weight_gradient_passes": self.weight_gradient,
        }
