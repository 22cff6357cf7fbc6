"""A radius that grows: what each step is played in, who cannot have it, and a training that needs it."""

import json
import warnings

import pytest
import torch
from large_digits import larger, small_cnn
from torch.utils.data import DataLoader, IterableDataset

from minimax_l2l import FGSM, PGM, GradientAscent, L2Ball, LinfBall
from tasks.adversarial import AdversarialTraining, SmallResNet, UniformStart, digits
from tasks.adversarial.threat import grown

IMAGES = torch.rand(48, 1, 8, 8, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(48) % 4


def task(warm_up, **options) -> AdversarialTraining:
    """Eight steps at a radius of 0.2."""
    torch.manual_seed(0)
    net = SmallResNet(classes=4, width=2)
    settings = {"epochs": 2, "batch_size": 12, "warm_up": warm_up, **options}
    return AdversarialTraining(net, (IMAGES, LABELS), LinfBall(0.2), **settings)


@pytest.mark.parametrize("ball", [LinfBall, L2Ball])
def test_a_part_of_the_radius(ball):
    whole = ball(0.2)
    part = grown(whole, 0.25)
    assert type(part) is ball
    assert part.eps == pytest.approx(0.05)
    assert grown(whole, 1.0) is grown(whole, 3.0) is whole


@pytest.mark.parametrize(
    ("warm_up", "radii"),
    [
        (0.0, [0.2] * 8),
        (0.5, [0.05, 0.1, 0.15, 0.2, 0.2, 0.2, 0.2, 0.2]),
        (0.1, [0.2] * 8),  # over before the first step has ended
        (1.0, [0.025, 0.05, 0.075, 0.1, 0.125, 0.15, 0.175, 0.2]),
    ],
)
def test_the_radius_of_each_step(warm_up, radii):
    game = task(warm_up)
    assert [game.inner_problem(batch).threat.eps for batch in game.batches()] == pytest.approx(radii)


@pytest.mark.parametrize("start", [None, UniformStart(0.3)])
def test_perturbations_are_as_large_as_the_radius_of_the_step(start, tmp_path):
    task(0.5, start=start).solve(FGSM(step_size=0.5), device="cpu", out=tmp_path, log_every=1)
    sizes = [json.loads(line)["inner_size"] for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert sizes == pytest.approx([0.05, 0.1, 0.15, 0.2, 0.2, 0.2, 0.2, 0.2])


def test_an_interrupted_warm_up_goes_on_where_it_was(tmp_path):
    attack, whole, halves = PGM(steps=2, step_size=0.1), task(0.5), task(0.5)
    whole.solve(attack, device="cpu")
    halves.solve(attack, device="cpu", out=tmp_path, steps=2)
    again = task(0.5)
    again.solve(attack, device="cpu", out=tmp_path, resume=True)
    for one, other in zip(whole.classifier.parameters(), again.classifier.parameters(), strict=True):
        assert torch.equal(one, other)


def test_validations_keep_the_whole_radius():
    assert task(1.0, validation=(IMAGES, LABELS)).validated_at.eps == 0.2


def test_a_loader_that_does_not_know_how_long_it_is_has_no_part_of_a_run():
    class Endless(IterableDataset):
        def __iter__(self):
            yield from zip(IMAGES, LABELS, strict=True)

    data = DataLoader(Endless(), batch_size=12)
    with pytest.raises(ValueError, match=r"warm_up is a part of a number of steps, .* leave warm_up out"):
        AdversarialTraining(SmallResNet(classes=4, width=2), data, LinfBall(0.2), warm_up=0.5)


@pytest.mark.parametrize("warm_up", [-0.1, 1.5, float("nan")])
def test_what_is_no_part_is_refused(warm_up):
    with pytest.raises(ValueError, match="warm_up must"):
        task(warm_up)


class TestWhereItIsNeeded:
    """Digits of 16 x 16 pixels and a small network with ReLU and no normalisation, at a radius of 0.3."""

    def trained(self, warm_up):
        torch.manual_seed(0)
        data = digits()
        game = AdversarialTraining(
            small_cnn(),
            larger(data.train),
            LinfBall(0.3),
            validation=larger(data.validation.first(120)),
            epochs=8,
            query_mode="train",
            warm_up=warm_up,
        )
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            game.solve(PGM(steps=2, step_size=0.3), device="cpu", validate_every=game.iterations // 5)
        heads = [str(warning.message).split(":")[0] for warning in caught]
        return game.validate(GradientAscent(steps=0))["validation_clean"], heads

    def test_without_it_nothing_is_learned_and_that_is_said(self):
        accuracy, said = self.trained(0.0)
        assert accuracy < 0.15
        assert said == ["the classifier learns nothing"]

    def test_with_it_something_is(self):
        accuracy, said = self.trained(0.5)
        assert accuracy > 0.4
        assert said == []
