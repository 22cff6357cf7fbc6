"""Queries leave theta's module as they found it, and ask it in the mode that was asked for."""

import pytest
import torch
from specimens import Through
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from minimax_l2l import (
    PGM,
    BestWeights,
    L2Ball,
    LearnedOptimizer,
    MLPUpdater,
    Oracle,
    Task,
    WeightAverage,
)
from minimax_l2l.modes import querying, train


class CountingLayer(nn.Module):
    """Keeps a statistic of its own in training mode, as observers and moving averages do."""

    def __init__(self):
        super().__init__()
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, x):
        if self.training:
            self.seen += len(x)
        return x


def with_statistics():
    return nn.Sequential(
        nn.Conv1d(2, 4, 1),
        nn.BatchNorm1d(4),
        nn.InstanceNorm1d(4, track_running_stats=True),
        spectral_norm(nn.Conv1d(4, 4, 1)),
        CountingLayer(),
        nn.Dropout(0.5),
    )


def state(module):
    return {name: value.clone() for name, value in module.state_dict(keep_vars=False).items()}


@pytest.mark.parametrize("graph", [False, True])
@pytest.mark.parametrize("mode", ["eval", "train"])
def test_no_statistic_moves_whatever_layer_keeps_it(mode, graph):
    module = with_statistics().train()
    before = state(module)
    with querying(module, mode, graph=graph):
        module(torch.randn(3, 2, 5))
    assert all(torch.equal(value, before[name]) for name, value in state(module).items())
    module(torch.randn(3, 2, 5))
    moved = {name for name, value in state(module).items() if not torch.equal(value, before[name])}
    assert {"1.running_mean", "2.running_mean", "4.seen"} <= moved


def test_buffers_are_the_same_objects_afterwards():
    module = nn.InstanceNorm1d(4, track_running_stats=True)
    mean = module.running_mean
    with querying(module, "train"):
        assert module.running_mean is not mean
    assert module.running_mean is mean


def test_the_statistics_of_batch_norm_are_not_copied():
    module = nn.BatchNorm1d(4)
    mean, before = module.running_mean, module.running_mean.clone()
    with querying(module, "train"):
        assert module.running_mean is mean
        module(torch.randn(3, 4))
    assert torch.equal(mean, before)
    assert module.track_running_stats


def test_a_layer_that_its_owner_keeps_in_eval_mode_uses_its_running_statistics():
    class Kept(nn.BatchNorm1d):
        def train(self, mode=True):
            return super().train(False)

    module, batch = Kept(1).eval(), torch.tensor([[3.0], [5.0]])
    with querying(module, "train"):
        torch.testing.assert_close(module(batch), batch, rtol=1e-4, atol=0)


@pytest.mark.parametrize("mode", ["eval", "train"])
def test_uneven_modes_and_flags_come_back_after_an_error(mode):
    module = with_statistics()
    module[1].eval()
    module[0].weight.requires_grad_(False)
    inside = []

    def fail():
        with querying(module, mode, frozen=True):
            inside.extend(part.training for part in module.modules())
            inside.extend(weight.requires_grad for weight in module.parameters())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert inside == [mode == "train"] * len(list(module.modules())) + [False] * len(list(module.parameters()))
    assert [part.training for part in module] == [True, False, True, True, True, True]
    assert [name for name, weight in module.named_parameters() if not weight.requires_grad] == ["0.weight"]


def test_parameters_stay_trainable_if_asked():
    module = nn.Linear(2, 2)
    with querying(module, "eval", frozen=False):
        assert all(weight.requires_grad for weight in module.parameters())
    with querying(module, "eval"):
        assert not any(weight.requires_grad for weight in module.parameters())


def test_eval_queries_use_running_statistics_and_train_queries_the_batch():
    module = nn.BatchNorm1d(1)
    module.running_mean.fill_(1.0)
    module.running_var.fill_(4.0 - module.eps)
    batch = torch.tensor([[3.0], [5.0]])
    with querying(module, "eval"):
        torch.testing.assert_close(module(batch), torch.tensor([[1.0], [2.0]]))
    with querying(module, "train"):
        torch.testing.assert_close(module(batch), torch.tensor([[-1.0], [1.0]]), rtol=1e-4, atol=0)


