"""Outer losses in a training: passes counted, what y and phi ascend, runs that go on, robustness in the end."""

from dataclasses import asdict
from functools import partial

import pytest
import torch
from torch import nn

from minimax_l2l import FGSM, PGM, CNNUpdater, GradientAscent, IterateFeatures, LearnedOptimizer, LinfBall
from minimax_l2l.modes import querying, resting
from minimax_l2l.training.step import Step
from tasks.adversarial import (
    AdversarialTraining,
    LogitPairing,
    Mart,
    SmallResNet,
    Trades,
    cross_entropy,
    digits,
    margin,
    smoothed,
    withstands,
)

EPS = 0.1
LEVELS = torch.randint(0, 256, (48, 1, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(48) % 4


def net() -> SmallResNet:
    torch.manual_seed(0)
    return SmallResNet(classes=4, width=2)


def task(outer_loss=None, **options) -> AdversarialTraining:
    settings = {"epochs": 2, "batch_size": 16, "query_mode": "train", **options}
    return AdversarialTraining(net(), (LEVELS, LABELS), LinfBall(EPS), outer_loss=outer_loss, **settings)


def pgm(steps: int = 10) -> PGM:
    return PGM(steps=steps, step_size=EPS / 4, random_start=0.03)


def light(steps: int = 1) -> LearnedOptimizer:
    torch.manual_seed(1)
    return LearnedOptimizer(CNNUpdater.light(channels=1, width=2), steps=steps, random_start=0.5)


def naive() -> LearnedOptimizer:
    torch.manual_seed(1)
    updater = CNNUpdater.light(channels=1, inputs=1, width=2)
    return LearnedOptimizer(updater, random_start=0.5, features=IterateFeatures())


def weights(game: AdversarialTraining) -> torch.Tensor:
    return torch.cat([weight.detach().flatten() for weight in game.classifier.parameters()])


@pytest.mark.parametrize(
    ("outer_loss", "optimizer", "passes"),
    [
        (Trades(), pgm(), (13, 12, 2)),
        (Trades(), light(), (4, 4, 2)),
        (Trades(), naive(), (2, 3, 2)),
        (Mart(), pgm(), (12, 12, 2)),
        (LogitPairing(10.0), FGSM(step_size=EPS), (3, 3, 2)),
        (LogitPairing(10.0, of=Trades()), pgm(2), (6, 5, 3)),
        (smoothed(0.1), pgm(), (11, 11, 1)),
        (None, pgm(), (11, 11, 1)),
    ],
)
def test_passes_of_a_step(outer_loss, optimizer, passes):
    found = task(outer_loss).solve(optimizer, steps=1, device="cpu", log_every=10).passes
    assert tuple(asdict(found).values()) == passes


def test_without_one_theta_descends_the_loss_to_the_bit():
    games = task(), task(outer_loss=cross_entropy)
    for game in games:
        game.solve(pgm(2), device="cpu")
    assert torch.equal(*map(weights, games))


def test_attackers_of_trades_ascend_the_divergence_from_one_clean_prediction():
    game = task(Trades())
    problem = game.inner_problem(game.batches()[0])
    calls = []
    game.classifier.register_forward_hook(lambda module, given, made: calls.append(given[0]))
    with querying(game.classifier, "train"):
        y = 0.5 * EPS * torch.ones_like(problem.images)
        first, again = problem.objective(y), problem.objective(y)
        clean, attacked = game.classifier(problem.images), game.classifier(problem.view(y))
    assert sum(torch.equal(images, problem.images) for images in calls) == 2  # the problem's one, and this test's
    assert torch.equal(first, again)
    wanted = nn.functional.kl_div(attacked.log_softmax(1), clean.softmax(1), reduction="none").sum(1)
    torch.testing.assert_close(first, wanted)
    assert not torch.allclose(first, cross_entropy(attacked, problem.labels))


@pytest.mark.parametrize("outer_loss", [Mart(), LogitPairing(1.0), smoothed(0.1)])
def test_attackers_of_the_others_ascend_the_loss(outer_loss):
    game = task(outer_loss, loss=margin)
    problem = game.inner_problem(game.batches()[0])
    y = torch.zeros_like(problem.images)
    with querying(game.classifier, "eval"):
        assert torch.equal(problem.objective(y), margin(game.classifier(problem.images), problem.labels))


@pytest.mark.parametrize("play", ["joint", "alternating"])
@pytest.mark.parametrize("attacker", [light, partial(light, 2), naive])
def test_phi_ascends_the_divergence_and_theta_descends_trades(attacker, play):
    game, phi = task(Trades(6.0)), attacker()
    step = Step(game, phi)
    batch = game.batches()[0]
    problem = step.problem(batch)
    y = phi.maximize(problem).y
    game.classifier.train()
    clean, attacked = game.classifier(problem.images), game.classifier(problem.view(y))
    kl = nn.functional.kl_div(attacked.log_softmax(1), clean.softmax(1), reduction="batchmean")
    own = [weight for weight in phi.parameters() if weight.requires_grad]
    wanted_phi = torch.autograd.grad(kl, own, retain_graph=True)
    total = cross_entropy(clean, problem.labels).mean() + 6 * kl
    wanted_theta = torch.autograd.grad(total, list(game.classifier.parameters()))
    if play == "joint":
        step(batch).loss.backward()
        for weight, slope in zip(game.classifier.parameters(), wanted_theta, strict=True):
            torch.testing.assert_close(weight.grad, slope, rtol=1e-4, atol=1e-6)
    else:
        step(batch, "phi").loss.backward()
    for weight, slope in zip(own, wanted_phi, strict=True):
        torch.testing.assert_close(weight.grad, slope, rtol=1e-4, atol=1e-6)
    assert max(slope.abs().max() for slope in wanted_phi) > 0


def test_pairing_starts_where_the_attack_did():
    game = task(LogitPairing(1.0))
    attack = PGM(steps=1, step_size=EPS, random_start=1.0)
    problem = game.inner_problem(game.batches()[0])
    wanted = attack.start(problem)
    attack.maximize(problem)
    assert torch.equal(problem.first, wanted)
    assert wanted.any()


@pytest.mark.parametrize("outer_loss", [Trades(), Mart(), LogitPairing(1.0, of=smoothed(0.1))])
def test_a_run_goes_on_to_the_bit_and_with_the_same_loss_only(outer_loss, tmp_path):
    straight, part, rest = task(outer_loss), task(outer_loss), task(outer_loss)
    straight.solve(pgm(2), device="cpu")
    part.solve(pgm(2), device="cpu", out=tmp_path, steps=4)
    with pytest.raises(ValueError, match=r"was run with task\.outer_loss"):
        task(Trades(beta=2.0)).solve(pgm(2), device="cpu", out=tmp_path, resume=True)
    rest.solve(pgm(2), device="cpu", out=tmp_path, resume=True)
    assert torch.equal(weights(rest), weights(straight))


def test_running_statistics_move_once_for_each_forward_of_theta():
    game = task(Trades())
    game.solve(pgm(2), steps=3, device="cpu")
    assert {int(part) for name, part in game.classifier.named_buffers() if "num_batches" in name} == {6}


def test_plain_training_on_smooth_labels():
    game = task(smoothed(0.2))
    assert game.solve(GradientAscent(steps=0), device="cpu").steps == 6


@pytest.mark.parametrize("wrong", [lambda logits, labels: logits, lambda logits: logits.sum(1)])
def test_a_function_is_tried(wrong):
    with pytest.raises((TypeError, ValueError), match="loss"):
        task(wrong)


@pytest.mark.parametrize("outer_loss", [Trades(), Mart()], ids=lambda one: type(one).__name__)
def test_it_makes_a_net_robust(outer_loss):
    data = digits()
    torch.manual_seed(0)
    classifier = SmallResNet(width=4)
    game = AdversarialTraining(
        classifier, data, LinfBall(0.15), outer_loss=outer_loss, epochs=5, query_mode="train"
    )
    game.solve(PGM(steps=2, step_size=0.1, random_start=0.5), device="cpu")
    with resting(classifier):
        survivors = withstands(classifier, data.validation, game.threat, PGM(steps=20, step_size=0.015))
    assert survivors.float().mean() > 0.3
