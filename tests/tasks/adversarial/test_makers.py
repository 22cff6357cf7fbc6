"""The schedule in steps that fall: where they fall, what they refuse, and a run that goes on between two."""

from functools import partial

import pytest
import torch
from specimens import random_images
from torch import nn
from torch.optim.lr_scheduler import (
    ConstantLR,
    CosineAnnealingLR,
    CosineAnnealingWarmRestarts,
    CyclicLR,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    MultiStepLR,
    OneCycleLR,
    PolynomialLR,
    ReduceLROnPlateau,
    StepLR,
)
from torch.optim.swa_utils import SWALR

from minimax_l2l import FGSM, LinfBall
from tasks.adversarial import AdversarialTraining, SmallResNet, multi_step


def rates(steps, **options):
    """The learning rate of each step of a run, in units of the first."""
    optimizer = torch.optim.SGD(nn.Linear(1, 1).parameters(), lr=0.1)
    schedule, found = multi_step(optimizer, steps, **options), []
    for _ in range(steps):
        found.append(optimizer.param_groups[0]["lr"] / 0.1)
        optimizer.step()
        schedule.step()
    return found


@pytest.mark.parametrize(
    ("steps", "options", "wanted"),
    [
        (10, {}, [1] * 3 + [0.1] * 3 + [0.01] * 3 + [0.001]),
        (10, {"at": (0.75, 0.5), "factor": 0.5}, [1] * 5 + [0.5] * 3 + [0.25] * 2),
        (4, {"at": ()}, [1] * 4),
        (2, {}, [1, 0.01]),  # after 0.6 and 1.2 steps, which are one; the third fall is the end
        (1, {}, [1]),
    ],
)
def test_the_rate_falls_where_it_was_told(steps, options, wanted):
    assert rates(steps, **options) == pytest.approx(wanted)


def test_the_papers_epochs_are_whole_steps():
    """30, 60 and 90 of 100 epochs of 390 batches."""
    schedule = multi_step(torch.optim.SGD(nn.Linear(1, 1).parameters(), lr=0.1), 39_000)
    assert sorted(schedule.milestones) == [11_700, 23_400, 35_100]


@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        ({"at": (0.5, 30)}, ValueError, r"at must lie in \[0, 1\], got 30"),
        ({"at": (0.0,)}, ValueError, "at must lie within the run, between 0 and 1, got 0"),
        ({"at": (1.0,)}, ValueError, "at must lie within the run, between 0 and 1, got 1"),
        ({"at": 0.5}, TypeError, r"at must be fractions of the run, .* pass some such as \(0.5, 0.75\)"),
        ({"factor": 0.0}, ValueError, "factor must be a finite number above 0"),
    ],
)
def test_what_is_refused(options, error, sentence):
    with pytest.raises(error, match=sentence):
        rates(4, **options)


def game(**options):
    torch.manual_seed(0)
    network, schedule = SmallResNet(classes=3, width=2), partial(multi_step, **options)
    return AdversarialTraining(network, random_images(24), LinfBall(0.1), epochs=2, batch_size=6, schedule=schedule)


def test_a_run_goes_on_between_two_falls_to_the_bit(tmp_path):
    whole, halved = game(), game()
    whole.solve(FGSM(step_size=0.1), device="cpu")
    game().solve(FGSM(step_size=0.1), device="cpu", out=tmp_path, steps=4)
    halved.solve(FGSM(step_size=0.1), device="cpu", out=tmp_path, resume=True)
    wanted = whole.classifier.state_dict()
    assert all(torch.equal(part, wanted[name]) for name, part in halved.classifier.state_dict().items())
    other = game(at=(0.5,))
    other.solve(FGSM(step_size=0.1), device="cpu")
    assert not torch.equal(other.classifier.state_dict()["last.weight"], wanted["last.weight"])


def test_a_run_does_not_go_on_with_other_falls(tmp_path):
    game().solve(FGSM(step_size=0.1), device="cpu", out=tmp_path, steps=4)
    with pytest.raises(ValueError, match=r"was run with .*schedule"):
        game(at=(0.5,)).solve(FGSM(step_size=0.1), device="cpu", out=tmp_path, resume=True)


class OfSteps(StepLR):
    def __init__(self, optimizer, steps):
        super().__init__(optimizer, step_size=max(steps // 2, 1))


class Inherited(StepLR):
    pass


def solve_with(schedule):
    images = random_images(8)
    task = AdversarialTraining(SmallResNet(classes=3, width=2), images, LinfBall(0.1), epochs=1, schedule=schedule)
    return task.solve(FGSM(step_size=0.1), device="cpu")


@pytest.mark.parametrize(
    "schedule",
    [
        CosineAnnealingLR,
        CosineAnnealingWarmRestarts,
        PolynomialLR,
        partial(PolynomialLR, power=2.0),
        OfSteps,
        lambda optimizer, steps: StepLR(optimizer, step_size=steps),
        lambda optimizer, steps: OneCycleLR(optimizer, 0.1, total_steps=steps),
    ],
)
def test_what_is_told_the_number_of_steps_is_taken(schedule):
    assert solve_with(schedule).steps == 1


@pytest.mark.parametrize(
    ("schedule", "name", "taken"),
    [
        (StepLR, "StepLR", "step_size"),
        (partial(StepLR, gamma=0.5), "StepLR", "step_size"),
        (Inherited, "Inherited", "step_size"),
        (MultiStepLR, "MultiStepLR", "milestones"),
        (ExponentialLR, "ExponentialLR", "gamma"),
        (ConstantLR, "ConstantLR", "factor"),
        (LinearLR, "LinearLR", "start_factor"),
        (CyclicLR, "CyclicLR", "base_lr"),
        (partial(OneCycleLR, total_steps=4), "OneCycleLR", "max_lr"),
        (partial(CyclicLR, max_lr=0.1), "CyclicLR", "base_lr"),
        (LambdaLR, "LambdaLR", "lr_lambda"),
        (ReduceLROnPlateau, "ReduceLROnPlateau", "mode"),
        (SWALR, "SWALR", "swa_lr"),
    ],
)
def test_a_class_that_would_take_the_number_of_steps_for_something_else(schedule, name, taken):
    sentence = rf"schedule={name} would be made with the number of steps as its {taken}; pass a function .*{name}\("
    with pytest.raises(ValueError, match=sentence):
        solve_with(schedule)