def test_tracked_queries_are_passes_of_training():
    module, again = with_statistics().train(), with_statistics()
    again.load_state_dict(module.state_dict())
    batch = torch.randn(3, 2, 5)
    with querying(module, "tracked"):
        assert not any(weight.requires_grad for weight in module.parameters())
        module(batch)
    again(batch)
    wanted = state(again)
    assert all(torch.equal(value, wanted[name]) for name, value in state(module).items())
    assert all(weight.requires_grad for weight in module.parameters())


class Tracked(Task):
    """Queries that move running statistics, on problems that are the same ones in each step."""

    def __init__(self, query_mode="tracked"):
        torch.manual_seed(0)
        self.outer = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
        self.problems = [Through(self.outer, torch.rand(8, 2), constraint=L2Ball(0.1)) for _ in range(2)]
        for problem in self.problems:
            problem.query_mode = query_mode

    def batches(self):
        return [0, 1, 0, 1]

    def inner_problem(self, batch):
        return self.problems[batch]


def played(task, play="joint", optimizer=None, **options):
    """The run's network, and how many batches its BatchNorm has seen."""
    torch.manual_seed(1)
    optimizer = LearnedOptimizer(MLPUpdater(), steps=2) if optimizer is None else optimizer
    task.solve(optimizer, play=play, device="cpu", **options)
    return state(task.outer), int(task.outer[1].num_batches_tracked)


class TestTracked:
    @pytest.mark.parametrize("play", ["joint", "alternating"])
    def test_every_query_of_thetas_half_counts_and_none_of_phis(self, play):
        assert played(Tracked(), play)[1] == 4 * (2 + 1)
        assert played(Tracked("train"), play)[1] == 4
        assert played(Tracked(), play, PGM(steps=3, step_size=0.1))[1] == 4 * (3 + 1)

    def test_phi_learns_from_queries_in_eval_mode(self):
        task = Tracked()
        modes = []
        task.outer.register_forward_pre_hook(lambda module, _: modes.append(module.training))
        played(task, "alternating", steps=1)
        assert modes == [True] * 3 + [False] * 3
        assert {problem.query_mode for problem in task.problems} == {"tracked"}

    def test_what_is_logged_leaves_no_trace(self):
        often, seldom = played(Tracked(), log_every=1), played(Tracked(), log_every=4)
        assert often[1] == seldom[1]
        assert all(torch.equal(value, seldom[0][name]) for name, value in often[0].items())

    def test_second_derivatives(self):
        optimizer = LearnedOptimizer(MLPUpdater(), steps=2, second_order=True)
        assert played(Tracked(), optimizer=optimizer)[1] == 4 * (2 + 1)


def test_queries_may_be_nested():
    module = nn.BatchNorm1d(1)
    batch = torch.tensor([[3.0], [5.0]])
    with querying(module, "train"), querying(module, "eval"):
        torch.testing.assert_close(module(batch), batch, rtol=1e-4, atol=0)
    assert module.training


def test_a_problem_without_a_module_has_nothing_to_switch():
    with querying(None, "train", frozen=True):
        pass


def test_second_derivatives_are_those_of_the_statistics_that_the_query_saw():
    """The outer pass moves running statistics in place, between a query and the backward through its graph."""
    module = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Tanh())
    problem = Through(module, torch.randn(4, 2))
    y = problem.start.clone().requires_grad_()

    def gradient():
        with Oracle(problem, second_order=True) as oracle:
            return oracle.gradient(y)

    (expected,) = torch.autograd.grad(gradient().square().sum(), y)
    late = gradient().square().sum()
    module.train()(10 * torch.randn(4, 2))
    (got,) = torch.autograd.grad(late, y)
    assert torch.equal(got, expected)


