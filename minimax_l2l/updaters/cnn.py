"""Convolutional updaters for images: the paper's wide and slim attackers, a light and a residual one."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from minimax_l2l.errors import require_a, require_choice, require_count, require_fraction, require_not_negative
from minimax_l2l.iterate import State
from minimax_l2l.modes import resting
from minimax_l2l.updaters.base import Updater, of_any_shape
from minimax_l2l.updaters.perceptrons import zeroed

Architecture = Literal["wide", "published", "slim", "light", "residual"]


class CNNUpdater(Updater):
    """A convolutional attacker: features (n, inputs, channels, height, width) to an update of the image.

    Its output is squashed by the problem's constraint (eps tanh for an L_inf ball), so the tanh that the
    paper draws at its end is not part of the network.

    Args:
        architecture: `"wide"` (the paper's Table 1), `"published"` (the same in its authors' code), `"slim"` (its
            Table 7), `"light"` or `"residual"` (see there).
        channels: colours of the image.
        inputs: features per pixel; 2 for image and gradient, 1 for the image alone. The gradient comes last.
        width: channels of the first convolution; the others keep the paper's ratios to it.
        gain: initial factor on the normalised gradient in `"light"`, on the output in `"slim"`; 0 or more.
    """

    def __init__(
        self,
        architecture: Architecture,
        channels: int = 3,
        inputs: int = 2,
        width: int = 64,
        gain: float = 1.0,
    ) -> None:
        super().__init__()
        require_choice("architecture", architecture, _BODIES)
        self.architecture: Architecture = architecture
        self.channels, self.inputs = (
            require_count("channels", channels, least=1),
            require_count("inputs", inputs, least=1),
        )
        self.width, self.gain = require_count("width", width, least=1), require_not_negative("gain", gain)
        self.body = _BODIES[architecture](self.channels, self.inputs, self.width, self.gain)

    @classmethod
    def wide(cls, channels: int = 3, inputs: int = 2, width: int = 64) -> CNNUpdater:
        """The paper's Table 1: convolution, residual blocks of 2, 4 and 2 times the width, convolution."""
        return cls("wide", channels, inputs, width)

    @classmethod
    def published(cls, channels: int = 3, inputs: int = 2, width: int = 64) -> CNNUpdater:
        """The wide attacker of the authors' code, which has more than the paper's Table 1 says.

        A fourth residual block leads back to the width; BatchNorm without weights follows; blocks start as Glorot
        and Bengio, 2010, with gain sqrt(2), their shortcuts with gain 1.
        """
        return cls("published", channels, inputs, width)

    @classmethod
    def slim(cls, channels: int = 3, inputs: int = 2, width: int = 128) -> CNNUpdater:
        """The paper's Table 7: one residual stage at half resolution; output times a learned scale, 5 at first."""
        return cls("slim", channels, inputs, width, gain=5.0)

    @classmethod
    def light(cls, channels: int = 3, inputs: int = 2, width: int = 8, gain: float = 8.0) -> CNNUpdater:
        """A soft sign step that learns the rest: gain * gradient + a small correction that starts at zero.

        Squashed by eps tanh it begins as a nearly saturated sign step, so that the classifier meets a
        useful attacker from its first batch on; gain (one per colour) and correction are learned. The
        correction works at half resolution, and without BatchNorm: instances stay independent in training
        too. Not in the paper, whose attackers cost many times a small classifier's own forward pass.
        """
        return cls("light", channels, inputs, width, gain)

    @classmethod
    def residual(cls, channels: int = 3, inputs: int = 2, width: int = 64) -> CNNUpdater:
        """The generator of FGSM-SDI: convolution, one residual block with an identity beside it, convolution.

        It has 79,173 parameters at three colours, works at full resolution, and so takes images of any size.

        Source: Jia et al., Boosting Fast Adversarial Training with Learnable Adversarial Initialization, 2022.
        """
        return cls("residual", channels, inputs, width)

    @classmethod
    def matched(
        cls, classifier: nn.Module, image: Tensor, *, share: float = 0.1, inputs: int = 2, gain: float = 8.0
    ) -> CNNUpdater:
        """A light attacker whose forward pass costs at most `share` of the classifier's, or one of width 1.

        Its width is the largest power of two that costs no more.

        Args:
            classifier: the network it will attack.
            image: one image, shape (channels, height, width); only its shape is used.
            share: most attacker FLOPs over classifier FLOPs, both counted for one image.
            inputs: as in the constructor.
            gain: as in `light`.
        """
        require_a("classifier", classifier, nn.Module, "a network", "pass the one that will be attacked")
        require_a("image", image, Tensor, "a tensor", "pass one image")
        if image.dim() != 3:
            raise ValueError(
                f"image must have shape (channels, height, width), got {tuple(image.shape)}; pass one image."
            )
        require_count("inputs", inputs, least=1)
        require_not_negative("gain", gain)
        require_fraction("share", share)
        budget = share * _flops(classifier, image[None])
        width = 1
        features = image.new_zeros(1, inputs, *image.shape)
        while _flops(cls.light(len(image), inputs, 2 * width, gain), features) <= budget:
            width *= 2
        return cls.light(len(image), inputs, width, gain)

    def forward(self, features: Tensor, state: State) -> tuple[Tensor, State]:
        """Merge features and colours into channels and convolve; carries no state."""
        if features.dim() != 5 or features.shape[1:3] != (self.inputs, self.channels):
            raise ValueError(
                f"CNNUpdater was built for inputs={self.inputs} features and channels={self.channels} colours, "
                f"shape (n, {self.inputs}, {self.channels}, height, width), got {tuple(features.shape)}; "
                f"build {_fitting(self.architecture, features)}."
            )
        if self.architecture in _HALVING and _odd(features):
            raise ValueError(
                f"CNNUpdater works at half resolution, so images need even sides, got {tuple(features.shape[3:])}; "
                f"pad the images, or take {_fitting(self.architecture, features)}."
            )
        return self.body(features.flatten(1, 2)), state


