"""Parity with the authors' code: their step in plain PyTorch, and ours, give the same theta and phi."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from minimax_l2l import CNNUpdater, GradientFeatures, LinfBall, leaves
from tasks.adversarial import Attack, CropAndFlip, ImageData, Images, SmallResNet, WideResNet, published

EPS, STEPS, BATCH = 0.1, 3, 8
ATTACKERS = ("naive", "grad", "two-step")


def images():
    """Bytes, a third of them black or white, where pixels are clamped."""
    generator = torch.Generator().manual_seed(3)
    levels = torch.randint(-128, 384, (STEPS * BATCH, 3, 8, 8), generator=generator)
    part = Images(levels.clamp(0, 255).to(torch.uint8), torch.arange(STEPS * BATCH) % 3)
    return ImageData("levels", part, part, part)


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
    """Largest difference in theta, phi and running statistics after three steps, and how far all moved."""
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
    assert error > 1e-3


@pytest.mark.parametrize(("attacker", "queries", "calls"), [("naive", 0, 1), ("grad", 1, 1), ("two-step", 2, 2)])
def test_passes_and_updates_of_statistics_are_theirs(attacker, queries, calls):
    """Theirs in each half: K queries and one pass. Weight gradients are needed once, and formed once."""
    own = game(attacker)
    passes = own.task.solve(own.optimizer, play=own.play, device="cpu").passes
    twice = STEPS * 2 * (queries + 1)
    assert (passes.forward, passes.input_gradient, passes.weight_gradient) == (twice, twice, STEPS)

    def seen(network):
        return {int(part.num_batches_tracked) for part in network.modules() if isinstance(part, nn.BatchNorm2d)}

    assert seen(own.task.classifier) == {STEPS * (queries + 1)}  # in theta's half alone
    assert seen(own.optimizer) == {STEPS * calls}  # in phi's half alone


def test_settings_are_theirs():
    own = published(SmallResNet(classes=3, width=2, channels=3), images(), batch_size=4)
    assert (own.play, own.task.query_mode, own.task.threat.eps) == ("alternating", "tracked", 0.031)
    assert (own.task.epochs, published(own.task.classifier, images()).task.batch_size) == (76, STEPS * BATCH)
    assert isinstance(own.task.augment, CropAndFlip)
    assert (own.task.augment.padding, own.task.augment.flip) == (4, True)
    assert (own.optimizer.updater.config(), own.optimizer.steps) == (CNNUpdater.published().config(), 2)
    theta, phi = own.task.outer_optimizer(), own.optimizer.meta_optimizer()
    group = theta.param_groups[0]
    assert (group["lr"], group["momentum"], group["nesterov"], group["weight_decay"]) == (0.1, 0.9, False, 2e-4)
    group = phi.param_groups[0]
    assert (group["lr"], group["betas"], group["weight_decay"]) == (1e-3, (0.9, 0.999), 2e-4)


@pytest.mark.parametrize(("epochs", "falls"), [(20, []), (76, [29, 59]), (100, [29, 59, 89])])
def test_the_learning_rate_falls_as_theirs(epochs, falls):
    """They ask for epoch >= 30, 60 and 90, and count from 1."""
    own = published(SmallResNet(classes=3, width=2, channels=3), images(), epochs=epochs, batch_size=BATCH)
    theta = own.task.outer_optimizer()
    schedule, found = own.task.outer_schedule(theta), []
    for _ in range(own.task.iterations):
        found.append(theta.param_groups[0]["lr"])
        theta.step()
        schedule.step()
    wanted = [0.1 * 0.1 ** sum(epoch >= fall for fall in falls) for epoch in range(epochs) for _ in range(STEPS)]
    assert found == pytest.approx(wanted)


def test_a_run_goes_on_to_the_bit_and_its_attacker_is_read_again(tmp_path):
    own, again = game("two-step"), game("two-step")
    own.task.solve(own.optimizer, play=own.play, device="cpu")
    begun = game("two-step")
    begun.task.solve(begun.optimizer, play=begun.play, device="cpu", out=tmp_path / "run", steps=2)
    again.task.solve(again.optimizer, play=again.play, device="cpu", out=tmp_path / "run", resume=True)
    for one, other in ((own.task.classifier, again.task.classifier), (own.optimizer, again.optimizer)):
        assert torch.equal(state(one), state(other))
    attack = Attack(own.optimizer, own.task.threat)
    attack.save_pretrained(tmp_path / "attack")
    read = Attack.from_pretrained(tmp_path / "attack")
    read.optimizer.double()
    before, seen = state(own.task.classifier), own.task.data.train
    attacked = attack(own.task.classifier, seen.pixels(), seen.labels)
    torch.testing.assert_close(read(own.task.classifier, seen.pixels(), seen.labels), attacked)
    assert torch.equal(state(own.task.classifier), before)  # an attack is not training


@pytest.mark.filterwarnings("ignore:catastrophic overfitting", "ignore:the attacker")
def test_validation_and_logs_leave_no_trace():
    quiet, watched = game("grad"), game("grad")
    quiet.task.solve(quiet.optimizer, play=quiet.play, device="cpu", log_every=STEPS)
    watched.task.solve(watched.optimizer, play=watched.play, device="cpu", log_every=1, validate_every=1)
    assert torch.equal(
        state(quiet.task.classifier, quiet.optimizer), state(watched.task.classifier, watched.optimizer)
    )


def test_a_gradient_of_zero_stays_zero_where_theirs_is_not_a_number():
    own = game("grad")
    with torch.no_grad():
        for weight in own.task.classifier.parameters():
            weight.zero_()
    problem = own.task.inner_problem(next(iter(own.task.batches())))
    assert all(leaf.isfinite().all() for leaf in leaves(own.optimizer.maximize(problem).y))