class TestFrozenByItsOwner:
    """What is in eval mode with constant weights is left so, by queries and by a run."""

    @staticmethod
    def network():
        network = nn.Sequential(
            nn.Linear(2, 4),
            nn.Sequential(nn.BatchNorm1d(4), nn.Dropout(0.5)),
            nn.BatchNorm1d(4),
            nn.BatchNorm1d(4),
            nn.BatchNorm1d(4),
            nn.Linear(4, 1),
        )
        network[1].eval().requires_grad_(False)  # frozen, with the dropout in it
        network[2].eval()  # in eval mode, its weights trained
        network[3].requires_grad_(False)
        return network

    def test_train_mode(self):
        network = self.network()
        train(network)
        assert not any(part.training for part in network[1].modules())
        assert all(network[place].training for place in (0, 2, 3, 4, 5))

    def test_queries(self):
        network = self.network()
        with querying(network, "train"):
            assert not network[1][0].training
            assert network[3].training

    @pytest.mark.parametrize(
        "part",
        [
            nn.BatchNorm1d(4, affine=False),
            nn.InstanceNorm1d(4, track_running_stats=True),
            nn.Dropout(0.5),
            nn.Sequential(nn.BatchNorm1d(4, affine=False), nn.Dropout(0.5)),
            CountingLayer(),
        ],
        ids=lambda part: type(part).__name__,
    )
    def test_what_has_no_weights_to_freeze(self, part):
        network = nn.Sequential(nn.Linear(2, 4), part, nn.Linear(4, 1))
        train(network)
        assert all(own.training for own in network.modules())
        part.eval()
        for _ in range(2):
            train(network)
            assert not any(own.training for own in part.modules())
            assert network[0].training
            with querying(network, "train"):
                assert not part.training
                assert network[2].training

    def test_a_network_that_is_in_eval_mode_as_a_whole_says_nothing_of_parts_without_weights(self):
        network = nn.Sequential(nn.Linear(2, 4), nn.Sequential(nn.BatchNorm1d(4, affine=False))).eval()
        train(nn.Sequential(network))
        assert all(part.training for part in network.modules())

    @pytest.mark.parametrize("query_mode", ["eval", "train"])
    def test_a_run_leaves_the_statistics_of_a_layer_without_weights(self, query_mode):
        network = nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4, affine=False), nn.Linear(4, 1))
        network[1].eval()
        before = state(network[1])
        game = self.game(network, query_mode)
        for _ in range(2):  # the first one leaves the whole network in eval mode
            game.solve(PGM(steps=2, step_size=0.1), device="cpu")
            assert all(torch.equal(value, before[name]) for name, value in state(network[1]).items())
            assert not any(part.training for part in network.modules())
        network.train()  # frozen no more
        for steps in (5, 10):
            game.solve(PGM(steps=2, step_size=0.1), device="cpu")
            assert network[1].num_batches_tracked == steps

    @pytest.mark.parametrize("make", [lambda: BestWeights("loss"), lambda: WeightAverage(0.5)])
    def test_what_is_kept_of_a_run_keeps_what_was_frozen_in_it(self, make):
        network, hook = nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4, affine=False), nn.Linear(4, 1)), make()
        network[1].eval()
        game = self.game(network, "eval")
        game.validate = lambda _: {"loss": 1.0}
        game.solve(PGM(steps=1, step_size=0.1), device="cpu", hooks=[hook], validate_every=5)
        kept = hook.module
        self.game(kept, "eval").solve(PGM(steps=1, step_size=0.1), device="cpu")
        assert kept[1].num_batches_tracked == 0
        assert not torch.equal(kept[0].weight, network[0].weight)

    @staticmethod
    def game(network, query_mode):
        class Game(Task):
            def __init__(self, network):
                self.outer = network

            def batches(self):
                return [torch.rand(8, 2) for _ in range(5)]

            def inner_problem(self, batch):
                problem = Through(self.outer, batch, constraint=L2Ball(0.1))
                problem.query_mode = query_mode
                return problem

        return Game(network)

    def test_a_run(self):
        network = self.network()
        before = [part.running_mean.clone() for part in (network[1][0], *network[2:5])]
        for _ in range(2):  # the first one leaves the whole network in eval mode
            self.game(network, "train").solve(PGM(steps=2, step_size=0.1), device="cpu")
            after = [part.running_mean for part in (network[1][0], *network[2:5])]
            assert [torch.equal(was, now) for was, now in zip(before, after, strict=True)] == [True] + [False] * 3
