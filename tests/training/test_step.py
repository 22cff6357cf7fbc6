"""The step as one object: one loss for both players, the by-product, and what later methods ask of it."""

import pytest
import torch
from specimens import Through
from torch import nn
from torch.func import functional_call

from minimax_l2l import (
    PGM,
    GradientAscent,
    Hook,
    LearnedOptimizer,
    LinfBall,
    Losses,
    MLPUpdater,
    NonFiniteError,
    RNNUpdater,
    StreamingAdam,
    Task,
)
from minimax_l2l.training.iteration import Iteration
from minimax_l2l.training.runtime import Runtime
from minimax_l2l.training.step import Step
from minimax_l2l.trees import detach, leaves
from minimax_l2l.updaters.outer_product import OuterProduct


class Shifted(Through):
    """f_i(d) = |net(x_i + d_i)|^2."""

    def __init__(self, module, batch):
        super().__init__(module, torch.zeros_like(batch), constraint=LinfBall(0.2))
        self.batch = batch
        self.ends = []

    def objective(self, y):
        return self.module(self.batch + y).square().sum(1)

    def remember(self, end, gradient):
        self.ends.append((end, gradient))


class Regression(Task):
    def __init__(self, *, keeps=False, batches=12):
        torch.manual_seed(0)
        self.outer = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
        self.keeps, self.iterations, self.problems = keeps, batches, []

    def batches(self):
        generator = torch.Generator().manual_seed(1)
        return [torch.randn(6, 3, generator=generator) for _ in range(self.iterations)]

    def inner_problem(self, batch):
        problem = Shifted(self.outer, batch)
        problem.keeps_gradient = self.keeps
        self.problems.append(problem)
        return problem


class Ridge(Regression):
    """Theta descends the objective and its own size, phi ascends the objective alone."""

    def losses(self, problem, y):
        loss = problem.objective(y).mean()
        return Losses(loss + 0.1 * self.outer[0].weight.square().sum(), loss)


def learned():
    torch.manual_seed(1)
    return LearnedOptimizer(RNNUpdater(hidden=4, gain=0.5), steps=2, learning_rate=0.01)


def separately(task, optimizer):
    """Both players' gradients by two passes of their own."""
    step = Step(task, optimizer)
    problem = step.problem(task.batches()[0])
    y = optimizer.maximize(problem).y
    losses = task.losses(problem, y)
    meta = losses.meta if losses.meta is not None else losses.outer
    phi = torch.autograd.grad(meta, list(optimizer.parameters()))
    theta = torch.autograd.grad(task.losses(problem, detach(y)).outer, list(task.outer.parameters()))
    return theta, phi


