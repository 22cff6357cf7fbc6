"""Free training: replays, a start that theta's own pass has moved, and no query at all."""

from dataclasses import asdict
from math import exp

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from minimax_l2l import FGSM, GradientAscent, Iterate, L2Ball, LinfBall
from tasks.adversarial import (
    AdversarialTraining,
    CarriedStart,
    CropAndFlip,
    PerturbationProblem,
    SmallResNet,
    digits,
)

EPS = 0.1
LEVELS = torch.randint(0, 256, (48, 1, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(48) % 4
NOTHING = GradientAscent(steps=0)


def free(data=(LEVELS, LABELS), threat=None, **options) -> AdversarialTraining:
    torch.manual_seed(0)
    settings = {"epochs": 4, "batch_size": 16, "start": CarriedStart(), "replays": 4, **options}
    return AdversarialTraining(SmallResNet(classes=4, width=2), data, threat or LinfBall(EPS), **settings)


def loader() -> DataLoader:
    return DataLoader(TensorDataset(LEVELS, LABELS), batch_size=16, shuffle=True)


class TestByHand:
    """Two pixels, two classes, f(x) = (x_1, x_2): the loss's slope in x is q - onehot(label)."""

    def problem(self, start: CarriedStart, images=((0.5, 0.02),)) -> PerturbationProblem:
        pixels = torch.tensor(images).view(-1, 1, 1, 2)
        labels = torch.zeros(len(pixels), dtype=torch.int64)
        return PerturbationProblem(nn.Flatten(), pixels, labels, LinfBall(EPS), start=start)

    def test_three_steps(self):
        start = CarriedStart(step_size=0.08)
        first = self.problem(start)
        assert NOTHING.start(first).flatten().tolist() == [0.0, 0.0]
        q = 1 / (1 + exp(0.02 - 0.5))
        first.remember(Iterate(torch.zeros(1, 1, 1, 2)), torch.tensor([q - 1, 1 - q]).view(1, 1, 1, 2))
        second = NOTHING.start(self.problem(start))
        torch.testing.assert_close(second.flatten(), torch.tensor([-0.08, 0.08]))
        self.problem(start).remember(Iterate(second), torch.tensor([-1.0, -1.0]).view(1, 1, 1, 2))
        third = NOTHING.start(self.problem(start))
        torch.testing.assert_close(third.flatten(), torch.tensor([-0.1, 0.0]))  # clipped to the ball
        self.problem(start).remember(Iterate(third), torch.tensor([0.0, -1.0]).view(1, 1, 1, 2))
        fourth = NOTHING.start(self.problem(start))  # the second pixel is 0.02 and cannot fall by 0.08
        torch.testing.assert_close(fourth.flatten(), torch.tensor([-0.1, -0.02]))
        other = NOTHING.start(self.problem(start, ((0.03, 0.5),)))  # carried on to the next image in its place
        torch.testing.assert_close(other.flatten(), torch.tensor([-0.03, -0.08]))

    def test_batches_of_other_sizes(self):
        start = CarriedStart()
        images = ((0.5, 0.5), (0.5, 0.5), (0.5, 0.5))
        slopes = torch.tensor([[1.0, 1.0], [-1.0, 1.0], [1.0, -1.0]]).view(3, 1, 1, 2)
        self.problem(start, images[:2]).remember(Iterate(torch.zeros(2, 1, 1, 2)), slopes[:2])
        met = self.problem(start, images).initial()
        torch.testing.assert_close(met, EPS * torch.cat([slopes[:2], torch.zeros(1, 1, 1, 2)]))
        self.problem(start, images[:1]).remember(Iterate(torch.zeros(1, 1, 1, 2)), -slopes[:1])
        torch.testing.assert_close(
            self.problem(start, images).initial()[:2], EPS * torch.cat([-slopes[:1], slopes[1:2]])
        )

    def test_a_gradient_that_is_no_number_leaves_the_perturbation(self):
        start = CarriedStart()
        played = torch.tensor([0.05, 0.05]).view(1, 1, 1, 2)
        self.problem(start).remember(Iterate(played), torch.tensor([torch.nan, 1.0]).view(1, 1, 1, 2))
        torch.testing.assert_close(self.problem(start).initial().flatten(), torch.tensor([0.05, EPS]))


def directly(game: AdversarialTraining, replays: int, steps: int) -> None:
    """Algorithm 1 of the paper: one backward for weights and perturbation."""
    classifier, delta = game.classifier.train(), torch.zeros(16, 1, 8, 8)
    optimizer = game.outer_optimizer()
    schedule = game.outer_schedule(optimizer)
    plain = AdversarialTraining(classifier, (LEVELS, LABELS), game.threat, epochs=4, batch_size=16).batches()
    for step in range(steps):
        batch = plain[step // replays]
        delta = torch.maximum(torch.minimum(delta, 1 - batch.images), -batch.images).requires_grad_()
        optimizer.zero_grad()
        F.cross_entropy(classifier(batch.images + delta), batch.labels).backward()
        delta = (delta.detach() + EPS * delta.grad.sign()).clamp(-EPS, EPS)
        optimizer.step()
        schedule.step()


@pytest.mark.parametrize("replays", [1, 3])
def test_trains_as_it_is_written(replays):
    game, again = free(replays=replays), free()
    game.solve(NOTHING, steps=8, device="cpu")
    directly(again, replays, 8)
    for one, other in zip(game.classifier.parameters(), again.classifier.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("steps", [1, 5])
def test_a_step_costs_one_pass_of_each_kind(steps):
    passes = free().solve(NOTHING, steps=steps, device="cpu").passes
    assert tuple(asdict(passes).values()) == (steps, steps, steps)


def test_it_is_not_plain_training():
    ends = []
    for game in (free(), free(start=None)):
        game.solve(NOTHING, device="cpu")
        ends.append(torch.cat([weight.flatten() for weight in game.classifier.parameters()]))
    assert not torch.equal(*ends)


@pytest.mark.parametrize("threat", [LinfBall(EPS), L2Ball(0.5)], ids=["L_inf", "L_2"])
@pytest.mark.parametrize("augment", [None, CropAndFlip(2)], ids=["as it is", "cropped"])
def test_a_run_goes_on_to_the_bit_from_the_middle_of_a_batch(threat, augment, tmp_path):
    straight, rest = (free(threat=threat, augment=augment) for _ in range(2))
    straight.solve(NOTHING, device="cpu")
    free(threat=threat, augment=augment).solve(NOTHING, device="cpu", out=tmp_path, steps=6)
    rest.solve(NOTHING, device="cpu", out=tmp_path, resume=True)
    for one, other in zip(rest.classifier.parameters(), straight.classifier.parameters(), strict=True):
        assert torch.equal(one, other)
    carried = straight.start.state_dict()["carried"]
    assert torch.equal(rest.start.state_dict()["carried"], carried)
    order = torch.inf if isinstance(threat, LinfBall) else 2
    assert 0.9 * threat.eps < carried.flatten(1).norm(order, dim=1).max() <= threat.eps * (1 + 1e-5)


class TestReplays:
    @pytest.mark.parametrize("data", [(LEVELS, LABELS), "loader"], ids=["in memory", "loader"])
    @pytest.mark.parametrize("epochs", [4, 6, 3])
    def test_each_batch_comes_that_often_in_a_row_and_each_image_as_often_as_there_are_epochs(self, data, epochs):
        data = loader() if data == "loader" else data
        game = free(data, epochs=epochs, augment=CropAndFlip(2))
        batches = list(game.batches())
        assert len(batches) == game.iterations == 3 * epochs
        assert [batch.step for batch in batches] == list(range(3 * epochs))
        for first in range(0, min(12, 3 * epochs), min(4, epochs)):
            for batch in batches[first : first + min(4, epochs)]:
                assert torch.equal(batch.images, batches[first].images)
                assert torch.equal(batch.labels, batches[first].labels)
        assert len({batch.images.sum().item() for batch in batches}) == 3 * -(-epochs // 4)
        met = torch.cat([batch.labels for batch in batches]).bincount()
        assert met.tolist() == [12 * epochs] * 4

    def test_one_is_none(self):
        for one, other in zip(free(replays=1).batches(), free(replays=1, start=None).batches(), strict=True):
            assert torch.equal(one.indices, other.indices)

    def test_a_function_cannot_be_played_again(self):
        with pytest.raises(ValueError, match="replays=4 play the same batch again, which a function as augment"):
            free(augment=lambda images: images)
        assert len(list(free(loader(), augment=lambda images: images).batches())) == 12

    def test_of_other_attacks(self):
        game = free(remembers=True, start=None)
        assert game.solve(FGSM(step_size=EPS), device="cpu").steps == 12


def test_refused():
    with pytest.raises(ValueError, match="remembers=True is a start of its own; leave out remembers or start"):
        free(remembers=True)
    with pytest.raises(ValueError, match="within one process, got 2; pass devices=1"):
        CarriedStart().require_shares(16, 2)


def test_it_makes_a_net_robust():
    robust = []
    for start, replays in ((CarriedStart(), 4), (None, 1)):
        torch.manual_seed(0)
        game = AdversarialTraining(
            SmallResNet(width=4), digits(), LinfBall(EPS), start=start, replays=replays, epochs=4
        )
        game.solve(NOTHING, device="cpu")
        robust.append(game.validate(NOTHING)["validation_pgm_10"])
    assert robust[0] > robust[1] + 0.15
