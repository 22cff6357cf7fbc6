"""The rows of the table: every training method as one line, with the settings it was given for the digits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import minimax_l2l

if TYPE_CHECKING:
    from tasks.adversarial.data.parts import ImageData
    from tasks.adversarial.losses import Loss
    from tasks.adversarial.outer_losses.base import OuterLoss
    from tasks.adversarial.starts.base import Start

Attacker = Literal["light", "wide", "slim"]


def _no_start(_: float, __: ImageData) -> None:
    """Attacks start at the clean images."""


def _what_y_ascends(_: Loss) -> None:
    """Theta descends what y ascends."""


@dataclass(frozen=True)
class Setting:
    """What a method's optimizer is made for.

    Attributes:
        eps: radius of the threat that it is measured at.
        steps: K.
        channels: of the images.
        attacker: architecture of a learned one.
        width: of its first convolution; None is the architecture's own.
    """

    eps: float
    steps: int
    channels: int
    attacker: Attacker = "light"
    width: int | None = None


@dataclass(frozen=True)
class Method:
    """An inner maximiser, and what it is trained with.

    Attributes:
        name: as result files and presets write it; learned ones end in `-l2l`.
        title: as people read it.
        steps: K.
        rule: what makes its optimizer for a setting.
        step_size: in units of eps; of a learned one, how far a step may go.
        random_start: see `InnerOptimizer`.
        learns: whether there is a phi to train.
        remembers: whether attacks start where the last one on the same image ended.
        fixed_steps: whether another K would be another method.
        outer_loss: makes what theta descends, from the loss of logits and labels that it contains; None is the mean
            of that loss on perturbed images.
        start: makes where attacks start, from eps and the images; None is as `remembers` says.
        smoothing: of labels, in what theta descends, unless a preset says otherwise.
        radius: that is trained against, in units of eps.
        replays: steps in a row on each batch.
    """

    name: str
    title: str
    steps: int
    rule: Callable[[Method, Setting], minimax_l2l.InnerOptimizer]
    step_size: float = 0.0
    random_start: float = 0.0
    learns: bool = False
    remembers: bool = False
    fixed_steps: bool = False
    outer_loss: Callable[[Loss], OuterLoss | None] = _what_y_ascends
    start: Callable[[float, ImageData], Start | None] = _no_start
    smoothing: float = 0.0
    radius: float = 1.0
    replays: int = 1

    def make(self, setting: Setting) -> minimax_l2l.InnerOptimizer:
        """Its optimizer."""
        return self.rule(self, setting)


def _plain(method: Method, setting: Setting) -> minimax_l2l.InnerOptimizer:  # noqa: ARG001
    return minimax_l2l.GradientAscent(steps=setting.steps)


def _fgsm(method: Method, setting: Setting) -> minimax_l2l.InnerOptimizer:
    return minimax_l2l.FGSM(step_size=method.step_size * setting.eps, random_start=method.random_start)


def _pgm(method: Method, setting: Setting) -> minimax_l2l.InnerOptimizer:
    return minimax_l2l.PGM(
        steps=setting.steps, step_size=method.step_size * setting.eps, random_start=method.random_start
    )


def _naive(method: Method, setting: Setting) -> minimax_l2l.InnerOptimizer:  # noqa: ARG001
    return minimax_l2l.LearnedOptimizer(
        _network(setting, inputs=1), steps=setting.steps, features=minimax_l2l.IterateFeatures()
    )


def _learned(method: Method, setting: Setting) -> minimax_l2l.InnerOptimizer:
    network = _network(setting, inputs=2)
    if setting.attacker != "light":  # the paper's, which starts at the image and is bounded by its tanh alone
        return minimax_l2l.LearnedOptimizer(network, steps=setting.steps)
    return minimax_l2l.LearnedOptimizer(
        network, steps=setting.steps, step_size=method.step_size, random_start=method.random_start
    )


def _network(setting: Setting, *, inputs: int) -> minimax_l2l.CNNUpdater:
    width = {} if setting.width is None else {"width": setting.width}
    if setting.attacker == "wide":
        return minimax_l2l.CNNUpdater.wide(setting.channels, inputs, **width)
    if setting.attacker == "slim":
        return minimax_l2l.CNNUpdater.slim(setting.channels, inputs, **width)
    return minimax_l2l.CNNUpdater.light(setting.channels, inputs, gain=16.0 if inputs > 1 else 8.0, **width)


def _sdi(method: Method, setting: Setting) -> minimax_l2l.InnerOptimizer:
    width = 64 if setting.width is None else setting.width
    generator = minimax_l2l.CNNUpdater.residual(setting.channels, width=width)
    return minimax_l2l.LearnedFGSM(generator, sign_step=method.step_size * setting.eps)


def _trades(loss: Loss) -> OuterLoss:
    from tasks.adversarial.outer_losses.trades import Trades

    return Trades(loss=loss)


def _mart(loss: Loss) -> OuterLoss:
    from tasks.adversarial.outer_losses.mart import Mart

    return Mart(loss=loss)


def _noise(eps: float, _: ImageData) -> Start:
    from tasks.adversarial.starts.uniform import UniformStart

    return UniformStart(2 * eps)


def _carried(_: float, __: ImageData) -> Start:
    from tasks.adversarial.starts.carried import CarriedStart

    return CarriedStart()


def _paired(loss: Loss) -> OuterLoss:
    from tasks.adversarial.outer_losses.pairing import LogitPairing

    return LogitPairing(10.0, of=loss)


def _momenta(eps: float, data: ImageData) -> Start:
    from tasks.adversarial.starts.momentum import MomentumMemory

    return MomentumMemory(len(data.train), data.shape, eps)


def _shared(loss: Loss) -> OuterLoss:
    from tasks.adversarial.outer_losses.base import OnAttacked

    return OnAttacked(loss, shared=True)


def _nuat(loss: Loss) -> OuterLoss:
    from tasks.adversarial.outer_losses.nuat import Nuat

    return Nuat(loss=loss)


def _corners(eps: float, _: ImageData) -> Start:
    from tasks.adversarial.starts.corner import CornerStart

    return CornerStart(eps / 2)


def _divergence(loss: Loss) -> OuterLoss:
    from tasks.adversarial.outer_losses.jensen_shannon import JensenShannon

    return JensenShannon(100.0, of=loss)


def _labels(_: float, data: ImageData) -> Start:
    from tasks.adversarial.starts.label import LabelStart

    return LabelStart(data.classes)


def _truth(weight: float) -> float:
    """The smoothing at which the true class of ten has this weight."""
    return (1 - weight) * 10 / 9


# Those from N-FGSM on are as their papers have them. Step sizes of the others were chosen on validation images;
# docs/tuning.md says how.
METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        Method("plain", "Plain", 0, _plain, fixed_steps=True),
        Method("fgsm", "FGSM", 1, _fgsm, 1.0, fixed_steps=True),
        Method("fgsm-rs", "FGSM, random start", 1, _fgsm, 2.0, 1.0, fixed_steps=True),
        Method("pgm-2", "PGM-2", 2, _pgm, 1.0, 1.0),
        Method("pgm-10", "PGM-10", 10, _pgm, 0.15, 1.0),
        Method("naive-l2l", "Naive L2L", 1, _naive, learns=True),
        Method("grad-l2l", "Grad L2L", 1, _learned, 2.0, 1.0, learns=True),
        Method("two-step-l2l", "2-Step L2L", 2, _learned, 1.0, 0.5, learns=True),
        Method("remembered-fgsm", "FGSM, remembered start", 1, _fgsm, 0.75, 0.0, remembers=True, fixed_steps=True),
        Method(
            "remembered-grad-l2l", "Grad L2L, remembered start", 1, _learned, 1.0, 0.0, learns=True, remembers=True
        ),
        Method(
            "remembered-two-step-l2l",
            "2-Step L2L, remembered start",
            2,
            _learned,
            1.0,
            0.0,
            learns=True,
            remembers=True,
        ),
        Method("n-fgsm", "N-FGSM", 1, _fgsm, 1.0, fixed_steps=True, start=_noise, radius=3.0),
        Method("free-4", "Free-4", 0, _plain, fixed_steps=True, start=_carried, replays=4),
        Method("trades-10", "TRADES-10", 10, _pgm, 0.25, 0.03, outer_loss=_trades),
        Method("mart-10", "MART-10", 10, _pgm, 0.25, 0.03, outer_loss=_mart),
        Method(
            "fgsm-mep",
            "FGSM-MEP",
            1,
            _fgsm,
            1.0,
            fixed_steps=True,
            start=_momenta,
            outer_loss=_paired,
            smoothing=_truth(0.6),
        ),
        Method(
            "fgsm-sdi",
            "FGSM-SDI",
            1,
            _sdi,
            1.0,
            learns=True,
            fixed_steps=True,
            outer_loss=_shared,
            smoothing=_truth(0.5),
        ),
        Method("nuat", "NuAT", 1, _fgsm, 1.0, fixed_steps=True, start=_corners, outer_loss=_nuat),
        Method(
            "liet",
            "LIET",
            1,
            _fgsm,
            1.0,
            fixed_steps=True,
            start=_labels,
            outer_loss=_divergence,
            smoothing=_truth(0.4),
        ),
    )
}
TABLE = ("plain", "fgsm-rs", "pgm-2", "pgm-10", "naive-l2l", "grad-l2l", "two-step-l2l")
