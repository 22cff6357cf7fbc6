"""What a step costs, predicted: WRN-34-10 as counted by hand, a small network as it turns out when it is played."""

import copy
from itertools import pairwise

import pytest
import torch
from specimens import random_images, small_classifier
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from minimax_l2l import PGM, CNNUpdater, GradientAscent, LearnedOptimizer, LinfBall, Runtime
from minimax_l2l.training.iteration import Iteration
from tasks.adversarial import (
    AdversarialTraining,
    JensenShannon,
    LogitPairing,
    Nuat,
    SmallResNet,
    WideResNet,
    cross_entropy,
    published,
    step_cost,
)
from tasks.adversarial.evaluation.activations import KeptActivations
from tasks.adversarial.evaluation.cost import training_flops
from tasks.adversarial.presets.methods import METHODS, Setting

BATCH, BYTES = 128, 4
# WRN-34-10: widths, and the pixels that each group works on.
WIDTHS, PIXELS, BLOCKS = (16, 160, 320, 640), (1024, 256, 64), 5
STEM = 9 * 3 * 16 * 1024  # multiplications of the first convolution, per image


def convolutions(inputs, outputs):
    """Multiplications per pixel of a block that changes the width: two 3x3 convolutions, and a 1x1 one."""
    return 9 * inputs * outputs + 9 * outputs * outputs + inputs * outputs


def forward_of_the_classifier():
    """Multiplications per image."""
    groups = sum(
        pixels * (convolutions(inputs, outputs) + (BLOCKS - 1) * 18 * outputs**2)
        for pixels, (inputs, outputs) in zip(PIXELS, pairwise(WIDTHS), strict=True)
    )
    return STEM + groups + 640 * 10


def kept_of_the_classifier():
    """Numbers per image that the backward pass needs: the input of each layer, where it is no other's."""
    blocks, before = 0, 16 * 1024
    for pixels, width in zip(PIXELS, WIDTHS[1:], strict=True):
        here = pixels * width
        blocks += 2 * before + 2 * here + (BLOCKS - 1) * 4 * here  # of a block: x, h, conv(h), and its activation
        before = here
    return 3 * 1024 + blocks + 2 * before + 640 + 10


def kept_of_norms():
    """Numbers per batch: mean and deviation in each normalisation."""
    return 2 * sum(
        inputs + outputs + (BLOCKS - 1) * 2 * outputs + (outputs if outputs == 640 else 0)
        for inputs, outputs in pairwise(WIDTHS)
    )


FIRST = 9 * 6 * 64 * 1024  # multiplications of the wide attacker's first convolution, per image


def forward_of_the_attacker():
    """Multiplications per image: the paper's Table 1."""
    blocks = sum(convolutions(*pair) for pair in ((64, 128), (128, 256), (256, 128)))
    return FIRST + 1024 * (blocks + 9 * 128 * 3)


def kept_of_the_attacker():
    """Numbers per image: a block keeps its input, then twice what is normalised, activated and convolved."""
    blocks = sum(3 * inputs + 3 * outputs for inputs, outputs in ((64, 128), (128, 256), (256, 128)))
    return 1024 * (6 + 64 + blocks + 128)


OPTIMIZERS = {
    "plain": GradientAscent(steps=0),
    "pgm-2": PGM(steps=2, step_size=0.01, random_start=1.0),
    "grad-l2l": LearnedOptimizer(CNNUpdater.wide(), steps=1),
    "two-step-l2l": LearnedOptimizer(CNNUpdater.wide(), steps=2),
}


@pytest.fixture(scope="module")
def costs():
    """Of the paper's classifier, batch and attacker; the classifier never has memory."""
    images = torch.zeros(BATCH, 3, 32, 32, dtype=torch.uint8), torch.arange(BATCH) % 10
    with torch.device("meta"):
        network = WideResNet()
    game = AdversarialTraining(network, images, LinfBall(0.031), epochs=1, batch_size=BATCH, query_mode="train")
    return {name: step_cost(game, optimizer) for name, optimizer in OPTIMIZERS.items()}


