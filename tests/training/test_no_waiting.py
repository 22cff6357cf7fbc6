"""On CUDA the host never waits for the device within a step, the first and those after it, on fake CUDA tensors.

Fake tensors know their device and no values, so whatever asks for a value fails; what copies between devices, or
has a shape that depends on values, is refused here. Autograd needs a real device, so backwards are played on
paper: gradients of the right shape and device.
"""

import itertools

import pytest
import torch
from specimens import random_images
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from minimax_l2l import PGM, CNNUpdater, L2Ball, LearnedOptimizer, LinfBall
from minimax_l2l.training.iteration import Iteration
from minimax_l2l.training.runtime import Runtime
from tasks.adversarial import (
    AdversarialTraining,
    CarriedStart,
    CropAndFlip,
    LogitPairing,
    Mart,
    Trades,
    UniformStart,
    smoothed,
)
from tasks.adversarial.batches import Batch, augmented

STEPS = 8
DATA = random_images()
DATA_DEPENDENT = {"_local_scalar_dense", "nonzero", "masked_select", "is_nonzero", "equal", "unique"}


class NoWaiting(TorchDispatchMode):
    """Refuses every operation for which the host would wait for the device."""

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        if function is torch.ops.aten._fused_sgd_.default:
            return None  # one kernel, of which torch has no fake
        result = function(*args, **(kwargs or {}))
        name = function._schema.name.split("::")[1]
        given, returned = (
            [part for part in tree_leaves(x) if isinstance(part, torch.Tensor)] for x in ((args, kwargs), result)
        )
        masks = name.startswith("index") and any(part.dtype == torch.bool for part in given[1:])
        moved = {part.device.type for part in given if part.dim()} ^ {
            part.device.type for part in returned if part.dim()
        }
        if name in DATA_DEPENDENT or (masks and name != "index_fill_") or (name in ("_to_copy", "copy_") and moved):
            raise AssertionError(f"the host waits for the device in {name}")
        return result


class OnPaper(Runtime):
    """One CUDA device that is not there."""

    rank, world = 0, 1
    device = torch.device("cuda", 0)

    def __init__(self):
        pass

    def place(self, module):
        """Made where it belongs."""

    def wrap(self, module):
        return module

    def share(self, batch):
        return batch, 1.0

    def backward(self, loss):
        assert loss.device == self.device
        for player in self.players:
            for parameter in player.parameters:
                parameter.grad = torch.zeros_like(parameter)


@pytest.fixture
def on_paper(monkeypatch):
    def grad(outputs, inputs, **_):
        return tuple(torch.zeros_like(part) for part in inputs)

    monkeypatch.setattr(torch.autograd, "grad", grad)
    monkeypatch.setattr("tasks.adversarial.classifier.are_probabilities", lambda logits: False)  # before the run
    with FakeTensorMode():
        try:
            torch.zeros(2, device="cuda").uniform_()
        except RuntimeError as error:  # torch 2.6 built for CUDA asks for a driver even here
            if torch.cuda.is_available():
                raise
            pytest.skip(f"no CUDA on paper with this build of torch: {error}")
        yield


METHODS = {
    "PGM-10": lambda: PGM(steps=10, step_size=0.02),
    "Grad L2L": lambda: LearnedOptimizer(CNNUpdater.light(1, width=2), steps=1, random_start=1.0),
    "2-Step L2L": lambda: LearnedOptimizer(CNNUpdater.light(1, width=2), steps=2, random_start=0.5, clip_norm=1.0),
}


def iteration(method, threat, **options):
    with OnPaper.device:
        classifier = nn.Sequential(nn.Conv2d(1, 2, 3, 2, 1), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(32, 3))
        task = AdversarialTraining(classifier, DATA, threat, query_mode="train", epochs=200, **options)
        optimizer = METHODS[method]()
    runtime = OnPaper()
    game = Iteration(task, optimizer, runtime)
    runtime.players = game.players
    return game


def play(game, steps=STEPS):
    for step in range(steps):
        with OnPaper.device:
            batch = Batch(torch.rand(8, 1, 8, 8), torch.randint(3, (8,)), torch.arange(8), step)
        with NoWaiting():
            game(augmented(batch, game.task.augment, seed=0))


@pytest.mark.parametrize("threat", [LinfBall(0.1), L2Ball(0.5)], ids=["L_inf", "L_2"])
@pytest.mark.parametrize("method", METHODS)
def test_nobody_waits(method, threat, on_paper):
    game = iteration(method, threat)
    assert not game.waits
    play(game, STEPS if isinstance(threat, LinfBall) else 2)


@pytest.mark.parametrize(
    "options",
    [
        {"outer_loss": Trades()},
        {"outer_loss": Mart()},
        {"outer_loss": LogitPairing(1.0, of=smoothed(0.1))},
        {"start": UniformStart(0.05)},
        {"start": CarriedStart(), "replays": 2},
    ],
    ids=["TRADES", "MART", "logit pairing", "noise", "carried"],
)
def test_nobody_waits_for_another_loss_or_start(options, on_paper):
    game = iteration("Grad L2L", LinfBall(0.1), **options)
    game.optimizer.random_start = 0.0
    play(game, 2)


@pytest.mark.parametrize("augment", [None, CropAndFlip(2)], ids=["as it is", "cropped and flipped"])
def test_nobody_waits_for_what_is_remembered(augment, on_paper):
    game = iteration("Grad L2L", LinfBall(0.1), remembers=True)
    game.task.augment = augment
    game.optimizer.random_start = 0.0
    game.task.start.bytes, game.task.start.known = game.task.start.bytes.cuda(), game.task.start.known.cuda()
    play(game)


WAITS = {
    "a number that is read": lambda game, value: value.item(),
    "a truth that is asked for": lambda game, value: bool(value > 0),
    "a copy to the host": lambda game, value: value.expand(2).cpu(),
    "a selection by a mask": lambda game, value: value.expand(2)[value.expand(2) > 0],
}


@pytest.mark.parametrize("what", WAITS)
def test_whoever_waits_is_caught(what, on_paper):
    game = iteration("PGM-10", LinfBall(0.1))
    look = game._look
    game._look = lambda *numbers: (look(*numbers), WAITS[what](game, numbers[0]))
    with pytest.raises(Exception, match=r"waits for the device|_local_scalar_dense|nonzero"):
        play(game, 1)


def test_an_optimizer_that_cannot_read_the_flag_makes_the_host_wait(on_paper, monkeypatch):
    plain = torch.optim.SGD
    monkeypatch.setattr(torch.optim, "SGD", lambda parameters, **options: plain(parameters, lr=options["lr"]))
    game = iteration("PGM-10", LinfBall(0.1))
    assert game.waits


def test_steps_are_told_apart_without_waiting(on_paper):
    """Random starts are made from the step's number on the host: two steps differ, and nothing is copied."""
    game = iteration("PGM-10", LinfBall(0.1))
    with OnPaper.device:
        images, labels = torch.rand(8, 1, 8, 8), torch.randint(3, (8,))
    problems = [game.step.problem(Batch(images, labels, torch.arange(8, device="cuda"), step)) for step in (0, 1)]
    with NoWaiting():
        for problem in itertools.chain(problems):
            problem.noise(problem.initial())
