"""Adversarial training: a classifier against the worst perturbation of each image."""

from typing import TYPE_CHECKING

from minimax_l2l.lazy import lazily

if TYPE_CHECKING:
    from minimax_l2l import LinfBall
    from minimax_l2l.lab.intervals import wilson_interval
    from tasks.adversarial.attack import Attack
    from tasks.adversarial.data.augmentation import CropAndFlip
    from tasks.adversarial.data.digits import digits
    from tasks.adversarial.data.folder import from_folder
    from tasks.adversarial.data.images import Images
    from tasks.adversarial.data.npz import from_npz
    from tasks.adversarial.data.parts import ImageData
    from tasks.adversarial.data.public import public_data
    from tasks.adversarial.data.reading import read_data
    from tasks.adversarial.data.sources import as_images
    from tasks.adversarial.evaluation.audit import Audit, audit
    from tasks.adversarial.evaluation.checklist import Item
    from tasks.adversarial.evaluation.cost import StepCost, step_cost
    from tasks.adversarial.evaluation.curves import accuracy_against_eps, accuracy_against_steps
    from tasks.adversarial.evaluation.random_search import withstands_random
    from tasks.adversarial.evaluation.robustness import Evaluation, evaluate, withstands
    from tasks.adversarial.evaluation.roughness import roughness
    from tasks.adversarial.evaluation.transfer import PerQuery, Transferred, accuracy_per_query, transfer
    from tasks.adversarial.losses import cross_entropy, margin, smoothed, towards
    from tasks.adversarial.makers import multi_step
    from tasks.adversarial.models.named import classifier_named
    from tasks.adversarial.models.normalise import STATISTICS, Normalise
    from tasks.adversarial.models.resnet18 import PreActResNet18, ResNet18
    from tasks.adversarial.models.small_cnn import SmallCNN
    from tasks.adversarial.models.small_resnet import SmallResNet
    from tasks.adversarial.models.strided_cnn import StridedCNN
    from tasks.adversarial.models.wide_resnet import WideResNet
    from tasks.adversarial.outer_losses.base import OnAttacked, OuterLoss
    from tasks.adversarial.outer_losses.jensen_shannon import JensenShannon
    from tasks.adversarial.outer_losses.logits import Logits
    from tasks.adversarial.outer_losses.mart import Mart
    from tasks.adversarial.outer_losses.nuat import Nuat
    from tasks.adversarial.outer_losses.pairing import LogitPairing
    from tasks.adversarial.outer_losses.trades import Trades
    from tasks.adversarial.parity import Published, published, published_attacker
    from tasks.adversarial.problem import PerturbationProblem
    from tasks.adversarial.starts.base import Start
    from tasks.adversarial.starts.carried import CarriedStart
    from tasks.adversarial.starts.corner import CornerStart
    from tasks.adversarial.starts.label import LabelStart
    from tasks.adversarial.starts.momentum import MomentumMemory
    from tasks.adversarial.starts.uniform import UniformStart
    from tasks.adversarial.task import AdversarialTraining
    from tasks.adversarial.weight_perturbation import WeightPerturbation

__all__ = [
    "STATISTICS",
    "AdversarialTraining",
    "Attack",
    "Audit",
    "CarriedStart",
    "CornerStart",
    "CropAndFlip",
    "Evaluation",
    "ImageData",
    "Images",
    "Item",
    "JensenShannon",
    "LabelStart",
    "LinfBall",
    "LogitPairing",
    "Logits",
    "Mart",
    "MomentumMemory",
    "Normalise",
    "Nuat",
    "OnAttacked",
    "OuterLoss",
    "PerQuery",
    "PerturbationProblem",
    "PreActResNet18",
    "Published",
    "ResNet18",
    "SmallCNN",
    "SmallResNet",
    "Start",
    "StepCost",
    "StridedCNN",
    "Trades",
    "Transferred",
    "UniformStart",
    "WeightPerturbation",
    "WideResNet",
    "accuracy_against_eps",
    "accuracy_against_steps",
    "accuracy_per_query",
    "as_images",
    "audit",
    "classifier_named",
    "cross_entropy",
    "digits",
    "evaluate",
    "from_folder",
    "from_npz",
    "margin",
    "multi_step",
    "public_data",
    "published",
    "published_attacker",
    "read_data",
    "roughness",
    "smoothed",
    "step_cost",
    "towards",
    "transfer",
    "wilson_interval",
    "withstands",
    "withstands_random",
]

__getattr__ = lazily(__name__, __file__)
