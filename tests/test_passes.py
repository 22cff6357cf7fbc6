"""What a run costs: forward, input-gradient and weight-gradient passes, by hand for every kind of method."""

import pytest
from specimens import random_images

from minimax_l2l import (
    FGSM,
    PGM,
    CNNUpdater,
    GradientAscent,
    IterateFeatures,
    LearnedOptimizer,
    LinfBall,
    Passes,
)
from tasks.adversarial import AdversarialTraining, PerturbationProblem, SmallResNet
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


class AnotherOuterLoss(AdversarialTraining):
    """Theta descends twice the objective, which is another number than phi's."""

    def outer_loss(self, problem, y):
        return 2 * problem.objective(y).mean()


class SharingProblem(PerturbationProblem):
    """Phi ascends what the outer loss has computed."""

    shares_forward = True

    def meta_objective(self, _):
        return self.computed


class Sharing(AdversarialTraining):
    def inner_problem(self, batch):
        return SharingProblem(self.classifier, batch.images, batch.labels, self.threat)

    def outer_loss(self, problem, y):
        problem.computed = problem.objective(y)
        return 2 * problem.computed.mean()


@pytest.mark.parametrize(("task", "forward"), [(AnotherOuterLoss, 3), (Sharing, 2)])
def test_two_different_numbers_cost_two_backwards_and_a_forward_each_unless_shared(task, forward):
    assert solve(grad_l2l(), task).passes == Passes(BATCHES * forward, BATCHES * 3, BATCHES)


def test_validation_costs_nothing():
    assert solve(grad_l2l(), validate_every=1).passes == solve(grad_l2l()).passes


def test_a_game_without_theta_costs_its_unroll_and_phis_pass():
    """The field's norm takes a gradient of its own beside phi's backward."""
    task = LimitCycle(iterations=BATCHES, games=4)
    solution = task.solve(LimitCycle.learned_optimizer(steps=16), device="cpu")
    assert solution.passes == Passes(BATCHES * 17, BATCHES * 18, 0)


def test_passes_are_reported_under_the_names_of_result_files():
    assert Passes(3, 2, 1).as_row() == {
        "forward_passes": 3,
        "input_gradient_passes": 2,
        "weight_gradient_passes": 1,
    }
