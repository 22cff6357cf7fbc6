"""What attackers ascend and where they may go."""

import pytest
import torch

from minimax_l2l import FGSM, PGM, CNNUpdater, L2Ball, LearnedOptimizer, LinfBall
from tasks.adversarial import PerturbationProblem, cross_entropy, margin
from tasks.adversarial.threat import PixelBox, perturbations

LOGITS = torch.tensor([[1.0, 4.0, 2.0], [0.0, 0.0, 0.0], [3.0, 1.0, 2.5]])
LABELS = torch.tensor([1, 2, 2])


class TestLosses:
    def test_margin_by_hand(self):
        assert margin(LOGITS, LABELS).tolist() == [2.0 - 4.0, 0.0, 3.0 - 2.5]

    def test_margin_is_positive_exactly_where_another_class_wins(self):
        generator = torch.Generator().manual_seed(0)
        logits = torch.randn(200, 5, generator=generator)
        labels = torch.randint(5, (200,), generator=generator)
        assert torch.equal(margin(logits, labels) > 0, logits.argmax(1) != labels)

    def test_margin_is_not_fooled_by_large_logits(self):
        assert margin(1e30 * LOGITS, LABELS).isfinite().all()

    def test_gradient_of_margin(self):
        logits = LOGITS[:1].clone().requires_grad_()
        margin(logits, LABELS[:1]).sum().backward()
        assert logits.grad.tolist() == [[0.0, -1.0, 1.0]]

    def test_cross_entropy_by_hand(self):
        wanted = LOGITS.exp().sum(1).log() - LOGITS[range(3), LABELS]
        torch.testing.assert_close(cross_entropy(LOGITS, LABELS), wanted)


@pytest.fixture
def images():
    generator = torch.Generator().manual_seed(1)
    images = torch.rand(6, 1, 6, 6, generator=generator)
    images[0], images[1] = 0, 1  # at both ends of the pixels
    return images


class Wavy(torch.nn.Module):
    def forward(self, images):
        return torch.stack([(k * images).sin().flatten(1).sum(1) for k in (3.0, 5.0, 7.0)], dim=1)


THREATS = [LinfBall(0.1), LinfBall(0.7), L2Ball(0.5), L2Ball(4.0)]
ATTACKS = {
    "fgsm": lambda eps: FGSM(step_size=eps),
    "pgm": lambda eps: PGM(steps=8, step_size=eps),
    "learned": lambda eps: LearnedOptimizer(
        CNNUpdater.light(channels=1, gain=16.0), steps=3, step_size=2.0, random_start=1.0
    ),
}


class TestThreat:
    @pytest.mark.parametrize("attack", ATTACKS)
    @pytest.mark.parametrize("threat", THREATS, ids=lambda threat: f"{type(threat).__name__}-{threat.eps}")
    def test_every_iterate_is_a_picture_in_the_ball(self, threat, attack, images):
        problem = PerturbationProblem(Wavy(), images, torch.arange(6) % 3, threat)

        def check(_, y):
            assert threat.violation(y).max() <= 1e-5
            pixels = images + y
            assert pixels.min() >= -1e-6
            assert pixels.max() <= 1 + 1e-6

        ATTACKS[attack](threat.eps).maximize(problem, observe=check)

    def test_an_linf_perturbation_is_clamped_to_both(self):
        image = torch.tensor([0.05, 0.5, 0.95]).view(1, 1, 1, 3)
        allowed = perturbations(image, LinfBall(0.1))
        low = allowed.project(torch.full_like(image, -1.0)).flatten()
        high = allowed.project(torch.full_like(image, 1.0)).flatten()
        torch.testing.assert_close(low, torch.tensor([-0.05, -0.1, -0.1]))
        torch.testing.assert_close(high, torch.tensor([0.1, 0.1, 0.05]))

    def test_pixel_box(self):
        image = torch.tensor([0.0, 0.25, 1.0]).view(1, 1, 1, 3)
        box = PixelBox(image)
        assert (image + box.project(torch.full_like(image, 5.0))).flatten().tolist() == [1.0, 1.0, 1.0]
        assert (image + box.project(torch.full_like(image, -5.0))).flatten().tolist() == [0.0, 0.0, 0.0]

    @pytest.mark.parametrize("ball", [LinfBall, L2Ball])
    @pytest.mark.parametrize("eps", [0.0, -0.1, float("nan"), float("inf")])
    def test_eps_that_makes_no_sense(self, ball, eps):
        with pytest.raises(ValueError, match="eps must be a finite number above 0"):
            ball(eps)


class TestProblem:
    def test_objective_is_the_loss_of_the_perturbed_images(self, images):
        labels = torch.arange(6) % 3
        shift = torch.full_like(images, 0.01)
        for loss in (cross_entropy, margin):
            problem = PerturbationProblem(Wavy(), images, labels, LinfBall(0.1), loss=loss)
            assert torch.equal(problem.objective(shift), loss(Wavy()(images + shift), labels))
            assert torch.equal(problem.view(shift), images + shift)

    def test_it_starts_at_the_clean_images(self, images):
        problem = PerturbationProblem(Wavy(), images, torch.arange(6) % 3, LinfBall(0.1))
        assert torch.equal(problem.initial(), torch.zeros_like(images))
