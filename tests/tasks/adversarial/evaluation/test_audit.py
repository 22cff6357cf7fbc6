"""An audit finds what was broken on purpose, by the check that is meant for it, and passes what is sound."""

import copy
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from large_digits import small_cnn
from torch import Tensor, nn

from minimax_l2l import (
    FGSM,
    PGM,
    CNNUpdater,
    GradientAscent,
    InnerOptimizer,
    IterateFeatures,
    L2Ball,
    LearnedOptimizer,
    LinfBall,
)
from tasks.adversarial import AdversarialTraining, Images, audit, digits
from tasks.adversarial.evaluation import symptoms

EPS = 0.15
NAMES = (
    "one_step",
    "overfitting",
    "more_steps",
    "convergence",
    "larger_radius",
    "random_search",
    "black_box",
    "another_loss",
    "own_attacker",
    "autoattack",
    "unbounded",
    "zero_gradients",
    "randomness",
    "probabilities",
)


def three(images: Images, *, size: int = 8) -> Images:
    """The digits 0, 1 and 2: too few classes for AutoAttack, which is tested elsewhere and takes long."""
    few = images.at(images.labels < 3)
    return Images(F.interpolate(few.pixels(), size=(size, size), mode="bilinear").clamp(0, 1), few.labels)


def network() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.SiLU(), nn.Linear(64, 3))


def trained(optimizer: InnerOptimizer, *, make=network, size: int = 8, eps: float = EPS, epochs: int = 20):
    torch.manual_seed(0)
    classifier = make()
    task = AdversarialTraining(
        classifier,
        three(digits().train, size=size),
        LinfBall(eps),
        optimizer=partial(torch.optim.Adam, lr=5e-3),
        epochs=epochs,
    )
    task.solve(optimizer, device="cpu")
    return classifier


def learned(steps: int, **options) -> LearnedOptimizer:
    """As the presets have it; one step without gradients is Naive L2L."""
    torch.manual_seed(0)
    if not options:
        updater = CNNUpdater.light(channels=1, inputs=1, width=8)
        return LearnedOptimizer(updater, steps=steps, features=IterateFeatures())
    return LearnedOptimizer(CNNUpdater.light(channels=1, width=8, gain=16.0), steps=steps, **options)


PGM_10 = PGM(steps=10, step_size=0.15 * EPS)


@pytest.fixture(scope="module")
def images() -> Images:
    return three(digits().test).first(40)


@pytest.fixture(scope="module")
def plain() -> nn.Module:
    torch.set_num_threads(1)
    return trained(GradientAscent(steps=0))


@pytest.fixture(scope="module")
def sound() -> nn.Module:
    torch.set_num_threads(1)
    return trained(PGM_10, epochs=8)


class Behind(nn.Module):
    """A classifier behind something that is done to its images or its logits."""

    def __init__(self, classifier: nn.Module, before=lambda images: images, after=lambda logits: logits) -> None:
        super().__init__()
        self.classifier, self.before, self.after = classifier, before, after

    def forward(self, images: Tensor) -> Tensor:
        return self.after(self.classifier(self.before(images)))


def outcomes(found) -> dict[str, str]:
    return {item.name: item.outcome for item in found.items}


class TestSound:
    def test_pgm_10_passes(self, sound, plain, images):
        found = audit(sound, images, LinfBall(EPS), own=PGM_10, surrogate=plain)
        assert found.failed == ()
        assert tuple(outcomes(found)) == NAMES
        assert [name for name, outcome in outcomes(found).items() if outcome != "passed"] == ["autoattack"]
        assert found.evaluation.accuracies()["pgm_100"] > 0.6

    def test_2_step_l2l_passes(self, plain, images):
        attacker = learned(2, step_size=1.0, random_start=0.5)
        classifier = trained(attacker, epochs=12)
        found = audit(classifier, images, LinfBall(EPS), own=attacker, surrogate=plain)
        assert found.failed == ()
        assert found.evaluation.accuracies()["pgm_100"] > 0.6

    def test_in_an_l2_ball(self, sound, plain, images):
        found = audit(sound, images, L2Ball(0.5), surrogate=plain)
        assert found.failed == ()
        assert [name for name, outcome in outcomes(found).items() if outcome == "not applicable"] == [
            "own_attacker",
            "autoattack",
        ]

    def test_two_classes(self, images):
        torch.manual_seed(0)
        pair = images.at(images.labels < 2)
        mean = [pair.pixels()[pair.labels == label].mean(0) for label in (0, 1)]
        linear = nn.Sequential(nn.Flatten(), nn.Linear(64, 2, bias=False))
        with torch.no_grad():
            linear[1].weight.copy_(torch.stack(mean).flatten(1))
            linear[1].weight.sub_(linear[1].weight.mean(0))
        found = audit(linear, pair, LinfBall(0.1))
        assert found.failed == ()


