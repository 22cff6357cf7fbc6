"""Who would never move, or would move the wrong way, is refused at the start or in the first step."""

import pytest
import torch
from specimens import Through
from torch import nn
from torch.optim.lr_scheduler import ChainedScheduler, ConstantLR, LambdaLR, OneCycleLR, SequentialLR, StepLR

from minimax_l2l import PGM, L2Ball, LearnedOptimizer, Losses, MLPUpdater, Status, Task


class Regression(Task):
    """min over theta of max over ||y|| <= 1 of sum_c theta(y)_c."""

    def __init__(self, network=None, *, optimizer=torch.optim.Adam, schedule=lambda _: None, iterations=6):
        self.outer = network if network is not None else nn.Linear(2, 1)
        self.used = self.outer
        self.optimizer, self.schedule, self.iterations = optimizer, schedule, iterations

    def batches(self):
        return [torch.zeros(3, 2)] * self.iterations

    def inner_problem(self, batch):
        return Through(self.used, batch, constraint=L2Ball(1.0))

    def outer_optimizer(self):
        return self.optimizer(self.outer.parameters())

    def outer_schedule(self, optimizer):
        return self.schedule(optimizer)


def solve(task, optimizer=None, **options):
    return task.solve(optimizer or PGM(steps=1, step_size=0.1), device="cpu", **options)


def sgd(weights, **options):
    return torch.optim.SGD(weights, lr=0.1, **options)


OPTIMIZERS = {
    "none": (lambda weights: None, TypeError, r"^outer_optimizer\(\) must return a torch optimizer, got NoneType"),
    "a class": (lambda weights: torch.optim.Adam, TypeError, "must return a torch optimizer, got the class Adam"),
    "a function": (lambda weights: print, TypeError, "must return a torch optimizer, got builtin_function"),
    "LBFGS": (torch.optim.LBFGS, ValueError, "returned LBFGS, which needs more than a gradient"),
    "SparseAdam": (torch.optim.SparseAdam, ValueError, "returned SparseAdam, which needs more than a gradient"),
    "another network's": (
        lambda _: sgd(nn.Linear(2, 1).parameters()),
        ValueError,
        "holds none of the player's weights",
    ),
    "the other way": (
        lambda weights: sgd(weights, maximize=True),
        ValueError,
        "theta descends, got .* maximize=True",
    ),
}


