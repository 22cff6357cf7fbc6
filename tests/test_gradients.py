"""Weights without values and modes without gradients are refused at every door of the library."""

import copy

import pytest
import torch
from specimens import Through
from torch import nn

from minimax_l2l import PGM, GradientAscent, LearnedOptimizer, LinfBall, MLPUpdater, Task
from minimax_l2l.gradients import require_recording, require_values


class Game(Task):
    def __init__(self, outer):
        self.outer = outer

    def batches(self):
        return [torch.ones(3, 2)] * 2

    def inner_problem(self, batch):
        return Through(self.outer, batch, constraint=LinfBall(0.5))


def made_within(mode):
    with mode:
        return nn.Linear(2, 1)


def test_no_gradients_within_inference_mode():
    require_recording()
    with torch.no_grad():
        require_recording()
    with torch.inference_mode(), pytest.raises(ValueError, match=r"within torch.inference_mode\(\) there are none"):
        require_recording()


@pytest.mark.parametrize(
    ("mode", "sentence"),
    [
        (torch.device("meta"), r"outer has weights on the meta device, where they hold no values \(weight\)"),
        (torch.inference_mode(), r"outer was made within torch.inference_mode\(\), .* \(weight\)"),
    ],
)
@pytest.mark.parametrize("optimizer", [GradientAscent(steps=0), PGM(steps=1, step_size=0.1)])
def test_weights(mode, sentence, optimizer):
    with pytest.raises(ValueError, match=sentence):
        Game(made_within(mode)).solve(optimizer, device="cpu")


def test_what_is_advised_helps():
    on_meta, within = made_within(torch.device("meta")), made_within(torch.inference_mode())
    on_meta.to_empty(device="cpu").load_state_dict(nn.Linear(2, 1).state_dict())
    for module in (on_meta, copy.deepcopy(within)):
        require_values("outer", module)
        assert Game(module).solve(PGM(steps=1, step_size=0.1), device="cpu").steps == 2


def test_weights_without_a_shape_are_not_asked():
    require_values("outer", nn.LazyLinear(2))


def test_an_optimizer_without_values():
    optimizer = LearnedOptimizer(MLPUpdater(), steps=1).to("meta")
    with pytest.raises(ValueError, match="the inner optimizer has weights on the meta device"):
        Game(nn.Linear(2, 1)).solve(optimizer, device="cpu")
    with pytest.raises(ValueError, match="LearnedOptimizer has weights on the meta device"):
        optimizer.maximize(Game(nn.Linear(2, 1)).inner_problem(torch.ones(3, 2)))


@pytest.mark.parametrize(
    "optimizer", [GradientAscent(steps=0), PGM(steps=1, step_size=0.1), LearnedOptimizer(MLPUpdater(), steps=1)]
)
class TestModes:
    def test_a_game_is_refused_within_inference_mode(self, optimizer):
        game = Game(nn.Linear(2, 1))
        with torch.inference_mode(), pytest.raises(ValueError, match="gradients are needed"):
            game.solve(optimizer, device="cpu")

    def test_a_game_needs_no_mode_around_it(self, optimizer):
        weights = []
        for mode in (torch.no_grad(), torch.enable_grad()):
            torch.manual_seed(0)
            game = Game(nn.Linear(2, 1))
            with mode:
                game.solve(copy.deepcopy(optimizer), device="cpu")
            weights.append(game.outer.weight.detach())
        assert torch.equal(*weights)


def test_a_maximisation_within_inference_mode():
    problem = Game(nn.Linear(2, 1)).inner_problem(torch.ones(3, 2))
    with torch.inference_mode(), pytest.raises(ValueError, match="gradients are needed"):
        PGM(steps=1, step_size=0.1).maximize(problem)