class TestBroken:
    def test_rounded_images_have_no_gradient(self, plain, sound, images):
        other = trained(GradientAscent(steps=0), epochs=8)
        found = audit(Behind(plain, lambda x: (8 * x).round() / 8), images, LinfBall(EPS), surrogate=other)
        assert {"zero_gradients", "unbounded", "black_box"} <= set(found.failed)

    def test_saturated_logits(self, plain, images):
        found = audit(Behind(plain, after=lambda logits: 1e3 * logits), images, LinfBall(EPS))
        assert {"zero_gradients", "another_loss"} <= set(found.failed)

    def test_noise(self, sound, images):
        found = audit(Behind(sound, lambda x: x + 0.1 * torch.randn_like(x)), images, LinfBall(EPS))
        assert "randomness" in found.failed

    def test_probabilities(self, plain, images):
        found = audit(Behind(plain, after=lambda logits: logits.softmax(1)), images.first(20), LinfBall(EPS))
        assert "probabilities" in found.failed
        assert sum("probabilities" in flag for flag in found.evaluation.flags) == 1

    def test_catastrophic_overfitting(self):
        attack = FGSM(step_size=0.3)
        classifier = trained(attack, make=partial(small_cnn, hidden=64, classes=3), size=16, eps=0.3, epochs=30)
        found = audit(classifier, three(digits().test, size=16).first(60), LinfBall(0.3), own=attack)
        assert {"overfitting", "own_attacker"} <= set(found.failed)

    def test_naive_l2l(self, images):
        attacker = learned(1)
        classifier = trained(attacker)
        assert "own_attacker" in audit(classifier, images, LinfBall(EPS), own=attacker).failed


class Linear(nn.Module):
    """Four classes on 4 x 4 pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(4, 16, generator=torch.Generator().manual_seed(3)))

    def forward(self, images: Tensor) -> Tensor:
        return (images.flatten(1) - 0.5) @ self.weight.T


@pytest.fixture(scope="module")
def four() -> tuple[Linear, Images]:
    pixels = torch.rand(24, 1, 4, 4, generator=torch.Generator().manual_seed(4))
    return Linear(), Images(pixels, Linear()(pixels).argmax(1))


class TestCall:
    def test_autoattack_applies_from_four_classes_on(self, four):
        classifier, images = four
        found = audit(classifier, images, LinfBall(0.05), tier="quick")
        (item,) = [item for item in found.items if item.name == "autoattack"]
        assert item.outcome == "passed"
        assert set(item.numbers) >= {"autoattack_quick", "pgm_100"}
        assert "pgm_20_at_2_eps" not in found.evaluation.survived

    def test_a_surrogate_is_trained_on_given_images_and_nothing_is_left_behind(self, plain, images, monkeypatch):
        monkeypatch.setattr(symptoms, "SURROGATE_STEPS", 5)
        before, state = copy.deepcopy(plain.state_dict()), torch.get_rng_state()
        plain.train()
        plain.zero_grad()
        announced = []
        found = audit(
            plain, images.first(10), LinfBall(EPS), train=three(digits().train), announce=announced.append
        )
        assert outcomes(found)["black_box"] == "passed"
        assert "training a surrogate" in announced
        assert torch.equal(torch.get_rng_state(), state)
        assert plain.training
        assert all(torch.equal(plain.state_dict()[name], tensor) for name, tensor in before.items())
        assert all(weight.grad is None for weight in plain.parameters())

    def test_twice_gives_the_same(self, plain, images):
        first, second = (audit(plain, images.first(8), LinfBall(EPS), seed=3) for _ in range(2))
        assert first.items == second.items

    def test_no_gradient_at_all_is_refused(self, four):
        classifier, images = four
        with pytest.raises(ValueError, match="logits have no gradient with respect to the image"):
            audit(Behind(classifier, lambda x: x.detach()), images, LinfBall(0.05))

    def test_a_classifier_that_is_always_wrong_is_refused(self, plain, images):
        wrong = Images(images.images, (images.labels + 1) % 3)
        right = plain(images.pixels()).argmax(1) == images.labels
        with pytest.raises(ValueError, match="right on none of the"):
            audit(plain, wrong.at(right), LinfBall(EPS))

    def test_two_surrogates_are_refused(self, plain, images):
        with pytest.raises(ValueError, match="leave out surrogate or train"):
            audit(plain, images, LinfBall(EPS), surrogate=plain, train=images)

    def test_a_surrogate_that_cannot_take_the_images_is_refused(self, plain, four, images):
        with pytest.raises(ValueError, match="classifier cannot take an image"):
            audit(plain, images, LinfBall(EPS), surrogate=four[0])

    @pytest.mark.cuda
    @pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
    def test_on_cuda(self, plain, images):
        classifier = copy.deepcopy(plain).to("cuda")
        found = audit(classifier, images.first(20), LinfBall(EPS), train=three(digits().train))
        assert tuple(outcomes(found)) == NAMES