class _ResidualBlock(nn.Module):
    """BN, PReLU, convolution, twice, beside a 1x1 shortcut, as in the SN-GAN generator without upsampling.

    The shortcut may be another, such as the identity.
    """

    def __init__(self, inputs: int, outputs: int, shortcut: nn.Module | None = None) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.BatchNorm2d(inputs, affine=False),
            nn.PReLU(),
            nn.Conv2d(inputs, outputs, 3, padding=1),
            nn.BatchNorm2d(outputs, affine=False),
            nn.PReLU(),
            nn.Conv2d(outputs, outputs, 3, padding=1),
        )
        self.shortcut = nn.Conv2d(inputs, outputs, 1) if shortcut is None else shortcut

    def forward(self, x: Tensor) -> Tensor:
        return torch.add(self.body(x), self.shortcut(x))


def _wide(channels: int, inputs: int, width: int, gain: float) -> nn.Module:  # noqa: ARG001
    return nn.Sequential(
        nn.Conv2d(inputs * channels, width, 3, padding=1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        _ResidualBlock(width, 2 * width),
        _ResidualBlock(2 * width, 4 * width),
        _ResidualBlock(4 * width, 2 * width),
        nn.Conv2d(2 * width, channels, 3, padding=1),
    )


def _residual(channels: int, inputs: int, width: int, gain: float) -> nn.Module:  # noqa: ARG001
    return _xavier(channels, inputs, width, [_ResidualBlock(width, width, shortcut=nn.Identity())])


def _published(channels: int, inputs: int, width: int, gain: float) -> nn.Module:  # noqa: ARG001
    blocks = [
        _ResidualBlock(width, 2 * width),
        _ResidualBlock(2 * width, 4 * width),
        _ResidualBlock(4 * width, 2 * width),
        _ResidualBlock(2 * width, width),
    ]
    for block in blocks:
        assert isinstance(block.shortcut, nn.Conv2d)
        nn.init.xavier_uniform_(block.shortcut.weight)
    return _xavier(channels, inputs, width, blocks)


def _xavier(channels: int, inputs: int, width: int, blocks: Sequence[_ResidualBlock]) -> nn.Module:
    """A convolution, residual blocks whose convolutions start as Xavier has them, a convolution."""
    for block in blocks:
        for part in block.body:
            if isinstance(part, nn.Conv2d):
                nn.init.xavier_uniform_(part.weight, gain=math.sqrt(2))
    return nn.Sequential(
        nn.Conv2d(inputs * channels, width, 3, padding=1, bias=False),
        nn.BatchNorm2d(width, eps=1e-3),
        nn.ReLU(),
        *blocks,
        nn.BatchNorm2d(width, affine=False),
        nn.Conv2d(width, channels, 3, padding=1),
    )


class _Slim(nn.Module):
    def __init__(self, channels: int, inputs: int, width: int, gain: float) -> None:
        super().__init__()
        narrow = max(width // 8, 1)
        self.trunk = nn.Sequential(
            nn.Conv2d(inputs * channels, width, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            _ResidualBlock(width, 2 * width),
            _ResidualBlock(2 * width, width),
            nn.BatchNorm2d(width),
            nn.ConvTranspose2d(width, narrow, 4, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(narrow),
            nn.ReLU(),
        )
        self.last = nn.Conv2d(inputs * channels + narrow, channels, 3, padding=1)
        self.scale = nn.Parameter(torch.tensor(float(gain)))

    def forward(self, x: Tensor) -> Tensor:
        return torch.mul(self.scale, self.last(torch.cat([x, self.trunk(x)], dim=1)))


class _Light(nn.Module):
    def __init__(self, channels: int, inputs: int, width: int, gain: float) -> None:
        super().__init__()
        self.channels, self.sees_gradient = channels, inputs > 1
        self.gain = nn.Parameter(torch.full((channels, 1, 1), float(gain)), requires_grad=self.sees_gradient)
        last = zeroed(nn.Conv2d(width, 4 * channels, 3, padding=1))
        self.correction = nn.Sequential(
            nn.PixelUnshuffle(2),
            nn.Conv2d(4 * inputs * channels, width, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1),
            nn.ReLU(),
            last,
            nn.PixelShuffle(2),
        )

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.correction(x)
        if self.sees_gradient:
            result = result + self.gain * x[:, -self.channels :]
        return result


_BODIES: Mapping[str, Callable[[int, int, int, float], nn.Module]] = {
    "wide": _wide,
    "published": _published,
    "slim": _Slim,
    "light": _Light,
    "residual": _residual,
}
_HALVING = ("slim", "light")  # which work at half resolution


def _odd(features: Tensor) -> bool:
    return any(side % 2 for side in features.shape[3:])


def _fitting(architecture: Architecture, features: Tensor) -> str:
    """The call that makes an updater for such features, of the same architecture if it can take them."""
    if features.dim() != 5:
        return f"{of_any_shape(features)}, for they are no images"
    inputs, channels = features.shape[1:3]
    more = "" if inputs == 2 else f", inputs={inputs}"
    fitting = "wide" if architecture in _HALVING and _odd(features) else architecture
    return f"CNNUpdater.{fitting}(channels={channels}{more})"


def _flops(network: nn.Module, example: Tensor) -> int:
    """Floating-point operations of one forward pass."""
    from torch.utils.flop_counter import FlopCounterMode  # imports Triton, which takes a third of a second

    example = torch.zeros_like(example).to(next(network.parameters()))
    with resting(network), torch.no_grad(), FlopCounterMode(display=False) as counter:
        _ = network(example, ()) if isinstance(network, Updater) else network(example)
    return int(counter.get_total_flops())
