"""Networks that propose updates: convolutional, recurrent, coordinate-wise, by rows, low-rank and dense."""

from minimax_l2l.updaters.base import Updater
from minimax_l2l.updaters.cnn import CNNUpdater
from minimax_l2l.updaters.perceptrons import DenseMLPUpdater, LowRankUpdater, MLPUpdater
from minimax_l2l.updaters.rnn import RNNUpdater
from minimax_l2l.updaters.rows import RowUpdater
from minimax_l2l.updaters.streaming import StreamingAdam

__all__ = [
    "CNNUpdater",
    "DenseMLPUpdater",
    "LowRankUpdater",
    "MLPUpdater",
    "RNNUpdater",
    "RowUpdater",
    "StreamingAdam",
    "Updater",
]
