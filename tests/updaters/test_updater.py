"""What all updaters share: a config that builds them again."""

import pytest

from minimax_l2l import CNNUpdater, DenseMLPUpdater, MLPUpdater, RNNUpdater, Updater


@pytest.mark.parametrize(
    ("updater", "config"),
    [
        (
            CNNUpdater.slim(1, width=16),
            {"architecture": "slim", "channels": 1, "inputs": 2, "width": 16, "gain": 5.0},
        ),
        (RNNUpdater(inputs=1, gain=0.3), {"inputs": 1, "hidden": 16, "gain": 0.3}),
        (MLPUpdater(hidden=[4, 3]), {"inputs": 2, "hidden": (4, 3)}),
        (DenseMLPUpdater(7), {"size": 7, "inputs": 2}),
    ],
)
def test_the_config_is_the_constructors_arguments(updater, config):
    assert updater.config() == config
    again = type(updater)(**config)
    again.load_state_dict(updater.state_dict())


class Unkept(Updater):
    def __init__(self, width: int):
        super().__init__()
        self.twice = 2 * width

    def forward(self, features, state):
        return features[:, 0], state


def test_an_argument_that_was_not_kept_cannot_be_told():
    with pytest.raises(AttributeError, match="width"):
        Unkept(3).config()
