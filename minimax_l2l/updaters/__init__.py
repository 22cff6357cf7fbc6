"""Networks that propose updates: convolutional, recurrent, coordinate-wise and dense."""

from minimax_l2l.updaters.base import Updater
from minimax_l2l.updaters.cnn import CNNUpdater
from minimax_l2l.updaters.mlp import DenseMLPUpdater, MLPUpdater
from minimax_l2l.updaters.rnn import RNNUpdater

__all__ = ["CNNUpdater", "DenseMLPUpdater", "MLPUpdater", "RNNUpdater", "Updater"]
