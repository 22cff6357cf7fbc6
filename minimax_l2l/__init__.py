"""Minimax problems whose inner optimizer is learned: min over theta of max over y of f(theta, y)."""

from typing import TYPE_CHECKING

from minimax_l2l.lazy import lazily

if TYPE_CHECKING:
    from minimax_l2l.constraints.balls import L2Ball, LinfBall
    from minimax_l2l.constraints.base import Constraint, Intersection
    from minimax_l2l.constraints.box import Box
    from minimax_l2l.constraints.free import Free
    from minimax_l2l.constraints.product import Product
    from minimax_l2l.constraints.simplex import Simplex
    from minimax_l2l.errors import DamagedRunError, NonFiniteError
    from minimax_l2l.extras import MissingExtraError, require_extra
    from minimax_l2l.features import Features, GradientFeatures, IterateFeatures, LogSignFeatures
    from minimax_l2l.iterate import Iterate
    from minimax_l2l.meter import Meter
    from minimax_l2l.modes import QueryMode, querying, resting
    from minimax_l2l.optimizers.adam import Adam
    from minimax_l2l.optimizers.ascent import FGSM, PGM, AlternatingAscent, ExtraGradient, GradientAscent
    from minimax_l2l.optimizers.base import InnerOptimizer
    from minimax_l2l.optimizers.lbfgs import LBFGS
    from minimax_l2l.optimizers.learned import LearnedOptimizer
    from minimax_l2l.optimizers.learned_fgsm import LearnedFGSM
    from minimax_l2l.optimizers.play.anchored import AnchoredExtraGradient
    from minimax_l2l.optimizers.play.anderson import AndersonMixing
    from minimax_l2l.optimizers.play.beams import KBeam
    from minimax_l2l.optimizers.play.competitive import CompetitiveGradient
    from minimax_l2l.optimizers.play.lookahead import Lookahead
    from minimax_l2l.optimizers.play.optimistic import OptimisticAscent, PastExtraGradient
    from minimax_l2l.optimizers.play.second_order import ConsensusOptimization, SymplecticAdjustment
    from minimax_l2l.optimizers.play.time_scales import TwoTimeScales
    from minimax_l2l.optimizers.safeguarded import Safeguarded
    from minimax_l2l.oracle import Oracle
    from minimax_l2l.passes import Passes
    from minimax_l2l.problem import InnerProblem
    from minimax_l2l.randomness import uniform
    from minimax_l2l.task import Task
    from minimax_l2l.training.folder import RunFolder
    from minimax_l2l.training.hooks import Hook
    from minimax_l2l.training.kept import BestWeights, WeightAverage
    from minimax_l2l.training.runtime import Runtime
    from minimax_l2l.training.solution import Solution, Status
    from minimax_l2l.training.step import Losses
    from minimax_l2l.trees import Tree, leaves, map_leaves
    from minimax_l2l.updaters.base import Updater
    from minimax_l2l.updaters.cnn import CNNUpdater
    from minimax_l2l.updaters.gram.updater import GramUpdater
    from minimax_l2l.updaters.perceptrons import DenseMLPUpdater, LowRankUpdater, MLPUpdater
    from minimax_l2l.updaters.rnn import RNNUpdater
    from minimax_l2l.updaters.rows import RowUpdater
    from minimax_l2l.updaters.streaming import StreamingAdam
    from minimax_l2l.weights import flat_weights, with_weights

__version__ = "0.1.0"

__all__ = [
    "FGSM",
    "LBFGS",
    "PGM",
    "Adam",
    "AlternatingAscent",
    "AnchoredExtraGradient",
    "AndersonMixing",
    "BestWeights",
    "Box",
    "CNNUpdater",
    "CompetitiveGradient",
    "ConsensusOptimization",
    "Constraint",
    "DamagedRunError",
    "DenseMLPUpdater",
    "ExtraGradient",
    "Features",
    "Free",
    "GradientAscent",
    "GradientFeatures",
    "GramUpdater",
    "Hook",
    "InnerOptimizer",
    "InnerProblem",
    "Intersection",
    "Iterate",
    "IterateFeatures",
    "KBeam",
    "L2Ball",
    "LearnedFGSM",
    "LearnedOptimizer",
    "LinfBall",
    "LogSignFeatures",
    "Lookahead",
    "Losses",
    "LowRankUpdater",
    "MLPUpdater",
    "Meter",
    "MissingExtraError",
    "NonFiniteError",
    "OptimisticAscent",
    "Oracle",
    "Passes",
    "PastExtraGradient",
    "Product",
    "QueryMode",
    "RNNUpdater",
    "RowUpdater",
    "RunFolder",
    "Runtime",
    "Safeguarded",
    "Simplex",
    "Solution",
    "Status",
    "StreamingAdam",
    "SymplecticAdjustment",
    "Task",
    "Tree",
    "TwoTimeScales",
    "Updater",
    "WeightAverage",
    "flat_weights",
    "leaves",
    "map_leaves",
    "querying",
    "require_extra",
    "resting",
    "uniform",
    "with_weights",
]

__getattr__ = lazily(__name__, __file__)
