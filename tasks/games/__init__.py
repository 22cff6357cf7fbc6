"""Games of two players: a suite of published ones, and those on which gradient play circles."""

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
    from tasks.games.kinds import Kind
    from tasks.games.limit_cycle import LimitCycle, orbit, spiral_factor
    from tasks.games.suite import SUITE

__all__ = [
    "SUITE",
    "BilinearGame",
    "CovarianceGame",
    "FieldGame",
    "Game",
    "GameFamily",
    "Kind",
    "LimitCycle",
    "PlanarGame",
    "QuadraticGame",
    "RatioGame",
    "SeesawGame",
    "orbit",
    "spiral_factor",
]

__getattr__ = lazily(__name__, __file__)