@pytest.mark.parametrize(("optimizer", "error", "words"), OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_optimizers_of_theta(optimizer, error, words):
    with pytest.raises(error, match=words):
        solve(Regression(optimizer=optimizer))


@pytest.mark.parametrize(("optimizer", "error", "words"), OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_optimizers_of_phi(optimizer, error, words):
    class Own(LearnedOptimizer):
        def meta_optimizer(self):
            made = optimizer(self.parameters())
            for group in getattr(made, "param_groups", ()):
                group["maximize"] = not group.get("maximize", False)
            return made

    words = words.replace("outer_optimizer", "meta_optimizer").replace("theta descends", "phi ascends")
    with pytest.raises(error, match=words.replace("maximize=True", "maximize=False")):
        solve(Regression(), Own(MLPUpdater()))


def _cycle(optimizer, steps):
    return OneCycleLR(optimizer, 0.1, total_steps=steps)


SCHEDULES = {
    "of another optimizer": (
        lambda _: StepLR(sgd([nn.Parameter(torch.ones(1))]), 2),
        "the schedule of another optimizer",
    ),
    "one that ends": (
        lambda optimizer: OneCycleLR(optimizer, 0.1, total_steps=5),
        "ends after 5 steps and the run has 6",
    ),
    "one that ends, within another": (
        lambda optimizer: SequentialLR(optimizer, [ConstantLR(optimizer), _cycle(optimizer, 3)], [2]),
        r"OneCycleLR within the SequentialLR begins after 2 steps and ends after 5 .* has 6; .*total_steps=4\.$",
    ),
    "one that ends before its turn does": (
        lambda optimizer: SequentialLR(optimizer, [_cycle(optimizer, 3), ConstantLR(optimizer)], [5]),
        r"OneCycleLR within the SequentialLR ends after 3 steps .*total_steps=4\.$",
    ),
    "one that ends, beside another": (
        lambda optimizer: ChainedScheduler([ConstantLR(optimizer), _cycle(optimizer, 5)], optimizer),
        r"OneCycleLR within the ChainedScheduler ends after 5 steps and the run has 6",
    ),
    "one that ends, deep within": (
        lambda optimizer: ChainedScheduler(
            [SequentialLR(optimizer, [ConstantLR(optimizer), _cycle(optimizer, 1)], [3])], optimizer
        ),
        r"begins after 3 steps and ends after 4 steps",
    ),
    "a list that ends": (
        lambda optimizer: LambdaLR(optimizer, lambda epoch: [1, 0.5, 0.1][epoch]),
        r"a LambdaLR, cannot be moved further: IndexError: .* as many steps as the run has",
    ),
    "one within another, which torch cannot drive": (
        lambda optimizer: SequentialLR(
            optimizer, [ConstantLR(optimizer), SequentialLR(optimizer, [ConstantLR(optimizer)], [])], [2]
        ),
        "a SequentialLR, cannot be moved further: NotImplementedError",
    ),
    "no schedule": (lambda optimizer: torch.optim.lr_scheduler, "a schedule is moved once per step"),
    "its class": (lambda optimizer: StepLR, "a schedule is moved once per step"),
}


@pytest.mark.parametrize(("schedule", "words"), SCHEDULES.values(), ids=SCHEDULES)
def test_schedules(schedule, words):
    with pytest.raises(ValueError, match=words):
        solve(Regression(schedule=schedule))


def test_a_schedule_of_the_run_s_own_length_is_driven():
    task = Regression(schedule=lambda optimizer: OneCycleLR(optimizer, 0.1, total_steps=6))
    assert solve(task).status is Status.COMPLETED
    short = Regression(schedule=lambda optimizer: OneCycleLR(optimizer, 0.1, total_steps=5))
    assert solve(short, steps=5).status is Status.STOPPED


def test_schedules_within_others_are_driven_to_their_ends():
    def made(optimizer):
        parts = [_cycle(optimizer, 2), ConstantLR(optimizer), _cycle(optimizer, 2)]
        return ChainedScheduler([SequentialLR(optimizer, parts, [3, 4])], optimizer)

    assert solve(Regression(schedule=made)).status is Status.COMPLETED


@pytest.mark.parametrize("network", [nn.Flatten(), nn.Linear(2, 1).requires_grad_(False)], ids=["empty", "frozen"])
def test_networks_without_anything_to_train(network):
    with pytest.raises(
        ValueError, match="has no weights that require a gradient, and the optimizer has none to learn"
    ):
        solve(Regression(network))


def test_a_frozen_network_may_teach_an_optimizer():
    network = nn.Linear(2, 1).requires_grad_(False)
    before = network.weight.clone()
    assert solve(Regression(network), LearnedOptimizer(MLPUpdater())).status is Status.COMPLETED
    assert torch.equal(network.weight, before)


@pytest.mark.parametrize("play", ["joint", "alternating"])
@pytest.mark.parametrize("learns", [False, True])
def test_an_outer_that_is_not_in_the_game(play, learns):
    task = Regression()
    task.used = nn.Linear(2, 1)
    optimizer = LearnedOptimizer(MLPUpdater()) if learns else None
    with pytest.raises(ValueError, match="no weight of outer got a gradient in the first step"):
        solve(task, optimizer, play=play)


@pytest.mark.parametrize("play", ["joint", "alternating"])
def test_a_phi_that_nothing_reaches(play):
    sentence = "no weight of the inner optimizer got a gradient in the first step.*give it steps=1 or more"
    with pytest.raises(ValueError, match=sentence):
        solve(Regression(), LearnedOptimizer(MLPUpdater(), steps=0), play=play)


def test_losses_that_forget_y():
    class Forgetful(Regression):
        def losses(self, problem, y):
            return Losses(self.outer(torch.ones(3, 2)).mean())

    with pytest.raises(ValueError, match="no weight of the inner optimizer got a gradient in the first step"):
        solve(Forgetful(), LearnedOptimizer(MLPUpdater()))
