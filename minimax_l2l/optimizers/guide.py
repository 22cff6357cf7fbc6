"""A step along the gradient whose length is learned, and which a network's answers turn within bounds."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

LENGTH, KNEE = 0.1, 1e-3  # at first
LARGEST = math.log(10.0)  # of the logarithm of a factor
FAST, FASTEST = 100.0, 0.1  # times phi's learning rate; and the largest rate, a tenth per step


class Guide(nn.Module):
    """u_j = l g_j / (|g_j| + w) e^{c tanh(s_j / c)}, c = log 10, with learned numbers l and w.

    Where an entry of the gradient is far above w, it gives a sign step of length l. Far below, it gives a gradient
    step of size l / w, which shrinks as a solution nears. The network's answer s_j scales that entry by a factor
    between 1/10 and 10. So every coordinate moves the way its gradient points, whatever the network says.

    The logarithms of l and w have a rate of their own, 100 times phi's but not above 0.1, and no weight decay. So
    they change by up to a tenth per batch, and find their orders of magnitude within some dozens.
    """

    def __init__(self) -> None:
        super().__init__()
        self.log_length = nn.Parameter(torch.tensor(math.log(LENGTH)))
        self.log_knee = nn.Parameter(torch.tensor(math.log(KNEE)))

    def forward(self, gradient: Tensor, answers: Tensor) -> Tensor:
        """The update, shape (n, *event), from the gradient and the network's answers, both of that shape."""
        length, knee = self.log_length.exp(), self.log_knee.exp()
        factors = torch.exp(LARGEST * torch.tanh(answers / LARGEST))
        update: Tensor = length * gradient / (gradient.abs() + knee) * factors
        return update.to(gradient.dtype)

    def parameter_group(self, learning_rate: float) -> dict[str, object]:
        """Both numbers as a group for phi's optimizer.

        Args:
            learning_rate: of the network.
        """
        rate = min(FAST * learning_rate, FASTEST)
        return {"params": list(self.parameters()), "lr": rate, "weight_decay": 0.0}
