"""Games on which gradient play circles."""

from tasks.games.families.bilinear import BilinearGame
from tasks.games.limit_cycle import LimitCycle, orbit, spiral_factor

__all__ = ["BilinearGame", "LimitCycle", "orbit", "spiral_factor"]
