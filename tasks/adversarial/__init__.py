"""Adversarial training: a classifier against the worst perturbation of each image."""

from minimax_l2l import LinfBall
from tasks.adversarial.data import ImageData, Images, digits, from_npz
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
