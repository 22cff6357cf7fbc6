"""A GAN as a game: its objective by torch's own losses, its games apart, and its training batch by batch."""

import pytest
import torch
from torch import nn

from minimax_l2l import (
    Adam,
    CompetitiveGradient,
    ExtraGradient,
    GradientAscent,
    LearnedOptimizer,
    MLPUpdater,
    flat_weights,
)
from minimax_l2l.testing import check_problem
from tasks.games import GAN, GANTraining


def networks(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(1, 3), nn.Tanh(), nn.Linear(3, 2)), nn.Sequential(
        nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1)
    )


def game(count=1):
    pairs = [tuple(map(flat_weights, networks(seed))) for seed in range(count)]
    start = tuple(torch.cat(parts) for parts in zip(*pairs, strict=True))
    return GAN(*networks(), start, torch.randn(count, 6, 2), torch.randn(count, 6, 1))


def sampler(random):
    return torch.randn(16, 2, generator=random), torch.randn(16, 1, generator=random)


def training(**others):
    return GANTraining(*networks(), sampler, **{"iterations": 12, **others})


def test_its_objective_is_minus_the_cross_entropy_of_torch():
    both, entropy = game(), nn.BCEWithLogitsLoss()
    real, fake = both.discriminator(both.real[0]), both.discriminator(both.generator(both.latent[0]))
    wanted = -entropy(real, torch.ones(6, 1)) - entropy(fake, torch.zeros(6, 1))
    torch.testing.assert_close(both.objective(both.start), wanted[None])


def test_each_game_has_networks_and_samples_of_its_own():
    check_problem(lambda: game(3))


@pytest.mark.parametrize(
    ("argument", "value", "sentence"),
    [
        ("generator", nn.Linear, "generator must be a torch module"),
        ("discriminator", None, "discriminator must be a torch module"),
        ("real", [1.0], "real must be a tensor"),
        ("real", torch.ones(6, 2), r"real must have shape \(1, batch, ...\)"),
        (
            "latent",
            torch.ones(2, 6, 1),
            r"latent must have shape \(1, batch, ...\), a batch for each game, got \(2",
        ),
        ("latent", torch.ones(1, 0, 1), "latent must have shape"),
    ],
)
def test_wrong_values_are_refused(argument, value, sentence):
    generator, discriminator = networks()
    right = {
        "generator": generator,
        "discriminator": discriminator,
        "start": (flat_weights(generator), flat_weights(discriminator)),
        "real": torch.ones(1, 6, 2),
        "latent": torch.ones(1, 6, 1),
    }
    with pytest.raises((TypeError, ValueError), match=sentence):
        GAN(**right | {argument: value})


def test_training_of_both_by_ascent_is_gradient_play_by_hand():
    task = training(iterations=3)
    pair = [weights.clone() for weights in task.start]
    for real, latent in list(task.batches()):
        one = GAN(task.generator, task.discriminator, tuple(pair), real, latent)
        moved = one.field(tuple(pair)).detach()
        pair = [leaf - 0.1 * part for leaf, part in zip(pair, one.pair(moved), strict=True)]
    task.solve(GradientAscent(steps=1, step_size=0.1), device="cpu")
    torch.testing.assert_close(torch.cat(task.end.y, dim=1), torch.cat(pair, dim=1))


def test_adam_goes_on_from_batch_to_batch():
    task = training()
    task.solve(Adam(lr=0.01), device="cpu")
    assert task.end.state[0].item() == 12
    assert not torch.equal(task.weights(), task.start[0])


def test_apart_the_generator_is_theta_and_phi_learns():
    task, learned = training(apart=True), LearnedOptimizer(MLPUpdater())
    before, phi = flat_weights(task.generator), flat_weights(learned)
    solution = task.solve(learned, device="cpu")
    assert not torch.equal(flat_weights(task.generator), before)
    assert not torch.equal(flat_weights(learned), phi)
    assert torch.equal(task.weights().detach(), flat_weights(task.generator))
    latent = torch.randn(5, 1)
    torch.testing.assert_close(task.generate(latent), task.generator(latent).detach())
    assert (solution.passes.input_gradient, solution.passes.weight_gradient) == (24, 12)


@pytest.mark.parametrize(
    ("optimizer", "cost"),
    [(ExtraGradient(steps=1, step_size=0.1), 2), (CompetitiveGradient(steps=1, step_size=1.0, rounds=1), 4)],
)
def test_what_a_step_of_both_costs_is_counted(optimizer, cost):
    task = training(iterations=5)
    solution = task.solve(optimizer, device="cpu")
    assert solution.passes == task.playing.passes
    assert task.playing.passes.input_gradient == 5 * cost
