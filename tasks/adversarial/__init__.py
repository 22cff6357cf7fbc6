"""Adversarial training: a classifier against the worst perturbation of each image."""

from typing import TYPE_CHECKING

from minimax_l2l.lazy import lazily

if TYPE_CHECKING:
    from minimax_l2l import LinfBall
    from tasks.adversarial.data.digits import digits
    from tasks.adversarial.data.images import ImageData, Images
    from tasks.adversarial.data.npz import from_npz
    from tasks.adversarial.evaluation.robustness import Evaluation, evaluate
    from tasks.adversarial.losses import cross_entropy, margin
    from tasks.adversarial.models.small_resnet import SmallResNet
    from tasks.adversarial.problem import PerturbationProblem
    from tasks.adversarial.task import AdversarialTraining

__all__ = [
    "AdversarialTraining",
    "Evaluation",
    "ImageData",
    "Images",
    "LinfBall",
    "PerturbationProblem",
    "SmallResNet",
    "cross_entropy",
    "digits",
    "evaluate",
    "from_npz",
    "margin",
]

__getattr__ = lazily(__name__, __file__)
