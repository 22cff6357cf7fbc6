"""Digits of 16 x 16 pixels, and a small network without normalisation, on which training may come to nothing."""

from torch import nn
from torch.nn import functional as F

from tasks.adversarial import Images


def larger(images: Images) -> Images:
    """Digits of 16 x 16 pixels, on which FGSM alone comes to nothing at a radius of 0.3."""
    return Images(F.interpolate(images.pixels(), scale_factor=2, mode="bilinear").clamp(0, 1), images.labels)


def small_cnn(*, hidden: int = 128, classes: int = 10) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 16, 4, 2, 1),
        nn.ReLU(),
        nn.Conv2d(16, 32, 4, 2, 1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(512, hidden),
        nn.ReLU(),
        nn.Linear(hidden, classes),
    )
