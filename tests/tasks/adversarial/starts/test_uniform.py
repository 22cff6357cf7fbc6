"""A random start within a radius of its own, and N-FGSM made of it, against a direct one with the same noise."""

from dataclasses import asdict

import pytest
import torch
from torch.nn import functional as F

from minimax_l2l import FGSM, GradientAscent, L2Ball, LinfBall, uniform
from minimax_l2l.modes import resting
from tasks.adversarial import (
    AdversarialTraining,
    PerturbationProblem,
    SmallResNet,
    UniformStart,
    digits,
    withstands,
)

EPS, K = 0.1, 2
LEVELS = torch.randint(0, 256, (48, 1, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(48) % 4
STEP = FGSM(step_size=EPS)


def n_fgsm(**options) -> AdversarialTraining:
    torch.manual_seed(0)
    return AdversarialTraining(
        SmallResNet(classes=4, width=2),
        (LEVELS, LABELS),
        LinfBall((1 + K) * EPS),
        start=UniformStart(K * EPS),
        **{"epochs": 2, "batch_size": 16, "query_mode": "train", **options},
    )


def directly(game: AdversarialTraining, images, labels, indices, step: int) -> torch.Tensor:
    """Noise, one step from there, and no clipping but to [0, 1]."""
    noise = K * EPS * (2 * uniform(images, indices, seed=game.seed, step=step) - 1)
    noisy = (images + noise).clamp(0, 1).requires_grad_()
    (slope,) = torch.autograd.grad(F.cross_entropy(game.classifier(noisy), labels, reduction="sum"), noisy)
    return (noisy.detach() + EPS * slope.sign()).clamp(0, 1)


class TestNFGSM:
    def test_attacks_as_it_is_written(self):
        game = n_fgsm()
        game.classifier.train()
        for batch in game.batches()[:3]:
            problem = game.inner_problem(batch)
            end = STEP.maximize(problem).y
            wanted = directly(game, batch.images, batch.labels, batch.indices, batch.step)
            torch.testing.assert_close(problem.view(end), wanted, rtol=0, atol=1e-6)
            assert 2.5 * EPS < end.abs().max() <= (1 + K) * EPS * (1 + 1e-6)

    def test_trains_as_it_is_written(self):
        game, again = n_fgsm(momentum=0.0, weight_decay=0.0), n_fgsm()
        game.solve(STEP, steps=1, device="cpu")
        batch = again.batches()[0]
        again.classifier.train()
        moved = directly(again, batch.images, batch.labels, batch.indices, batch.step)
        F.cross_entropy(again.classifier(moved), batch.labels).backward()
        rate = game.outer_schedule(game.outer_optimizer()).get_last_lr()[0]
        for one, other in zip(game.classifier.parameters(), again.classifier.parameters(), strict=True):
            torch.testing.assert_close(one, other - rate * other.grad, rtol=1e-4, atol=1e-6)

    def test_costs_what_fgsm_costs(self):
        assert tuple(asdict(n_fgsm().solve(STEP, steps=3, device="cpu").passes).values()) == (6, 6, 3)

    def test_goes_on_to_the_bit(self, tmp_path):
        straight, rest = n_fgsm(), n_fgsm()
        straight.solve(STEP, device="cpu")
        n_fgsm().solve(STEP, device="cpu", out=tmp_path, steps=4)
        rest.solve(STEP, device="cpu", out=tmp_path, resume=True)
        for one, other in zip(rest.classifier.parameters(), straight.classifier.parameters(), strict=True):
            assert torch.equal(one, other)

    def test_makes_a_net_robust(self):
        data = digits()
        torch.manual_seed(0)
        game = AdversarialTraining(
            SmallResNet(width=4),
            data,
            LinfBall(0.45),
            validated_at=LinfBall(0.15),
            start=UniformStart(0.3),
            epochs=6,
            query_mode="train",
        )
        game.solve(FGSM(step_size=0.15), device="cpu")
        assert game.validate(GradientAscent(steps=0))["validation_pgm_10"] > 0.3


class TestStart:
    @pytest.mark.parametrize("threat", [LinfBall(EPS), L2Ball(1.0)], ids=["L_inf", "L_2"])
    def test_is_uniform_in_the_scaled_ball_and_belongs_to_the_image(self, threat):
        images = torch.full((200, 1, 4, 4), 0.5)

        def start(step=0, rows=slice(None)):
            problem = PerturbationProblem(
                SmallResNet(width=2),
                images[rows],
                torch.zeros(200, dtype=torch.int64)[rows],
                threat,
                indices=torch.arange(200)[rows],
                start=UniformStart(threat.eps / 2),
                step=step,
            )
            return FGSM(step_size=0.1).start(problem)

        order = torch.inf if isinstance(threat, LinfBall) else 2
        lengths = start().flatten(1).norm(order, dim=1)
        assert 0.45 * threat.eps < lengths.max() <= 0.5 * threat.eps * (1 + 1e-5)
        assert abs(start().mean()) < 0.02 * threat.eps
        assert torch.equal(start(rows=slice(7, 9)), start()[7:9])
        assert not torch.equal(start(), start(step=1))


def test_a_wider_radius_is_of_the_same_unit():
    at, net = LinfBall(8 / 255), SmallResNet(width=2)
    assert AdversarialTraining(net, digits(), LinfBall(24 / 255), validated_at=at).threat.eps == 24 / 255
    assert AdversarialTraining(net, digits(), LinfBall(1.2), validated_at=LinfBall(0.4)).threat.eps == 1.2
    with pytest.raises(ValueError, match="a radius of 24 lets an attacker replace every image"):
        AdversarialTraining(net, digits(), LinfBall(24.0), validated_at=at)


def test_validations_are_at_their_own_radius():
    data = digits()
    torch.manual_seed(0)
    classifier = SmallResNet(width=2)
    wide, narrow = (
        AdversarialTraining(classifier, data, LinfBall(0.45), validated_at=at) for at in (None, LinfBall(0.15))
    )
    same = AdversarialTraining(classifier, data, LinfBall(0.15))
    AdversarialTraining(classifier, data, LinfBall(0.15), epochs=2).solve(FGSM(step_size=0.15), device="cpu")
    attack = FGSM(step_size=0.15)
    assert narrow.validate(attack) == same.validate(attack) != wide.validate(attack)
    assert narrow.threat.eps == 0.45
    with resting(classifier):
        survivors = withstands(classifier, narrow.data.validation, LinfBall(0.15), attack)
    assert survivors.float().mean() >= narrow.validate(attack)["validation_pgm_10"]
