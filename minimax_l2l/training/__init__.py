"""What surrounds the outer loop: device, run folder, interruption, progress."""

from minimax_l2l.training.callbacks import Callback, ProgressBar, TensorBoard
from minimax_l2l.training.folder import RunFolder
from minimax_l2l.training.interrupt import DelayedInterrupt
from minimax_l2l.training.runtime import Precision, Runtime
from minimax_l2l.training.solution import Row, Solution, Status

__all__ = [
    "Callback",
    "DelayedInterrupt",
    "Precision",
    "ProgressBar",
    "Row",
    "RunFolder",
    "Runtime",
    "Solution",
    "Status",
    "TensorBoard",
]
