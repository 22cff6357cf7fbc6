"""Games on which gradient play circles."""

from typing import TYPE_CHECKING

from minimax_l2l.lazy import lazily

if TYPE_CHECKING:
    from tasks.games.families.bilinear import BilinearGame
    from tasks.games.limit_cycle import LimitCycle, orbit, spiral_factor

__all__ = ["BilinearGame", "LimitCycle", "orbit", "spiral_factor"]

__getattr__ = lazily(__name__, __file__)
