"""What torch says raw is said in a sentence."""

import pytest
import torch
from specimens import Through
from torch import nn

from minimax_l2l import LBFGS, PGM, Free, InnerProblem, L2Ball, LearnedOptimizer, MLPUpdater, Task
from minimax_l2l.training.explained import explained


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 4)

    def forward(self, y):
        heads = self.linear(y).view(len(y), 1, 2, 2)
        return nn.functional.scaled_dot_product_attention(heads, heads, heads).flatten(1)


class Doubling(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.square()

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, pull):
        return 2 * ctx.saved_tensors[0] * pull


class Once(nn.Linear):
    def forward(self, y):
        return Doubling.apply(super().forward(y)).square()  # torch forgets the mark where nothing is pulled on


class Game(Task):
    def __init__(self, network, *, rows=3):
        self.outer, self.rows = network, rows

    def batches(self):
        return range(3)

    def inner_problem(self, batch):
        return Through(self.outer, torch.full((self.rows, 4), 0.1), constraint=L2Ball(1.0))


@pytest.mark.parametrize(
    ("network", "words"),
    [
        (Attention, r"of _scaled_dot\w+, which .*SDPBackend.MATH"),
        (lambda: Once(4, 4), "of a function marked"),
    ],
    ids=["attention", "once"],
)
def test_what_has_no_second_derivative(network, words):
    optimizer = LearnedOptimizer(MLPUpdater(), steps=2, second_order=True)
    nn.init.normal_(optimizer.updater.head.weight)
    with pytest.raises(ValueError, match=rf"^second derivatives are asked for \(second_order=True\) {words}"):
        Game(network()).solve(optimizer, device="cpu")


def test_the_advice_helps():
    optimizer = LearnedOptimizer(MLPUpdater(), steps=2, second_order=True)
    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        assert Game(Attention()).solve(optimizer, device="cpu").steps == 3


class Checkpointed(nn.Module):
    def __init__(self, *, reentrant):
        super().__init__()
        self.linear, self.reentrant = nn.Linear(4, 4), reentrant

    def forward(self, y):
        return torch.utils.checkpoint.checkpoint(self.linear, y, use_reentrant=self.reentrant)


@pytest.mark.parametrize(
    "optimizer",
    [
        PGM(steps=1, step_size=0.1),
        LearnedOptimizer(MLPUpdater()),
        LearnedOptimizer(MLPUpdater(), second_order=True),
        LBFGS(steps=1, step_size=0.1),
    ],
)
def test_a_checkpoint_that_is_entered_twice(optimizer):
    with pytest.raises(ValueError, match=r"use_reentrant=True, .*; pass use_reentrant=False"):
        Game(Checkpointed(reentrant=True)).solve(optimizer, device="cpu")
    assert Game(Checkpointed(reentrant=False)).solve(optimizer, device="cpu").steps == 3


def test_a_batch_of_one_and_batch_norm():
    network = nn.Sequential(nn.Linear(4, 2), nn.BatchNorm1d(2))
    with pytest.raises(ValueError, match=r"^a batch of one instance cannot be normalised by a BatchNorm layer"):
        Game(network, rows=1).solve(PGM(steps=1, step_size=0.1), device="cpu")
    network[1].eval().requires_grad_(False)
    assert Game(network, rows=1).solve(PGM(steps=1, step_size=0.1), device="cpu").steps == 3


class Kept(InnerProblem):
    constraint = Free()

    def __init__(self, shift):
        self.shift = shift

    def initial(self):
        return torch.zeros(2, 1)

    def objective(self, y):
        return -(y - self.shift).square().sum(1)


class OneGraph(Task):
    """Computes from theta once, before the run."""

    def __init__(self):
        self.outer = nn.Linear(1, 1)
        self.shift = self.outer(torch.ones(2, 1)).exp()

    def batches(self):
        return range(3)

    def inner_problem(self, batch):
        return Kept(self.shift)


def test_a_graph_that_two_batches_use():
    with pytest.raises(
        ValueError, match=r"^(the loss reaches back into a graph|a tensor that the gradient needs was)"
    ):
        OneGraph().solve(PGM(steps=1, step_size=0.1), device="cpu")


class Changing(InnerProblem):
    """An objective that changes its y, or a network of another dtype than its y."""

    def __init__(self, module, change=None, dtype=torch.float32):
        self.module, self.change, self.dtype = module, change, dtype

    def initial(self):
        return torch.zeros(2, 3, dtype=self.dtype)

    def objective(self, y):
        if self.change is not None:
            self.change(y)
        return self.module(y).flatten(1).sum(1)


class Any(Task):
    def __init__(self, problem, outer=None):
        self.problem, self.outer = problem, outer

    def batches(self):
        return [None, None]

    def inner_problem(self, batch):
        return self.problem


OPTIMIZERS = pytest.mark.parametrize(
    "optimizer",
    [PGM(steps=1, step_size=0.1), LearnedOptimizer(MLPUpdater()), LBFGS(steps=1, step_size=0.1)],
    ids=lambda one: type(one).__name__,
)


@OPTIMIZERS
@pytest.mark.parametrize(
    "change",
    [lambda y: y.add_(1), lambda y: y.clamp_(-1, 1), lambda y: y[:, 0].zero_(), lambda y: y.__setitem__(0, 0)],
)
def test_an_objective_that_changes_y_in_place(optimizer, change):
    network = nn.Linear(3, 2)
    with pytest.raises(
        ValueError, match=r"objective\(y\) changes the y that it is given in place.*write y = y \+ m"
    ):
        Any(Changing(network, change), network).solve(optimizer, device="cpu")


class Convolution(nn.Conv1d):
    def forward(self, x):
        return super().forward(x[:, None])


class Product(nn.Linear):
    def forward(self, x):
        return torch.einsum("nd,kd->nk", x, self.weight)


@OPTIMIZERS
@pytest.mark.parametrize(
    "network",
    [nn.Linear(3, 2), Convolution(1, 2, 1), Product(3, 2), nn.GRUCell(3, 2), nn.LayerNorm(3), nn.BatchNorm1d(3)],
    ids=lambda network: type(network).__name__,
)
def test_a_network_of_another_dtype(optimizer, network):
    with pytest.raises(
        ValueError, match=r"tensors of two dtypes meet, and torch says: .*; let initial\(\) and the"
    ):
        Any(Changing(network, dtype=torch.float64), network).solve(optimizer, device="cpu")


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (
            "derivative for aten::_scaled_dot_product_efficient_attention_backward is not implemented",
            "attention, solve",
        ),
        ("derivative for aten::grid_sampler_2d_backward is not implemented", "of grid_sampler_2d_backward, which"),
        ("the derivative for '_cudnn_rnn_backward' is not implemented.", "of _cudnn_rnn_backward, which"),
        (
            "one of the variables needed for gradient computation has been modified by an inplace operation",
            "in place",
        ),
    ],
)
def test_others_of_the_kind(message, words):
    assert words in explained(message)


def test_the_rest_is_left_as_it_is():
    assert explained("mat1 and mat2 shapes cannot be multiplied") is None
    devices = "Input type (torch.cuda.FloatTensor) and weight type (torch.FloatTensor) should be the same"
    assert explained(devices) is None
