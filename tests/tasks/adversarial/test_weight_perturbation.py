"""Adversarial weight perturbation: by hand on one weight matrix, its passes, and that nothing of it stays."""

from dataclasses import asdict

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from minimax_l2l import PGM, CNNUpdater, GradientAscent, LearnedOptimizer, LinfBall
from tasks.adversarial import AdversarialTraining, SmallResNet, Trades, WeightPerturbation

EPS = 0.1
LEVELS = torch.randint(0, 256, (48, 1, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(48) % 4
ATTACK = PGM(steps=2, step_size=EPS, random_start=0.5)


def task(classifier=None, **options) -> AdversarialTraining:
    torch.manual_seed(0)
    net = SmallResNet(classes=4, width=2) if classifier is None else classifier
    settings = {"epochs": 2, "batch_size": 16, "query_mode": "train", **options}
    return AdversarialTraining(net, (LEVELS, LABELS), LinfBall(EPS), **settings)


def light() -> LearnedOptimizer:
    torch.manual_seed(1)
    return LearnedOptimizer(CNNUpdater.light(channels=1, width=2), random_start=0.5)


def linear() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 4))


def test_theta_steps_from_its_place_by_the_gradient_at_the_perturbed_weights():
    """f(x) = W x + b; d loss / d W = (q - onehot) x^T, once at W, once at W + 0.1 |W| g / |g|."""
    game, before = task(linear(), momentum=0.0, weight_decay=0.0), linear()
    hook = WeightPerturbation(game, 0.1)
    game.solve(GradientAscent(steps=0), steps=1, device="cpu", hooks=[hook])
    batch = game.batches()[0]
    images, weight, bias = batch.images.flatten(1), before[1].weight.detach(), before[1].bias.detach()

    def slopes(weight):
        rest = (images @ weight.T + bias).softmax(1) - F.one_hot(batch.labels, 4)
        return rest.T @ images / 16, rest.mean(0)

    first, _ = slopes(weight)
    moved = weight + 0.1 * weight.norm() / first.norm() * first
    at_weight, at_bias = slopes(moved)
    rate = game.outer_schedule(game.outer_optimizer()).get_last_lr()[0]
    torch.testing.assert_close(game.classifier[1].weight.detach(), weight - rate * at_weight)
    torch.testing.assert_close(game.classifier[1].bias.detach(), bias - rate * at_bias)
    assert not torch.allclose(at_weight, first, rtol=1e-3)


@pytest.mark.parametrize(
    ("outer_loss", "attack", "passes"),
    [
        (None, PGM(steps=10, step_size=EPS / 4), (12, 12, 2)),
        (Trades(), PGM(steps=10, step_size=EPS / 4), (15, 14, 4)),
        (None, light(), (3, 3, 2)),
        (None, GradientAscent(steps=0), (2, 2, 2)),
    ],
    ids=["PGM-10", "TRADES-10", "learned", "plain"],
)
def test_passes(outer_loss, attack, passes):
    game = task(outer_loss=outer_loss)
    solution = game.solve(attack, steps=1, device="cpu", hooks=[WeightPerturbation(game)])
    assert tuple(asdict(solution.passes).values()) == passes


@pytest.mark.parametrize("play", ["joint", "alternating"])
@pytest.mark.parametrize("attack", [lambda: ATTACK, light], ids=["PGM", "learned"])
def test_weights_come_back_to_the_bit_and_running_statistics_see_each_batch_once(attack, play):
    game = task(optimizer=lambda weights: torch.optim.SGD(weights, lr=0.0))
    before = [weight.clone() for weight in game.classifier.parameters()]
    game.solve(attack(), steps=3, device="cpu", play=play, hooks=[WeightPerturbation(game, 0.1)])
    for weight, was in zip(game.classifier.parameters(), before, strict=True):
        assert torch.equal(weight, was)
    assert {int(part) for name, part in game.classifier.named_buffers() if "num_batches" in name} == {3}


def test_the_loss_is_higher_there_and_only_layers_move():
    game, seen = task(), []

    class Watching(WeightPerturbation):
        def found(self, problem, end):
            weights = dict(self.task.classifier.named_parameters())
            before = {name: weight.clone() for name, weight in weights.items()}
            low = self.task.losses(problem, end.y).outer
            super().found(problem, end)
            seen.append((low.item(), self.task.losses(problem, end.y).outer.item()))
            for name, weight in weights.items():
                moved, share = (weight - before[name]).norm(), 0.02 if weight.dim() > 1 else 0.0
                torch.testing.assert_close(moved, share * before[name].norm(), rtol=1e-3, atol=1e-9)

    game.solve(ATTACK, device="cpu", hooks=[Watching(game, 0.02)])
    assert len(seen) == 6
    assert all(there > here for here, there in seen)


def test_a_run_goes_on_to_the_bit(tmp_path):
    straight, part, rest = task(), task(), task()
    straight.solve(ATTACK, device="cpu", hooks=[WeightPerturbation(straight)])
    part.solve(ATTACK, device="cpu", out=tmp_path, steps=4, hooks=[WeightPerturbation(part)])
    rest.solve(ATTACK, device="cpu", out=tmp_path, resume=True, hooks=[WeightPerturbation(rest)])
    plain = task()
    plain.solve(ATTACK, device="cpu")
    weights = [
        torch.cat([weight.flatten() for weight in game.classifier.parameters()]) for game in (straight, rest, plain)
    ]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_refused():
    with pytest.raises(ValueError, match="WeightPerturbation was made for another task"):
        task().solve(ATTACK, device="cpu", hooks=[WeightPerturbation(task())])
