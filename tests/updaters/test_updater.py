"""What all updaters share: a config that builds them again, and a learning rate for each parameter."""

import pytest

from minimax_l2l import (
    CNNUpdater,
    DenseMLPUpdater,
    LowRankUpdater,
    MLPUpdater,
    RNNUpdater,
    RowUpdater,
    Updater,
)


@pytest.mark.parametrize(
    ("updater", "config"),
    [
        (
            CNNUpdater.slim(1, width=16),
            {"architecture": "slim", "channels": 1, "inputs": 2, "width": 16, "gain": 5.0},
        ),
        (RNNUpdater(inputs=1, gain=0.3), {"inputs": 1, "hidden": 16, "gain": 0.3}),
        (MLPUpdater(hidden=[4, 3]), {"inputs": 2, "hidden": (4, 3), "fan_in_scaling": False}),
        (
            DenseMLPUpdater(7, streaming=True),
            {"size": 7, "inputs": 2, "zero_head": True, "fan_in_scaling": True, "streaming": True},
        ),
        (LowRankUpdater(7, rank=3), {"size": 7, "rank": 3, "inputs": 2, "fan_in_scaling": True}),
        (
            RowUpdater([[4, 3], [1, 4]], fan_in_scaling=False),
            {"shapes": ((4, 3), (1, 4)), "inputs": 2, "fan_in_scaling": False},
        ),
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


def rates(updater, learning_rate=1.0):
    """Each parameter's name and rate."""
    names = {parameter: name for name, parameter in updater.named_parameters()}
    groups = updater.parameter_groups(learning_rate)
    found = {names[parameter]: group["lr"] for group in groups for parameter in group["params"]}
    assert len(found) == len(names) == sum(len(group["params"]) for group in groups)
    return found


def test_matrices_learn_at_the_rate_over_their_fan_in():
    assert rates(DenseMLPUpdater(5), 0.5) == {
        "body.0.weight": 0.5 / 10,
        "body.0.bias": 0.5,
        "body.1.weight": 0.5,
        "body.2.weight": 0.5 / 40,
        "body.2.bias": 0.5,
        "body.3.weight": 0.5,
        "head.weight": 0.5 / 20,
        "head.bias": 0.5,
    }
    by_rows = rates(RowUpdater(((4, 3), (1, 4))))
    assert (by_rows["layers.0.0.weight"], by_rows["layers.1.4.weight"]) == (1 / 8, 1 / 20)
    assert rates(LowRankUpdater(5, rank=2))["body.0.weight"] == 1 / 10


@pytest.mark.parametrize(
    "updater", [MLPUpdater(), RNNUpdater(), CNNUpdater.light(), DenseMLPUpdater(5, fan_in_scaling=False)]
)
def test_without_scaling_there_is_one_group_in_the_order_of_the_parameters(updater):
    (group,) = updater.parameter_groups(0.1)
    assert group["lr"] == 0.1
    assert all(a is b for a, b in zip(group["params"], updater.parameters(), strict=True))
