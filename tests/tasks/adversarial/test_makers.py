"""The schedule in steps that fall: where they fall, what they refuse, and a run that goes on between two."""

from functools import partial

import pytest
import torch
from specimens import random_images
from torch import nn

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
