"""Parity with the authors' code: their step in plain PyTorch, and ours, give the same theta and phi."""

import copy
from functools import partial
from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from minimax_l2l import CNNUpdater, GradientFeatures, LinfBall, leaves
from tasks.adversarial import AdversarialTraining, Attack, CropAndFlip, SmallResNet, WideResNet, published
from tasks.adversarial.evaluation.cost import step_cost

EPS, STEPS, BATCH = 0.1, 3, 8
ATTACKERS = ("naive", "grad", "two-step")


def images():
    """Bytes, a third of them black or white, where pixels are clamped."""
    generator = torch.Generator().manual_seed(3)
    levels = torch.randint(-128, 384, (STEPS * BATCH, 3, 8, 8), generator=generator)
    return levels.clamp(0, 255).to(torch.uint8), torch.arange(STEPS * BATCH) % 3


def game(attacker, **changed):
    """In double precision, with a strong phi, so that every difference shows."""
    torch.manual_seed(0)
    classifier = WideResNet(10, 1, classes=3).double()
    own = published(
        classifier, images(), LinfBall(EPS), attacker=attacker, width=2, epochs=1, batch_size=BATCH, augment=None
    )
    own.optimizer.double()
    for name, value in changed.items():
        holder = own.task if name == "query_mode" else own.optimizer
        assert hasattr(holder, name)
        setattr(holder, name, value)
    return own


class Theirs:
    """The published step, from the description of it: no code of the library but the two networks."""

    def __init__(self, classifier, network, attacker, *, exchanged=False):
        self.classifier, self.network, self.attacker, self.exchanged = classifier, network, attacker, exchanged
        self.theta = torch.optim.SGD(classifier.parameters(), lr=0.1, momentum=0.9, weight_decay=2e-4)
        self.phi = torch.optim.Adam(network.parameters(), lr=1e-3, weight_decay=2e-4)

    def perturbation(self, seen):
        return EPS * torch.tanh(self.network(seen))

    def with_gradient(self, seen, labels):
        """[image, gradient / max |gradient| of the batch], the gradient a constant, the image not."""
        at = seen.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(F.cross_entropy(self.classifier(at), labels), [at])
        return torch.cat([seen, gradient / gradient.abs().max()], dim=1)

    def attacked(self, x, labels):
        if self.attacker == "naive":
            return (x + self.perturbation(x)).clamp(0, 1)
        first = self.perturbation(self.with_gradient(x, labels))
        if self.attacker == "grad":
            return (x + first).clamp(0, 1)
        second = self.perturbation(self.with_gradient((x + first).clamp(0, 1), labels))
        return (x + (first + second).clamp(-EPS, EPS)).clamp(0, 1)

    def half(self, player, sign, x, labels, *, theta_moves):
        self.classifier.train(theta_moves != self.exchanged)
        self.network.train(theta_moves == self.exchanged)
        attacked = self.attacked(x, labels)
        self.theta.zero_grad()
        self.phi.zero_grad()
        (sign * F.cross_entropy(self.classifier(attacked), labels)).backward()
        player.step()

    def step(self, x, labels):
        self.half(self.theta, 1, x, labels, theta_moves=True)
        self.half(self.phi, -1, x, labels, theta_moves=False)


def state(*networks):
    """Weights and running statistics, as one row of numbers."""
    parts = [part for network in networks for part in network.state_dict().values() if part.is_floating_point()]
    return torch.cat([part.flatten() for part in parts])


def distance(attacker, *, play="alternating", exchanged=False, **changed):
    """The largest difference in theta, phi and their running statistics after three steps, and how far they moved."""
    own = game(attacker, **changed)
    body = own.optimizer.updater.body
    theirs = Theirs(copy.deepcopy(own.task.classifier), copy.deepcopy(body), attacker, exchanged=exchanged)
    before = state(own.task.classifier, body)
    for batch in own.task.batches():
        theirs.step(batch.images.double(), batch.labels)
    own.task.solve(own.optimizer, play=play, device="cpu")
    after = state(own.task.classifier, body)
    return (after - state(theirs.classifier, theirs.network)).abs().max().item(), (after - before).abs()


@pytest.mark.parametrize("attacker", ATTACKERS)
def test_three_steps_are_theirs(attacker):
    error, moved = distance(attacker)
    print(error, moved.max())
    assert moved.max() > 0.1
    assert (moved > 0).float().mean() > 0.99
    assert error < 1e-11


WRONG = {
    "the gradient by each image's own size": ("grad", {"features": GradientFeatures("rms")}),
    "both players at the same theta": ("grad", {"play": "joint"}),
    "queries in eval mode": ("grad", {"query_mode": "eval"}),
    "queries that move no running statistics": ("grad", {"query_mode": "train"}),
    "train mode where eval mode belongs": ("grad", {"exchanged": True}),
    "the same, in two steps": ("two-step", {"exchanged": True}),
    "the same, for an attacker without queries": ("naive", {"exchanged": True}),
    "no path through the image that the second call sees": ("two-step", {"detach_iterates": True}),
    "pixels clamped before the sum": ("two-step", {"lazy": False}),
    "both players at the same theta, in two steps": ("two-step", {"play": "joint"}),
    "both players at the same theta, without queries": ("naive", {"play": "joint"}),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_each_of_their_choices_can_be_told(wrong):
    attacker, changed = WRONG[wrong]
    error, _ = distance(attacker, **changed)
    print(wrong, error)
    assert error > 1e-6
