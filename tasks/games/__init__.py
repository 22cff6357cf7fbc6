"""Games of two players: a suite of published ones, and a learned optimizer that practises to settle them."""

from typing import TYPE_CHECKING

from minimax_l2l.lazy import lazily

if TYPE_CHECKING:
    from tasks.games.families.bilinear import BilinearGame
    from tasks.games.families.covariance import CovarianceGame
    from tasks.games.families.planar import FieldGame, PlanarGame, SeesawGame
    from tasks.games.families.quadratic import QuadraticGame
    from tasks.games.families.ratio import RatioGame
    from tasks.games.family import GameFamily
    from tasks.games.game import Game
    from tasks.games.gan import GAN
    from tasks.games.gan_training import GANTraining
    from tasks.games.kinds import Kind
    from tasks.games.limit_cycle import LimitCycle, orbit, spiral_factor
    from tasks.games.meta.optimizer import gram_optimizer
    from tasks.games.meta.practice import PRACTICE
    from tasks.games.meta.training import MetaTraining, meta_train
    from tasks.games.suite import SUITE

__all__ = [
    "GAN",
    "PRACTICE",
    "SUITE",
    "BilinearGame",
    "CovarianceGame",
    "FieldGame",
    "GANTraining",
    "Game",
    "GameFamily",
    "Kind",
    "LimitCycle",
    "MetaTraining",
    "PlanarGame",
    "QuadraticGame",
    "RatioGame",
    "SeesawGame",
    "gram_optimizer",
    "meta_train",
    "orbit",
    "spiral_factor",
]

__getattr__ = lazily(__name__, __file__)