@pytest.mark.parametrize("kind", [Regression, Ridge])
def test_one_backward_gives_each_player_its_own_gradient(kind):
    task, optimizer = kind(), learned()
    theta, phi = separately(task, optimizer)
    step = Step(task, optimizer)
    step(task.batches()[0]).loss.backward()
    for parameters, gradients in ((task.outer.parameters(), theta), (optimizer.parameters(), phi)):
        for parameter, gradient in zip(parameters, gradients, strict=True):
            torch.testing.assert_close(parameter.grad, gradient, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("kind", [Regression, Ridge])
@pytest.mark.parametrize("optimizer", [learned, lambda: PGM(steps=2, step_size=0.05)], ids=["learned", "PGM"])
def test_the_outer_backward_hands_on_the_gradient_at_the_end(kind, optimizer):
    task = kind(keeps=True)
    task.solve(optimizer(), steps=1, device="cpu")
    end, gradient = task.problems[-1].ends[0]
    again = kind()
    point = end.y.clone().requires_grad_()
    (wanted,) = torch.autograd.grad(Shifted(again.outer, again.batches()[0]).objective(point).sum(), point)
    torch.testing.assert_close(gradient, wanted)
    assert not end.y.requires_grad


def test_in_alternating_play_what_is_remembered_belongs_together():
    """The end and the gradient there are both of the second half, at the new theta."""
    task = Regression(keeps=True)
    task.solve(learned(), steps=1, play="alternating", device="cpu")
    end, gradient = task.problems[-1].ends[0]
    point = end.y.clone().requires_grad_()
    (wanted,) = torch.autograd.grad(Shifted(task.outer, task.batches()[0]).objective(point).sum(), point)
    torch.testing.assert_close(gradient, wanted)


def test_a_gradient_is_that_of_an_instance_whatever_the_share(monkeypatch):
    gradients = []
    for weight in (1.0, 0.75):
        monkeypatch.setattr(Runtime, "share", lambda self, batch, weight=weight: (batch, weight))
        task = Regression(keeps=True)
        task.solve(PGM(steps=1, step_size=0.05), steps=1, device="cpu")
        gradients.append(task.problems[-1].ends[0][1])
    torch.testing.assert_close(*gradients)


@pytest.mark.parametrize(
    ("losses", "sentence"),
    [
        (lambda task, problem, y: Losses(torch.tensor(1.0)), "a number for theta that does not depend on it"),
        (
            lambda task, problem, y: Losses(problem.objective(y).mean(), torch.tensor(1.0)),
            "a number for phi that does not depend on y",
        ),
    ],
)
def test_a_number_that_its_player_cannot_change(losses, sentence):
    task = Regression()
    task.losses = lambda problem, y: losses(task, problem, y)
    with pytest.raises(ValueError, match=sentence):
        task.solve(learned(), steps=1, device="cpu")


def test_nobody_pays_for_a_gradient_that_nobody_keeps():
    task = Regression()
    task.solve(PGM(steps=1, step_size=0.05), steps=1, device="cpu")
    assert task.problems[-1].ends[0][1] is None


def test_weights_are_constants_inside_queries_and_trainable_outside():
    seen = []

    class Watching(Shifted):
        def objective(self, y):
            seen.append([weight.requires_grad for weight in self.module.parameters()])
            return super().objective(y)

    task = Regression()
    task.inner_problem = lambda batch: Watching(task.outer, batch)
    task.solve(PGM(steps=2, step_size=0.05), steps=1, device="cpu")
    assert [any(flags) for flags in seen] == [False, False, True]


class Perturbation(Hook):
    """Adversarial weight perturbation: theta is judged a little off its place, and steps from its place.

    Source: Wu et al., Adversarial Weight Perturbation Helps Robust Generalization, 2020.
    """

    def begin(self, theta):
        self.theta, self.judged = theta, []

    def found(self, problem, end):
        weights = [weight for weight in self.theta.parameters() if weight.dim() > 1]
        value = problem.objective(detach(end.y)).mean()
        self.moves = [
            (weight, 0.01 * weight.detach().norm() * slope / slope.norm())
            for weight, slope in zip(weights, torch.autograd.grad(value, weights), strict=True)
        ]
        with torch.no_grad():
            for weight, move in self.moves:
                weight += move
            self.judged.append((value.item(), problem.objective(detach(end.y)).mean().item()))

    def differentiated(self):
        with torch.no_grad():
            for weight, move in self.moves:
                weight -= move


def test_adversarial_weight_perturbation_fits():
    task, hook = Regression(), Perturbation()
    before = [weight.clone() for weight in task.outer.parameters()]
    task.outer_optimizer = lambda: torch.optim.SGD(task.outer.parameters(), lr=0.0)
    task.solve(PGM(steps=2, step_size=0.05), device="cpu", hooks=[hook])
    assert all(perturbed > plain for plain, perturbed in hook.judged)
    for weight, was in zip(task.outer.parameters(), before, strict=True):
        torch.testing.assert_close(weight, was)


class LookAhead(Regression):
    """Phi is judged by theta's next step: the loss of theta' = theta - 0.5 d loss / d theta on other instances."""

    def losses(self, problem, y):
        loss = problem.objective(y).mean()
        weights = dict(self.outer.named_parameters())
        slopes = torch.autograd.grad(loss, list(weights.values()), create_graph=True)
        ahead = {name: weight - 0.5 * slope for (name, weight), slope in zip(weights.items(), slopes, strict=True)}
        held_out = torch.linspace(-1, 1, 12).view(4, 3)
        return Losses(loss, -functional_call(self.outer, ahead, (held_out,)).square().mean())


def test_a_phi_that_is_judged_by_thetas_next_step_fits():
    task, optimizer = LookAhead(), learned()
    theta, phi = separately(task, optimizer)
    before = [weight.clone() for weight in task.outer.parameters()]
    outcome = Step(task, optimizer)(task.batches()[0])
    outcome.loss.backward()
    assert all(torch.equal(weight, was) for weight, was in zip(task.outer.parameters(), before, strict=True))
    for weight, gradient in zip(task.outer.parameters(), theta, strict=True):
        torch.testing.assert_close(weight.grad, gradient)
    for weight, gradient in zip(optimizer.parameters(), phi, strict=True):
        torch.testing.assert_close(weight.grad, gradient, rtol=1e-4, atol=1e-7)
    assert max(gradient.abs().max() for gradient in phi) > 0


def test_a_phi_that_evolves_over_whole_short_runs_fits():
    """Evolution strategies judge phi by where whole runs end, with phi held still in each."""
    torch.manual_seed(0)
    optimizer = LearnedOptimizer(MLPUpdater(hidden=(4,)), steps=1).requires_grad_(False)
    direction = [torch.randn_like(weight) for weight in optimizer.parameters()]

    def judged(length):
        for weight, part in zip(optimizer.parameters(), direction, strict=True):
            weight += length * part
        solution = Regression().solve(optimizer, steps=5, device="cpu", log_every=5)
        for weight, part in zip(optimizer.parameters(), direction, strict=True):
            weight -= length * part
        return solution.history[-1]["objective"]

    slope = (judged(0.1) - judged(-0.1)) / 0.2
    assert slope != 0
    assert judged(0.0) == judged(0.0)


class Spoiled(Regression):
    """The batch of one step holds a NaN."""

    def __init__(self, at, **options):
        super().__init__(**options)
        self.at = at

    def batches(self):
        batches = super().batches()
        batches[self.at][0, 0] = torch.nan
        return batches

    def outer_optimizer(self):
        return torch.optim.Adam(self.outer.parameters(), lr=0.01, fused=True)


def without_waiting(monkeypatch):
    """Runs as on CUDA, where nobody waits for a step's numbers."""
    begin = Iteration.__init__

    def begun(self, *arguments, **options):
        begin(self, *arguments, **options)
        assert all(player.skips for player in self.players)
        self.waits = False
        for player in self.players:
            player.heed(self.health.failed)

    monkeypatch.setattr(Iteration, "__init__", begun)


@pytest.mark.parametrize("play", ["joint", "alternating"])
@pytest.mark.parametrize("waiting", [True, False])
def test_a_step_that_fails_moves_nobody_and_is_noticed(play, waiting, monkeypatch):
    if not waiting:
        if play == "alternating":
            pytest.skip("alternating play always waits")
        without_waiting(monkeypatch)
    good, phi = Spoiled(at=7), learned()
    good.solve(phi, play=play, steps=7, device="cpu")
    task, optimizer = Spoiled(at=7), learned()
    solution = task.solve(optimizer, play=play, device="cpu", log_every=5, on_failure="stop")
    assert (solution.status.name, solution.steps) == ("DIVERGED", 7)
    for module, wanted in ((task.outer, good.outer), (optimizer, phi)):
        for part, was in zip(module.parameters(), wanted.parameters(), strict=True):
            assert torch.equal(part, was)
    assert [row["step"] for row in solution.history] == [5]
    with pytest.raises(NonFiniteError):
        Spoiled(at=7).solve(learned(), play=play, device="cpu", log_every=5)


def test_running_statistics_are_put_back_without_waiting(monkeypatch):
    class Normed(Spoiled):
        def __init__(self, at):
            super().__init__(at)
            self.outer = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))

    ends = []
    for steps in (7, None):
        torch.manual_seed(0)
        task = Normed(at=7)
        if steps is None:
            without_waiting(monkeypatch)
        task.solve(learned(), steps=steps, device="cpu", log_every=4, on_failure="stop")
        ends.append([part.clone() for part in task.outer.buffers()])
    assert all(torch.equal(one, other) for one, other in zip(*ends, strict=True))


