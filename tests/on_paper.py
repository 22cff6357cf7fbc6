"""Classifiers whose robustness is known on paper."""

import torch
from torch import Tensor, nn

from tasks.adversarial import Images

EPS = 0.08


class Linear(nn.Module):
    """f_j(x) = w_j . x + b_j with 4 classes on images of 1 x 4 x 4 pixels."""

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(3)
        self.weight = nn.Parameter(torch.randn(4, 16, generator=generator))
        self.bias = nn.Parameter(-self.weight.detach().sum(1) / 2)  # the images' mean is 1/2
        self.norm = nn.BatchNorm1d(4, affine=False)  # never reached: only its mode is looked at

    def forward(self, images: Tensor) -> Tensor:
        return images.flatten(1) @ self.weight.T + self.bias


def worst_rival(classifier: Linear, images: Tensor, labels: Tensor, eps: float) -> tuple[Tensor, Tensor]:
    """On paper: the perturbation that favours each rival j most, and by how much j then wins.

    (w_j - w_y) . d is a sum over pixels, so each pixel goes as far as the ball and [0, 1] let it.
    """
    x = images.flatten(1)
    weight, bias = classifier.weight.detach(), classifier.bias.detach()
    slopes = weight[None] - weight[labels][:, None]
    low, high = (-x).clamp_min(-eps), (1 - x).clamp_max(eps)
    moves = torch.where(slopes > 0, high[:, None], low[:, None])
    wins = ((x[:, None] + moves) * slopes).sum(2) + bias[None] - bias[labels][:, None]
    wins[torch.arange(len(x)), labels] = -torch.inf
    best = wins.argmax(1)
    return moves[torch.arange(len(x)), best].view_as(images), wins.amax(1)


class TwoRivals(Linear):
    """Two classes that are linear and two that never win: each image has one rival, so no attack can be misled."""

    def __init__(self) -> None:
        super().__init__()
        with torch.no_grad():
            self.weight[2:] = 0
            self.bias[2:] = -100


def linear_problem(count: int = 60, kind: type[Linear] = Linear) -> tuple[Linear, Images]:
    classifier = kind()
    pixels = torch.rand(count, 1, 4, 4, generator=torch.Generator().manual_seed(4))
    pixels[: count // 4] = pixels[: count // 4].round()  # some at both ends, where the box binds
    with torch.no_grad():
        labels = classifier(pixels).argmax(1)
    labels[-3:] = 1 - labels[-3:] if kind is TwoRivals else (labels[-3:] + 1) % 4  # three are misclassified
    return classifier, Images(pixels, labels)