class TestThePapersSize:
    """Per image and pass f or a multiplications; a query is a forward and a backward to the image."""

    def test_a_forward_is_what_others_count(self):
        """13.32 GFLOP per image, a multiplication and an addition counted as two; 6.66 billion multiplications."""
        assert 2 * forward_of_the_classifier() == pytest.approx(13.32e9, rel=1e-3)

    @pytest.mark.parametrize(
        ("method", "of_classifier", "of_attacker", "left_out"),
        [
            ("plain", 3, 0, STEM),  # nobody wants the gradient in the image
            ("pgm-2", 2 * 2 + 3, 0, STEM),
            ("grad-l2l", 1 * 2 + 3, 3, FIRST),  # nor the first one in what the attacker sees
            ("two-step-l2l", 2 * 2 + 3, 2 * 3, FIRST),
        ],
    )
    def test_flops(self, method, of_classifier, of_attacker, left_out, costs):
        multiplications = (
            of_classifier * forward_of_the_classifier() + of_attacker * forward_of_the_attacker() - left_out
        )
        assert costs[method].flops == 2 * BATCH * multiplications

    @pytest.mark.parametrize("method", ["plain", "pgm-2"])
    def test_memory_without_an_attacker_is_that_of_one_pass(self, method, costs):
        cost, parameters, labels = costs[method], BYTES * 46_160_474, 8 * BATCH
        assert cost.gradients == cost.moments == parameters
        # running mean and variance, and how many batches each normalisation has seen
        assert cost.weights == parameters + BYTES * kept_of_norms() + 8 * 31
        numbers = BATCH * kept_of_the_classifier() + kept_of_norms() + 1  # the loss keeps by what it divides
        assert cost.activations == BYTES * numbers + labels
        assert cost.activations == pytest.approx(2.95e9, rel=1e-2)

    @pytest.mark.parametrize(("method", "calls"), [("grad-l2l", 1), ("two-step-l2l", 2)])
    def test_memory_with_an_attacker_grows_by_its_calls(self, method, calls, costs):
        cost, weights = costs[method], list(OPTIMIZERS[method].parameters())
        phi = sum(weight.numel() for weight in weights)
        assert cost.gradients == BYTES * (46_160_474 + phi)
        assert cost.moments == BYTES * (46_160_474 + 2 * phi + len(weights))  # Adam counts its steps
        numbers = kept_of_the_classifier() + calls * kept_of_the_attacker()
        assert cost.activations == pytest.approx(BYTES * BATCH * numbers, rel=3e-3)


def test_the_published_two_step_game_computes_everything_twice():
    """Theta's half: two queries, the attacker forward alone, three passes. Phi's: two queries, and two passes."""
    of_classifier, of_attacker = 2 * 2 + 3 + 2 * 2 + 2, 2 * 1 + 2 * 3
    images = torch.zeros(BATCH, 3, 32, 32, dtype=torch.uint8), torch.arange(BATCH) % 10
    with torch.device("meta"):
        network = WideResNet()
    game = published(network, images, epochs=1)
    cost = step_cost(game.task, game.optimizer, play=game.play)
    widths = ((64, 128), (128, 256), (256, 128), (128, 64))
    forward = FIRST + 1024 * (sum(convolutions(*pair) for pair in widths) + 9 * 64 * 3)
    # Nobody wants the gradient in the image in theta's half, nor in what the attacker's first call sees in phi's.
    multiplications = of_classifier * forward_of_the_classifier() + of_attacker * forward - STEM - FIRST
    assert cost.flops == 2 * BATCH * multiplications
    assert cost.gradients == BYTES * 46_160_474  # never those of both
    kept = 1024 * (6 + 64 + sum(3 * sum(pair) for pair in widths) + 2 * 64)
    assert cost.activations == pytest.approx(BYTES * BATCH * (kept_of_the_classifier() + 2 * kept), rel=5e-3)


def small(method, classifier=None, **options):
    """A game that can be played, and its inner optimizer."""
    torch.manual_seed(0)
    row = METHODS[method]
    task = AdversarialTraining(
        small_classifier() if classifier is None else classifier,
        random_images(24),
        LinfBall(0.1),
        outer_loss=row.outer_loss(cross_entropy),
        start=row.start(0.1, random_images(24)),
        replays=row.replays,
        **{"epochs": 2, "batch_size": 8, "query_mode": "train", "remembers": row.remembers, **options},
    )
    return task, row.make(Setting(0.1, row.steps, 1))