def test_what_is_remembered_stays_finite_without_waiting(monkeypatch):
    without_waiting(monkeypatch)
    task = Spoiled(at=2)
    task.solve(PGM(steps=1, step_size=0.05), device="cpu", log_every=4, on_failure="stop")
    assert len(task.problems) == 4
    assert all(leaf.isfinite().all() for problem in task.problems for leaf in leaves(problem.ends[0][0].y))


def test_a_failure_in_phis_half_of_a_round_undoes_thetas(monkeypatch):
    class Halfway(Regression):
        """Phi's number fails at one step, after theta has moved."""

        def losses(self, problem, y):
            loss = problem.objective(y).mean()
            failing = len(self.problems) > 8 and not next(self.outer.parameters()).requires_grad
            return Losses(loss, loss * (torch.nan if failing else 1))

    good, phi = Halfway(), learned()
    good.solve(phi, play="alternating", steps=4, device="cpu")
    task, optimizer = Halfway(), learned()
    solution = task.solve(optimizer, play="alternating", device="cpu", on_failure="stop")
    assert (solution.status.name, solution.steps) == ("DIVERGED", 4)
    for part, was in zip(task.outer.parameters(), good.outer.parameters(), strict=True):
        assert torch.equal(part, was)


@pytest.mark.parametrize("streamed", [True, False])
def test_streaming_adam_heeds_the_flag(streamed):
    torch.manual_seed(0)
    weight = nn.Parameter(torch.randn(3, 4))
    adam = StreamingAdam([weight], lr=0.1)
    weight.grad = OuterProduct(torch.ones(1, 3), torch.ones(1, 4)) if streamed else torch.ones_like(weight)
    adam.step()
    moved, state = weight.clone(), adam.state[weight]["step"].clone()
    adam.found_inf = torch.ones(())
    adam.step()
    assert torch.equal(weight, moved)
    assert adam.state[weight]["step"] == state


def test_a_task_of_plain_training_has_one_player():
    iteration = Iteration(Regression(), GradientAscent(steps=0), Runtime("cpu"))
    assert iteration.phi is None
    assert [player is iteration.theta for player in iteration.players] == [True]
