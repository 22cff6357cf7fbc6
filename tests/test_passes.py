"""What a run costs: forward, input-gradient and weight-gradient passes, by hand for every kind of method."""

import pytest
from specimens import random_images
from torch.nn.functional import cross_entropy, kl_div

from minimax_l2l import (
    FGSM,
    PGM,
    CNNUpdater,
    GradientAscent,
    IterateFeatures,
    LearnedOptimizer,
    LinfBall,
    Losses,
    Passes,
)
from tasks.adversarial import AdversarialTraining, SmallResNet
from tasks.games import LimitCycle

BATCHES = 4


def grad_l2l(steps=1):
    return LearnedOptimizer(CNNUpdater.light(1, width=2), steps=steps)


def naive_l2l():
    return LearnedOptimizer(CNNUpdater.light(1, 1, width=2), features=IterateFeatures())


def solve(optimizer, task=AdversarialTraining, **options):
    data = random_images(8 * BATCHES)
    trained = task(SmallResNet(classes=3, width=2), data, LinfBall(0.1), epochs=1, batch_size=8)
    return trained.solve(optimizer, device="cpu", **options)


@pytest.mark.parametrize(
    ("optimizer", "play", "forward", "input_gradient", "weight_gradient"),
    [
        (GradientAscent(steps=0), "joint", 1, 1, 1),
        (FGSM(step_size=0.1), "joint", 2, 2, 1),
        (PGM(steps=10, step_size=0.02), "joint", 11, 11, 1),
        (PGM(steps=10, step_size=0.02), "alternating", 11, 11, 1),
        (PGM(steps=2, step_size=0.02, restarts=3), "joint", 10, 7, 1),
        (naive_l2l(), "joint", 1, 1, 1),
        (naive_l2l(), "alternating", 2, 2, 1),
        (grad_l2l(), "joint", 2, 2, 1),
        (grad_l2l(), "alternating", 4, 4, 1),
        (grad_l2l(2), "joint", 3, 3, 1),
        (grad_l2l(2), "alternating", 6, 6, 1),
    ],
)
def test_a_batch_costs_what_it_costs_by_hand(optimizer, play, forward, input_gradient, weight_gradient):
    """K queries and the outer pass; alternating play repeats the queries and adds phi's own pass."""
    solution = solve(optimizer, play=play)
    assert solution.steps == BATCHES
    assert solution.passes == Passes(BATCHES * forward, BATCHES * input_gradient, BATCHES * weight_gradient)


class Shared(AdversarialTraining):
    """Theta descends twice the objective, which is another number than phi's, from one forward."""

    def losses(self, problem, y):
        loss = problem.objective(y).mean()
        return Losses(2 * loss, loss)


class Again(AdversarialTraining):
    """The same, and phi's number is computed again."""

    def losses(self, problem, y):
        return Losses(2 * problem.objective(y).mean(), problem.objective(y).mean())


class Trades(AdversarialTraining):
    """Theta descends the clean loss and the divergence of the attacked images, which alone phi ascends."""

    def losses(self, problem, y):
        clean, attacked = self.classifier(problem.images), self.classifier(problem.view(y))
        divergence = kl_div(attacked.log_softmax(1), clean.softmax(1), reduction="batchmean")
        return Losses(cross_entropy(clean, problem.labels) + 6 * divergence, divergence)


class Delegating(AdversarialTraining):
    """Nothing changes, and nothing should cost more."""

    def losses(self, problem, y):
        return super().losses(problem, y)


class HalfAsMany(AdversarialTraining):
    """A second forward of half the images is half a pass."""

    def losses(self, problem, y):
        self.classifier(problem.images[::2])
        return super().losses(problem, y)


@pytest.mark.parametrize(
    ("task", "optimizer", "play", "by_hand"),
    [
        (Shared, grad_l2l(), "joint", (1 + 1, 1 + 2, 1)),  # one query; a shared forward, a backward for each
        (Again, grad_l2l(), "joint", (1 + 2, 1 + 2, 1)),
        (Trades, grad_l2l(), "joint", (1 + 2, 1 + 1 + 2, 2)),  # phi's backward passes the attacked images alone
        (Trades, PGM(steps=2, step_size=0.02), "joint", (2 + 2, 2 + 2, 2)),
        (Trades, grad_l2l(), "alternating", (2 * (1 + 2), 1 + 2 + 1 + 1, 2)),
        (Delegating, grad_l2l(), "joint", (2, 2, 1)),
        (Delegating, PGM(steps=2, step_size=0.02), "joint", (3, 3, 1)),
        (HalfAsMany, GradientAscent(steps=0), "joint", (1.5, 1, 1)),
    ],
)
def test_numbers_of_ones_own_are_measured(task, optimizer, play, by_hand):
    assert solve(optimizer, task, play=play).passes == Passes(*(BATCHES * passes for passes in by_hand))


def test_validation_costs_nothing():
    assert solve(grad_l2l(), validate_every=1).passes == solve(grad_l2l()).passes


def test_a_game_without_theta_costs_its_unroll_and_phis_pass():
    """The field's norm is one more query; phi's backward runs through the graphs of gradients, not of values."""
    task = LimitCycle(iterations=BATCHES, games=4)
    solution = task.solve(LimitCycle.learned_optimizer(steps=16), device="cpu")
    assert solution.passes == Passes(BATCHES * 17, BATCHES * 17, 0)


def test_passes_are_reported_under_the_names_of_result_files():
    assert Passes(3, 2, 1).as_row() == {
        "forward_passes": 3,
        "input_gradient_passes": 2,
        "weight_gradient_passes": 1,
    }


def test_whole_passes_are_shown_without_a_decimal_point():
    assert (
        repr(Passes(2.0, 1_234_567.0, 4 / 3)) == "Passes(forward=2, input_gradient=1234567, weight_gradient=1.33)"
    )