@pytest.mark.parametrize("method", list(METHODS))
def test_a_step_that_is_played_costs_what_was_predicted(method):
    task, optimizer = small(method)
    cost = step_cost(task, optimizer)
    iteration = Iteration(task, optimizer, Runtime("cpu"))
    kept = KeptActivations(iteration.step)
    with kept, FlopCounterMode(display=False) as counter:
        iteration(next(iter(task.batches())))
    assert cost.flops == counter.get_total_flops()
    assert cost.activations == kept.most
    gradients = [weight.grad for weight in iteration.step.parameters() if weight.grad is not None]
    assert cost.gradients == sum(gradient.nbytes for gradient in gradients)
    states = [moment for player in iteration.players for moment in player.optimizer.state.values()]
    assert cost.moments == sum(moment.nbytes for state in states for moment in state.values())


@pytest.mark.parametrize("method", ["plain", "grad-l2l"])
def test_so_does_an_alternating_one(method):
    task, optimizer = small(method, SmallResNet(classes=3, width=4))
    cost = step_cost(task, optimizer, play="alternating")
    iteration = Iteration(task, optimizer, Runtime("cpu"), play="alternating")
    kept = KeptActivations(iteration.step)
    with kept, FlopCounterMode(display=False) as counter:
        iteration(next(iter(task.batches())))
    assert cost.flops == counter.get_total_flops()
    assert cost.activations == kept.most
    assert cost.gradients == sum(weight.nbytes for weight in task.classifier.parameters())
    states = [moment for player in iteration.players for moment in player.optimizer.state.values()]
    assert cost.moments == sum(moment.nbytes for state in states for moment in state.values())


def test_a_run_is_all_its_steps():
    task, optimizer = small("naive-l2l")
    for play in ("joint", "alternating"):
        assert training_flops(task, optimizer, play=play) == 2 * 3 * step_cost(task, optimizer, play=play).flops


@pytest.mark.parametrize(
    ("method", "epochs"),
    [("plain", 2), ("nuat", 2), ("grad-l2l", 2), ("fgsm-sdi", 2), ("fgsm-sdi", 7), ("liet", 7)],
)
def test_a_run_that_is_played_costs_what_was_predicted(method, epochs):
    """Steps differ.

    NuAT ascends its norm on every second one. On every 20th the attacker of FGSM-SDI learns, and LIET asks for the
    gradients that its attacks start from.
    """
    (task, optimizer), (played, own) = small(method, epochs=epochs), small(method, epochs=epochs)
    iteration = Iteration(played, own, Runtime("cpu"))
    with FlopCounterMode(display=False) as counter:
        for batch in played.batches():
            iteration(batch)
    assert training_flops(task, optimizer) == counter.get_total_flops()


def test_a_loss_that_is_added_to_repeats_as_it_does():
    for wrapped in (LogitPairing(1.0, Nuat()), JensenShannon(1.0, LogitPairing(1.0, Nuat()))):
        assert wrapped.period == wrapped.at(1, 2).period == 2


def test_nothing_is_moved():
    task, optimizer = small("remembered-grad-l2l")
    before = [copy.deepcopy(one.state_dict()) for one in (task.classifier, optimizer)]
    numbers = torch.get_rng_state()
    step_cost(task, optimizer)
    for one, state in zip((task.classifier, optimizer), before, strict=True):
        assert all(torch.equal(part, state[name]) for name, part in one.state_dict().items())
        assert all(weight.grad is None for weight in one.parameters())
    assert not task.start.known.any()
    assert torch.equal(torch.get_rng_state(), numbers)


class Looks(nn.Module):
    """A network that looks at its numbers, which fake ones do not have."""

    def __init__(self):
        super().__init__()
        self.network = small_classifier()

    def forward(self, images):
        assert images.max().item() <= 1
        return self.network(images)


def test_a_network_that_looks_at_its_numbers_is_played_for_real():
    for method in ("plain", "liet", "grad-l2l"):
        assert training_flops(*small(method, Looks())) == training_flops(*small(method)) > 0


def test_a_game_without_batches():
    task, optimizer = small("plain", epochs=0)
    assert training_flops(task, optimizer) == 0
    with pytest.raises(ValueError, match="the task has no batch, so no step; give it epochs=1 or more"):
        step_cost(task, optimizer)
