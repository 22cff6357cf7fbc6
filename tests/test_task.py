"""The outer loop: both players' steps, what they cost, how a run ends, and that resuming changes no bit."""

import itertools
import json
import os
import signal
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
import torch
from folders import files
from torch import Tensor, nn
from torch.optim.lr_scheduler import CosineAnnealingLR, LambdaLR, MultiStepLR

from minimax_l2l import (
    PGM,
    CNNUpdater,
    DamagedRunError,
    GradientAscent,
    InnerProblem,
    LearnedOptimizer,
    LinfBall,
    Losses,
    MLPUpdater,
    NonFiniteError,
    RNNUpdater,
    Simplex,
    Solution,
    Status,
    Task,
)
from tasks.adversarial import AdversarialTraining, ImageData, Images
from tasks.games import LimitCycle


class WorstGroup(InnerProblem):
    """max over w in the simplex of sum_g w_g loss_g(theta)."""

    constraint = Simplex()

    def __init__(self, losses: Tensor) -> None:
        self.losses = losses

    def initial(self) -> Tensor:
        return torch.full_like(self.losses, 1 / self.losses.shape[-1])

    def objective(self, y):
        return (y * self.losses).sum(-1)


class Fair(Task):
    """min over theta of max over groups g of mean (theta . x_g - t_g)^2, on batches drawn from the seed."""

    iterations = 12

    def __init__(self, *, features: int = 3, rate: float = 0.05) -> None:
        torch.manual_seed(7)
        self.outer = nn.Linear(features, 1)
        self.features, self.rate = features, rate

    def batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        generator = torch.Generator().manual_seed(3)
        slopes = torch.randn(2, 4, 1, self.features, generator=generator)
        for _ in range(self.iterations):
            x = torch.randn(2, 4, 8, self.features, generator=generator)
            yield x, (x * slopes).sum(-1)

    def inner_problem(self, batch: tuple[Tensor, Tensor]) -> WorstGroup:
        x, target = batch
        return WorstGroup((self.outer(x).squeeze(-1) - target).square().mean(-1))

    def outer_optimizer(self):
        return torch.optim.SGD(self.outer.parameters(), lr=self.rate)


def learned(*, steps: int = 2, **options) -> LearnedOptimizer:
    """A learned optimizer whose first steps are not zero."""
    torch.manual_seed(11)
    optimizer = LearnedOptimizer(MLPUpdater(), steps=steps, **options)
    nn.init.normal_(optimizer.updater.head.weight)
    return optimizer


def weights(module: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in module.state_dict().items()}


def assert_same(one: dict[str, Tensor], other: dict[str, Tensor]) -> None:
    assert one.keys() == other.keys()
    for name, value in one.items():
        assert torch.equal(value, other[name]), name


class Midpoint(Task):
    """min over theta of max over g of (theta - c_g)^2, c = -1, 0, 3: theta = 1, where two groups are worth 4."""

    def __init__(self, iterations: int) -> None:
        self.iterations = iterations
        self.outer = nn.Linear(1, 1, bias=False)
        nn.init.zeros_(self.outer.weight)

    def batches(self):
        for _ in range(self.iterations):
            yield torch.tensor([[-1.0, 0.0, 3.0]])

    def inner_problem(self, batch):
        return WorstGroup((self.outer(torch.ones(1, 1)) - batch).square())

    def outer_optimizer(self):
        return torch.optim.SGD(self.outer.parameters(), lr=0.1)

    def outer_schedule(self, optimizer):
        return torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.01, total_iters=self.iterations)


class TestPlay:
    @pytest.mark.parametrize("play", ["joint", "alternating"])
    @pytest.mark.parametrize(
        "optimizer",
        [
            pytest.param(lambda: GradientAscent(steps=5, step_size=1.0), id="ascent"),
            pytest.param(lambda: LearnedOptimizer(MLPUpdater(), steps=2, learning_rate=1e-2), id="mlp"),
            pytest.param(lambda: LearnedOptimizer(RNNUpdater(), steps=2, learning_rate=1e-2), id="rnn"),
        ],
    )
    def test_settles_between_the_two_worst_groups(self, optimizer, play):
        solution = Midpoint(100).solve(optimizer(), play=play)
        assert solution.status is Status.COMPLETED
        assert solution.theta.weight.item() == pytest.approx(1.0, abs=0.05)
        assert solution.history[-1]["objective"] == pytest.approx(4.0, abs=0.3)

    def test_joint_play_takes_both_gradients_at_the_same_theta(self):
        task, optimizer = Fair(), learned(guided=False, weight_decay=0.0, learning_rate=1e-2)
        theta, phi = weights(task.outer), weights(optimizer)
        batch = next(iter(task.batches()))
        problem = task.inner_problem(batch)
        value = problem.objective(optimizer.maximize(problem).y).mean()
        down = torch.autograd.grad(value, list(task.outer.parameters()), retain_graph=True)
        up = torch.autograd.grad(value, list(optimizer.parameters()))
        task.solve(optimizer, steps=1)
        for (name, before), slope in zip(theta.items(), down, strict=True):
            torch.testing.assert_close(task.outer.state_dict()[name], before - 0.05 * slope)
        for (name, before), slope in zip(phi.items(), up, strict=True):  # Adam's first step is a sign step
            wanted = before + 1e-2 * slope / (slope.abs() + 1e-8)
            torch.testing.assert_close(optimizer.state_dict()[name], wanted)

    def test_alternating_play_moves_phi_at_the_new_theta(self):
        task, optimizer = Fair(rate=0.5), learned(guided=False, weight_decay=0.0, learning_rate=1e-2)
        theta, phi = weights(task.outer), weights(optimizer)
        batch = next(iter(task.batches()))
        problem = task.inner_problem(batch)
        value = problem.objective(optimizer.maximize(problem).y).mean()
        down = torch.autograd.grad(value, list(task.outer.parameters()))
        task.solve(optimizer, steps=1, play="alternating")
        for (name, before), slope in zip(theta.items(), down, strict=True):
            torch.testing.assert_close(task.outer.state_dict()[name], before - 0.5 * slope)
        again = learned(guided=False)
        again.load_state_dict(phi)
        problem = task.inner_problem(batch)  # at the theta that has moved
        up = torch.autograd.grad(problem.objective(again.maximize(problem).y).mean(), list(again.parameters()))
        for (name, before), slope in zip(phi.items(), up, strict=True):
            wanted = before + 1e-2 * slope / (slope.abs() + 1e-8)
            torch.testing.assert_close(optimizer.state_dict()[name], wanted)

    def test_theta_moves_the_same_way_in_both_plays_at_the_first_step(self):
        thetas = []
        for play in ("joint", "alternating"):
            task = Fair()
            task.solve(learned(), steps=1, play=play)
            thetas.append(weights(task.outer))
        assert_same(*thetas)

    @pytest.mark.parametrize(
        ("play", "optimizer", "passes"),
        [
            ("joint", lambda: PGM(steps=10, step_size=0.1), (11, 11, 1)),
            ("alternating", lambda: PGM(steps=10, step_size=0.1), (11, 11, 1)),
            ("joint", lambda: GradientAscent(steps=0), (1, 1, 1)),
            ("joint", lambda: learned(steps=2), (3, 3, 1)),
            ("alternating", lambda: learned(steps=2), (6, 6, 1)),
        ],
    )
    def test_passes_of_one_step(self, play, optimizer, passes):
        solution = Fair().solve(optimizer(), play=play, steps=1)
        assert tuple(vars(solution.passes).values()) == passes

    def test_phi_learns_and_hand_designed_optimizers_have_nothing_to_learn(self):
        optimizer = learned()
        before = weights(optimizer)
        Fair().solve(optimizer, steps=1)
        assert all(not torch.equal(value, before[name]) for name, value in optimizer.state_dict().items())
        assert not list(Fair().solve(PGM(steps=1, step_size=0.1), steps=1).phi.parameters())

    @pytest.mark.parametrize("play", ["joint", "alternating"])
    def test_phis_gradient_is_clipped_where_that_is_asked_for(self, play):
        norms = []
        for limit in (None, 1e-3):
            optimizer = learned(clip_norm=limit)
            Fair().solve(optimizer, steps=1, play=play)
            norms.append(nn.utils.get_total_norm([weight.grad for weight in optimizer.parameters()]).item())
        assert norms[0] > 1e-2
        assert norms[1] == pytest.approx(1e-3, rel=1e-3)


class Ridge(Fair):
    """Theta descends the worst group's loss and its own size; phi ascends the loss alone."""

    def losses(self, problem, y):
        loss = problem.objective(y).mean()
        return Losses(loss + 10 * self.outer.weight.square().sum(), loss)


class BestGroup(WorstGroup):
    """Phi ascends the opposite of the objective."""

    def meta_objective(self, y):
        return -self.objective(y)


class Contrary(Fair):
    def inner_problem(self, batch):
        return BestGroup(super().inner_problem(batch).losses)


class TestDifferentNumbers:
    def test_the_outer_number_moves_theta_and_leaves_phi_to_its_own(self):
        plain, ridge = Fair(), Ridge()
        phis = []
        for task in (plain, ridge):
            optimizer = learned()
            task.solve(optimizer, steps=1)
            phis.append(weights(optimizer))
        assert_same(*phis)
        shift = plain.outer.weight - ridge.outer.weight
        torch.testing.assert_close(shift, 0.05 * 20 * Ridge().outer.weight)

    def test_two_backwards_are_counted(self):
        solution = Ridge().solve(learned(steps=2), steps=1)
        assert solution.passes.input_gradient == 2 + 2
        assert solution.passes.weight_gradient == 1

    @pytest.mark.parametrize("play", ["joint", "alternating"])
    @pytest.mark.parametrize("task", [Fair, Ridge, Contrary])
    def test_every_evaluation_of_the_objective_is_counted(self, task, play, monkeypatch):
        calls = []
        compute = WorstGroup.objective
        monkeypatch.setattr(WorstGroup, "objective", lambda self, y: calls.append(1) or compute(self, y))
        solution = task().solve(learned(steps=2), steps=3, play=play)
        assert solution.passes.forward == len(calls)

    def test_meta_objective_moves_phi_and_leaves_theta_to_the_objective(self):
        thetas, slopes = [], []
        for task in (Fair(), Contrary()):
            optimizer = learned()
            task.solve(optimizer, steps=1)
            thetas.append(weights(task.outer))
            slopes.append([parameter.grad for parameter in optimizer.parameters()])
        assert_same(*thetas)
        for up, down in zip(*slopes, strict=True):
            torch.testing.assert_close(up, -down)

    @pytest.mark.parametrize("play", ["joint", "alternating"])
    def test_running_statistics_move_once_a_step(self, play):
        class Scaled(AdversarialTraining):
            def losses(self, problem, y):
                loss = problem.objective(y).mean()
                return Losses(2 * loss, loss)

        for kind in (AdversarialTraining, Scaled):
            task = kind(Network(), pictures(), LinfBall(0.1), epochs=2, batch_size=16)
            task.solve(attacker(), play=play, steps=3)
            assert task.classifier[1].num_batches_tracked.item() == 3

    def test_gradients_of_theta_and_phi_do_not_depend_on_whether_the_two_numbers_are_told_apart(self):
        class Same(Fair):
            def losses(self, problem, y):
                loss = super().losses(problem, y).outer
                return Losses(loss, loss)

        results = []
        for task in (Fair(), Same()):
            optimizer = learned()
            task.solve(optimizer, steps=4)
            results.append(weights(task.outer) | weights(optimizer))
        assert results[0].keys() == results[1].keys()
        for name, value in results[0].items():
            torch.testing.assert_close(value, results[1][name])


class Spinning(LimitCycle):
    """A task without theta that says what it saw after each step."""

    def __init__(self) -> None:
        super().__init__(iterations=2, games=3)
        self.seen = []

    def move_theta(self, problem, end):
        self.seen.append((problem, end.y))
        return {"games": float(len(end.y[0]))}


class TestWithoutTheta:
    def test_phi_alone_learns(self):
        optimizer = LimitCycle.learned_optimizer(steps=16)
        before = weights(optimizer)
        solution = LimitCycle(iterations=1, games=3).solve(optimizer)
        assert solution.theta is None
        assert not torch.equal(optimizer.updater.head.weight, before["updater.head.weight"])

    def test_descend_is_handed_the_last_iterate_and_adds_to_the_row(self):
        task = Spinning()
        solution = task.solve(LimitCycle.learned_optimizer(steps=16), log_every=1)
        assert [row["games"] for row in solution.history] == [3.0, 3.0]
        problem, (x, y) = task.seen[-1]
        assert x.shape == y.shape == (3, 1)
        assert not x.requires_grad
        assert problem.signs == (-1.0, 1.0)

    def test_a_step_with_nothing_to_learn_only_looks_at_the_objective(self):
        solution = LimitCycle(iterations=2, games=3).solve(GradientAscent(steps=1, step_size=0.1))
        assert vars(solution.passes) == {"forward": 4, "input_gradient": 2, "weight_gradient": 0}


class TestEnds:
    def test_all_batches(self):
        solution = Fair().solve(PGM(steps=1, step_size=0.1))
        assert (solution.status, solution.steps) == (Status.COMPLETED, 12)
        assert not solution.theta.training
        assert not solution.phi.training

    @pytest.mark.parametrize("steps", [0, 5])
    def test_steps(self, steps):
        task = Fair()
        before = weights(task.outer)
        solution = task.solve(learned(), steps=steps)
        assert (solution.status, solution.steps) == (Status.STOPPED, steps)
        assert torch.equal(task.outer.weight, before["weight"]) == (steps == 0)

    def test_steps_beyond_the_last_batch(self):
        assert Fair().solve(PGM(steps=1, step_size=0.1), steps=100).status is Status.COMPLETED

    def test_status_is_a_sentence(self):
        assert str(Status.INTERRUPTED) == "The run was interrupted; resume it to go on."
        assert all(str(status).endswith(".") for status in Status)


class Network(nn.Sequential):
    """A classifier with all that has a state of its own: BatchNorm's statistics, dropout's random numbers."""

    def __init__(self) -> None:
        torch.manual_seed(5)
        super().__init__(
            nn.Conv2d(1, 4, 3, padding=1),
            nn.BatchNorm2d(4),
            nn.SiLU(),
            nn.Dropout(0.3),
            nn.Flatten(),
            nn.Linear(4 * 36, 4),
        )


def pictures() -> ImageData:
    generator = torch.Generator().manual_seed(2)
    parts = [
        Images(torch.rand(count, 1, 6, 6, generator=generator), torch.arange(count) % 4) for count in (64, 12, 12)
    ]
    return ImageData("noise", *parts, classes=4, sha256="")


def attacker(updater: str = "light", **options) -> LearnedOptimizer:
    torch.manual_seed(6)
    make = CNNUpdater.light if updater == "light" else CNNUpdater.slim
    return LearnedOptimizer(make(channels=1, width=8), **{"steps": 2, "random_start": 0.5, **options})


class Spoiled(AdversarialTraining):
    """The fourth batch holds a NaN."""

    def batches(self):
        for batch in super().batches():
            yield batch._replace(images=batch.images * torch.nan) if batch.step == 3 else batch


def spoiled() -> Spoiled:
    return Spoiled(Network(), pictures(), LinfBall(0.1), epochs=3, batch_size=16)


class TestNonFinite:
    @pytest.mark.parametrize("play", ["joint", "alternating"])
    @pytest.mark.parametrize("updater", ["light", "slim"])
    def test_stop_leaves_both_players_as_the_last_good_step_left_them(self, play, updater, tmp_path):
        task, optimizer = spoiled(), attacker(updater)
        torch.manual_seed(0)
        solution = task.solve(optimizer, play=play, on_failure="stop", out=tmp_path)
        assert (solution.status, solution.steps) == (Status.DIVERGED, 3)
        good, phi = spoiled(), attacker(updater)
        torch.manual_seed(0)
        good.solve(phi, play=play, steps=3)
        assert_same(weights(task.outer), weights(good.outer))  # BatchNorm's running statistics included
        assert_same(weights(optimizer), weights(phi))
        assert json.loads((tmp_path / "solution.json").read_text())["status"] == "diverged"

    def test_raise(self):
        with pytest.raises(NonFiniteError, match="became NaN or infinite, so neither player has a step to take"):
            spoiled().solve(attacker())

    def test_an_infinite_gradient_of_a_finite_objective(self):
        class Rooted(Fair):
            def losses(self, problem, y):
                return Losses(problem.objective(y).mean() + (0 * self.outer.weight).sum().sqrt())

        task = Rooted()
        before = weights(task.outer)
        with pytest.raises(NonFiniteError, match="became NaN or infinite"):
            task.solve(PGM(steps=1, step_size=0.1))
        assert_same(weights(task.outer), before)

    @pytest.mark.parametrize("play", ["joint", "alternating"])
    def test_what_phi_ascends_counts_too(self, play):
        class Logarithmic(WorstGroup):
            def meta_objective(self, y):
                return (0 * self.objective(y)).log()

        class Pathological(Fair):
            def inner_problem(self, batch):
                return Logarithmic(super().inner_problem(batch).losses)

        optimizer = learned()
        before = weights(optimizer)
        with pytest.raises(NonFiniteError, match="neither player has a step to take"):
            Pathological().solve(optimizer, play=play)
        assert_same(weights(optimizer), before)


class Graded(Fair):
    def validate(self, optimizer):
        return {"size": self.outer.weight.norm().item(), "inner_steps": float(optimizer.steps)}


class TestRecords:
    def test_history_holds_every_log_step_and_every_validation(self, tmp_path):
        solution = Graded().solve(learned(), log_every=5, validate_every=4, out=tmp_path)
        assert [row["step"] for row in solution.history] == [4, 5, 8, 10, 12]
        assert ["size" in row for row in solution.history] == [True, False, True, False, True]
        lines = (tmp_path / "metrics.jsonl").read_text().splitlines()
        assert [json.loads(line) for line in lines] == solution.history

    def test_no_validation_unless_asked(self):
        assert all("size" not in row for row in Graded().solve(learned(), log_every=1).history)

    def test_seconds_only_grow_and_leave_validation_out(self, monkeypatch):
        class Slow(Fair):
            def validate(self, optimizer):
                for _ in range(1000):
                    next(clock)
                return {}

        clock = itertools.count()
        monkeypatch.setattr("minimax_l2l.training.run.time.perf_counter", lambda: float(next(clock)))
        solution = Slow().solve(learned(), log_every=1, validate_every=1)
        assert [row["seconds"] for row in solution.history] == [float(step) for step in range(1, 13)]

    def test_callbacks_see_every_step(self):
        rows = []
        Fair().solve(learned(), callbacks=[rows.append], log_every=100)
        assert [row["step"] for row in rows] == list(range(1, 13))
        assert all({"step", "seconds", "objective"} <= row.keys() for row in rows)

    @pytest.mark.parametrize("watch", [lambda: None, lambda row, more: None, lambda *, row: None])
    def test_a_callback_that_takes_something_else_is_refused_before_anything_is_written(self, watch, tmp_path):
        with pytest.raises(TypeError, match=r"each of callbacks is called as <lambda>\(row\), which it cannot be"):
            Fair().solve(learned(), callbacks=[watch], out=tmp_path / "run")
        assert not (tmp_path / "run").exists()

    @pytest.mark.parametrize("out", ["/proc/x", "/dev/null/x", "x" * 300, "a\0b"])
    def test_a_folder_that_cannot_be_written_to(self, out):
        with pytest.raises(ValueError, match=r"cannot be written to|is a file and no folder"):
            Fair().solve(learned(), out=out)

    def test_a_callback_that_is_a_context_is_left_however_the_run_ends(self):
        class Watch:
            events: tuple[str, ...] = ()

            def __enter__(self):
                self.events += ("entered",)
                return self

            def __exit__(self, *_):
                self.events += ("left",)

            def __call__(self, row):
                self.events += (str(row["step"]),)

        watch = Watch()
        with pytest.raises(NonFiniteError):
            spoiled().solve(attacker(), callbacks=[watch])
        assert watch.events == ("entered", "1", "2", "3", "left")

    def test_a_callback_that_cannot_be_entered_leaves_ctrl_c_as_it_was(self):
        class Broken:
            def __enter__(self):
                raise OSError("no room")

            def __exit__(self, *_):
                pass

            def __call__(self, row):
                pass

        before = signal.getsignal(signal.SIGINT)
        with pytest.raises(OSError, match="no room"):
            Fair().solve(learned(), callbacks=[Broken()])
        assert signal.getsignal(signal.SIGINT) is before

    def test_the_objective_is_the_one_before_the_step(self):
        task, optimizer = Fair(), learned()
        problem = task.inner_problem(next(iter(task.batches())))
        value = problem.objective(optimizer.maximize(problem).y).mean().item()
        assert task.solve(optimizer, steps=1, log_every=1).history[0]["objective"] == value

    def test_a_progress_bar_may_be_shown(self, capsys):
        Fair().solve(learned(), steps=2, progress="fair [/regression]")
        assert capsys.readouterr().out == ""


class TestOptions:
    @pytest.mark.parametrize(
        ("options", "sentence"),
        [
            ({"play": "simultaneous"}, "there is no play 'simultaneous'"),
            ({"on_failure": "ignore"}, "there is no on_failure 'ignore'"),
            ({"precision": "64-true"}, "there is no precision '64-true'"),
            ({"steps": -1}, "steps must be at least 0, got -1"),
            ({"log_every": 0}, "log_every must be at least 1, got 0"),
            ({"validate_every": -1}, "validate_every must be at least 0, got -1"),
            ({"checkpoint_every": 0}, "checkpoint_every must be at least 1, got 0"),
            ({"resume": True}, "resume=True needs the folder to resume"),
            ({"device": "tpu"}, "there is no device 'tpu'; choose auto, cpu, cuda or cuda:N"),
        ],
    )
    def test_values_that_make_no_sense(self, options, sentence):
        with pytest.raises(ValueError, match=sentence):
            Fair().solve(PGM(steps=1, step_size=0.1), **options)

    @pytest.mark.parametrize("name", ["steps", "log_every", "validate_every", "checkpoint_every"])
    def test_counts_are_integers(self, name):
        with pytest.raises(TypeError, match=f"{name} must be an integer, got float 1.5"):
            Fair().solve(PGM(steps=1, step_size=0.1), **{name: 1.5})

    @pytest.mark.parametrize(
        ("optimizer", "advice"),
        [
            (PGM, r"got the class PGM; pass an object of it, made by PGM\(\.\.\.\)\.$"),
            (LearnedOptimizer, r"made by LearnedOptimizer\(\.\.\.\)\.$"),
            (None, r"got NoneType; pass PGM\(steps=10, step_size=0\.01\), say"),
            (MLPUpdater(), r"got MLPUpdater; pass LearnedOptimizer\(MLPUpdater\(\.\.\.\), steps=2\)"),
            (
                SimpleNamespace(optimizer=PGM(steps=1, step_size=0.1)),
                r"; pass the one that it has, .*\.optimizer\.$",
            ),
            (Solution(None, PGM(steps=1, step_size=0.1)), r"; pass the one that it has, solution\.phi\.$"),
            (torch.optim.SGD([torch.ones(1)]), r"torch's SGD moves weights; pass minimax_l2l\.Adam"),
            ("runs/attacker", r"pass LearnedOptimizer\.from_pretrained\('runs/attacker'\) if it was saved there"),
        ],
    )
    def test_what_is_no_inner_optimizer(self, optimizer, advice):
        with pytest.raises(TypeError, match=rf"^optimizer must be an inner optimizer, such as PGM.*{advice}"):
            Fair().solve(optimizer)

    @pytest.mark.parametrize("optimizer", [PGM(steps=1, step_size=0.1), LearnedOptimizer(MLPUpdater())])
    def test_a_batch_without_instances(self, optimizer):
        empty = Fair()
        empty.inner_problem = lambda batch: Fair.inner_problem(empty, tuple(part[:0] for part in batch))
        with pytest.raises(ValueError, match=r"y holds no instance, got shapes \[\(0, .*leave out batches without"):
            empty.solve(optimizer, device="cpu")

    @pytest.mark.parametrize(
        ("loss", "sentence"),
        [
            (lambda problem, y: Losses(problem.objective(y)), r"one number for outer, got \(2,\); take the mean"),
            (lambda problem, y: Losses(problem.objective(y).mean(), 1.0), "one number for meta, got float"),
            (lambda problem, y: Losses(None), "returned neither player's number"),
            (
                lambda problem, y: Losses(problem.objective(y).mean() + 0j),
                r"losses\(problem, y\) for outer must return real numbers, got torch.complex64",
            ),
        ],
    )
    def test_losses_that_are_no_numbers(self, loss, sentence):
        class Wrong(Fair):
            def losses(self, problem, y):
                return loss(problem, y)

        with pytest.raises((TypeError, ValueError), match=sentence):
            Wrong().solve(PGM(steps=1, step_size=0.1))

    def test_a_device_that_is_not_there_leaves_no_folder(self, tmp_path):
        with pytest.raises(ValueError, match="there is no device"):
            Fair().solve(PGM(steps=1, step_size=0.1), device="tpu", out=tmp_path / "run")
        assert not (tmp_path / "run").exists()

    def test_nothing_is_written_without_a_folder(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        Fair().solve(learned())
        assert not list(tmp_path.iterdir())

    def test_bfloat16_forward_passes(self):
        seen = []

        class Watched(Fair):
            def inner_problem(self, batch):
                problem = super().inner_problem(batch)
                seen.append(self.outer(batch[0]).dtype)
                return problem

        task = Watched()
        task.solve(learned(), precision="bf16-mixed", steps=1)
        assert seen == [torch.bfloat16]
        assert task.outer.weight.dtype == torch.float32


class Killed(Exception):
    """The power fails."""


def interrupt_at(step: int):
    """A callback that presses Ctrl-C."""
    return lambda row: os.kill(os.getpid(), signal.SIGINT) if row["step"] == step else None


def kill_at(step: int):
    """A callback that ends a run without giving it a chance to write anything."""

    def kill(row):
        if row["step"] == step:
            raise Killed

    return kill


class TestInterruption:
    def test_ctrl_c_ends_the_run_after_the_present_step(self, tmp_path):
        before = signal.getsignal(signal.SIGINT)
        solution = Fair().solve(learned(), out=tmp_path, callbacks=[interrupt_at(4)])
        assert (solution.status, solution.steps) == (Status.INTERRUPTED, 4)
        assert {path.name for path in tmp_path.iterdir()} == {
            "checkpoint",
            "checksums.json",
            "config.json",
            "metrics.jsonl",
            "model",
            "optimizer",
            "solution.json",
        }
        assert json.loads((tmp_path / "solution.json").read_text())["status"] == "interrupted"
        assert signal.getsignal(signal.SIGINT) is before

    def test_a_second_one_ends_it_at_once(self):
        def twice(row):
            if row["step"] == 3:
                os.kill(os.getpid(), signal.SIGINT)
                os.kill(os.getpid(), signal.SIGINT)

        before = signal.getsignal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            Fair().solve(learned(), callbacks=[twice])
        assert signal.getsignal(signal.SIGINT) is before


class Scheduled(Fair):
    def outer_optimizer(self):
        return torch.optim.Adam(self.outer.parameters(), lr=0.05)

    def outer_schedule(self, optimizer):
        return MultiStepLR(optimizer, [3, 8], gamma=0.3)

    def meta_schedule(self, optimizer):
        return CosineAnnealingLR(optimizer, 12)


class Walking(Fair):
    """Keeps a state of its own: where the last iterate was, from which the next problem starts."""

    def __init__(self) -> None:
        super().__init__()
        self.last = torch.full((2, 4), 0.25)

    def inner_problem(self, batch):
        task = self

        class Remembering(WorstGroup):
            def initial(self):
                return task.last

            def remember(self, end, gradient):
                task.last = end.y

        return Remembering(super().inner_problem(batch).losses)

    def state_dict(self):
        return {"last": self.last}

    def load_state_dict(self, state):
        self.last = state["last"]


def adversarial(**options) -> AdversarialTraining:
    options = {"epochs": 3, "batch_size": 16, "query_mode": "train", **options}
    return AdversarialTraining(Network(), pictures(), LinfBall(0.1), **options)


def recurrent() -> LearnedOptimizer:
    torch.manual_seed(4)
    return LearnedOptimizer(RNNUpdater(hidden=4, gain=0.5), steps=3, clip_norm=0.1)


@pytest.mark.parametrize("play", ["joint", "alternating"])
@pytest.mark.parametrize("optimizer", [learned, lambda: PGM(steps=2, step_size=0.1, random_start=0.0)])
def test_the_last_iterate_is_remembered_and_the_next_problem_starts_there(optimizer, play):
    starts, ends = [], []

    class Watched(Walking):
        def inner_problem(self, batch):
            starts.append(self.last)
            return super().inner_problem(batch)

        def move_theta(self, problem, end):
            ends.append(end.y)
            return {}

    Watched().solve(optimizer(), play=play, steps=3)
    firsts = starts[:: len(starts) // 3]  # alternating play of a learned optimizer poses each problem twice
    assert all(torch.equal(start, end) for start, end in zip(firsts[1:], ends, strict=False))
    assert len({tuple(end.flatten().tolist()) for end in ends}) == 3
    assert not any(end.requires_grad for end in ends)


GAMES = [
    pytest.param(Fair, learned, "joint", id="joint"),
    pytest.param(Fair, learned, "alternating", id="alternating"),
    pytest.param(Fair, lambda: PGM(steps=2, step_size=0.1), "joint", id="hand-designed"),
    pytest.param(Scheduled, learned, "joint", id="schedules"),
    pytest.param(Fair, recurrent, "joint", id="rnn"),
    pytest.param(Walking, learned, "joint", id="task with a state"),
    pytest.param(Ridge, learned, "joint", id="outer loss"),
    pytest.param(adversarial, attacker, "joint", id="dropout and BatchNorm"),
    pytest.param(lambda: adversarial(query_mode="eval"), attacker, "alternating", id="adversarial, alternating"),
    pytest.param(
        lambda: adversarial(remembers=True),
        lambda: attacker(random_start=0.0),
        "joint",
        id="remembered starts",
    ),
    pytest.param(
        lambda: adversarial(remembers=True),
        lambda: PGM(steps=2, step_size=0.05, random_start=0.0),
        "joint",
        id="remembered PGM",
    ),
    pytest.param(adversarial, lambda: attacker("slim"), "joint", id="BatchNorm in the attacker"),
    pytest.param(
        lambda: LimitCycle(iterations=12, games=3),
        lambda: LimitCycle.learned_optimizer(steps=16),
        "joint",
        id="game",
    ),
]


def contents(folder) -> dict[str, object]:
    """Everything in a run's folder except seconds, comparable bit for bit."""
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    solution = json.loads((folder / "solution.json").read_text())
    for row in (*rows, solution):
        del row["seconds"]
    del solution["validation_seconds"]
    weights = {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.glob("*/*.safetensors"))}
    state = torch.load(folder / "checkpoint" / "state.pt", weights_only=True)
    del state["seconds"], state["validation_seconds"], state["metrics"]  # the rows' checksum, seconds included
    return {"rows": rows, "solution": solution, "weights": weights, "checkpoint": flat(state)}


def flat(state: object, path: str = "") -> dict[str, object]:
    if isinstance(state, dict):
        return {key: value for name, part in state.items() for key, value in flat(part, f"{path}/{name}").items()}
    if isinstance(state, list | tuple):
        return flat(dict(enumerate(state)), path)
    return {path: (state.dtype, tuple(state.shape), state.tolist()) if isinstance(state, Tensor) else state}


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"out": ""}, "out='' names no folder"),
        ({"out": "  "}, "out='' names no folder"),
        ({"overwrite": True}, "overwrite=True needs the folder to overwrite"),
    ],
)
def test_a_folder_that_is_none_is_told(options, match):
    task, optimizer, _ = GAMES[0].values
    with pytest.raises(ValueError, match=match):
        task().solve(optimizer(), device="cpu", **options)


class TestResuming:
    @pytest.mark.parametrize(("task", "optimizer", "play"), GAMES)
    def test_changes_no_bit(self, task, optimizer, play, tmp_path):
        validates = type(task()).validate is not Task.validate
        options = {"play": play, "log_every": 2, "validate_every": 5 * validates, "checkpoint_every": 4}

        def run(name: str, *, fresh: int, **more):
            game, inner = task(), optimizer()
            torch.manual_seed(fresh)
            return game.solve(inner, out=tmp_path / name, **options, **more)

        straight = run("straight", fresh=0)
        assert straight.status is Status.COMPLETED
        assert run("interrupted", fresh=0, callbacks=[interrupt_at(5)]).status is Status.INTERRUPTED
        resumed = run("interrupted", fresh=1, resume=True)
        with pytest.raises(Killed):  # steps 5 to 7, after the checkpoint, are lost and played again
            run("killed", fresh=0, callbacks=[kill_at(7)])
        assert len((tmp_path / "killed" / "metrics.jsonl").read_text().splitlines()) == 3 + validates
        again = run("killed", fresh=2, resume=True, callbacks=[kill_at(3)])
        wanted = contents(tmp_path / "straight")
        for name, solution in (("interrupted", resumed), ("killed", again)):
            assert contents(tmp_path / name) == wanted
            assert (solution.steps, solution.status) == (12, Status.COMPLETED)
            assert solution.passes == straight.passes
            assert_same(weights(solution.phi), weights(straight.phi))
            logged = [row["step"] for row in solution.history]
            assert logged == [2, 4, 5, 6, 8, 10, 12] if validates else [2, 4, 6, 8, 10, 12]

    def test_steps_count_from_the_first(self, tmp_path):
        Fair().solve(learned(), out=tmp_path, steps=5)
        solution = Fair().solve(learned(), out=tmp_path, steps=8, resume=True)
        assert (solution.steps, solution.status) == (8, Status.STOPPED)

    def test_a_finished_run_stays_as_it_is(self, tmp_path):
        Fair().solve(learned(), out=tmp_path)
        before = contents(tmp_path)
        solution = Fair().solve(learned(), out=tmp_path, resume=True)
        assert (solution.steps, solution.status) == (12, Status.COMPLETED)
        assert contents(tmp_path) == before

    def test_seconds_go_on(self, tmp_path, monkeypatch):
        clock = itertools.count()
        monkeypatch.setattr("minimax_l2l.training.run.time.perf_counter", lambda: float(next(clock)))
        assert Fair().solve(learned(), out=tmp_path, steps=5).seconds == 5
        assert Fair().solve(learned(), out=tmp_path, resume=True).seconds == 12

    @pytest.mark.parametrize("there", [None, "empty", "others"])
    def test_nothing_to_resume(self, there, tmp_path):
        folder = tmp_path / "run"
        if there is not None:
            folder.mkdir()
        if there == "others":
            (folder / "notes.txt").write_text("precious")
        before = files(tmp_path)
        with pytest.raises(
            ValueError, match=r"there is no run to resume in .*run; start one with resume=False"
        ) as error:
            Fair().solve(learned(), out=folder, resume=True)
        assert not isinstance(error.value, DamagedRunError)
        assert files(tmp_path) == before
        assert Fair().solve(learned(), out=folder, resume=False).status is Status.COMPLETED

    @pytest.mark.parametrize("lost", ["config.json", "checksums.json"])
    def test_a_run_that_lost_a_file_is_damaged(self, lost, tmp_path):
        Fair().solve(learned(), out=tmp_path, steps=5)
        (tmp_path / lost).unlink()
        with pytest.raises(DamagedRunError, match=rf"holds no {lost}"):
            Fair().solve(learned(), out=tmp_path, resume=True)

    @pytest.mark.parametrize(
        ("task", "optimizer"),
        [
            pytest.param(Fair, lambda: LearnedOptimizer(MLPUpdater(hidden=(4,))), id="another phi"),
            pytest.param(Fair, lambda: PGM(steps=1, step_size=0.1), id="no phi"),
            pytest.param(lambda: Fair(features=2), learned, id="another theta"),
            pytest.param(Scheduled, learned, id="another schedule"),
            pytest.param(Walking, learned, id="another state"),
            pytest.param(lambda: LimitCycle(iterations=2), learned, id="no theta"),
        ],
    )
    def test_a_checkpoint_of_another_run_is_refused(self, task, optimizer, tmp_path):
        Fair().solve(learned(), out=tmp_path, steps=2)
        before = contents(tmp_path)
        with pytest.raises(ValueError, match=r"was run with (task|optimizer)\.\w+=.*, not .*; resume it with"):
            task().solve(optimizer(), out=tmp_path, resume=True)
        assert contents(tmp_path) == before

    def test_a_run_that_replaces_another_never_resumes_the_other(self, tmp_path):
        Fair().solve(learned(), out=tmp_path, log_every=100)
        with pytest.raises(Killed):
            Fair(rate=0.01).solve(learned(), out=tmp_path, log_every=100, callbacks=[kill_at(2)], overwrite=True)
        with pytest.raises(DamagedRunError, match="holds no checkpoint to resume"):
            Fair(rate=0.01).solve(learned(), out=tmp_path, log_every=100, resume=True)


class TestSchedules:
    @pytest.mark.parametrize("method", ["outer_schedule", "meta_schedule"])
    @pytest.mark.parametrize(
        "schedule", [torch.optim.lr_scheduler.ReduceLROnPlateau, lambda optimizer: "cosine", lambda optimizer: 3]
    )
    def test_one_that_the_loop_cannot_drive_is_refused_at_once(self, method, schedule, monkeypatch, tmp_path):
        monkeypatch.setattr(Fair, method, lambda self, optimizer: schedule(optimizer))
        with pytest.raises(ValueError, match=r"without being told a number, which \w+ cannot do"):
            Fair().solve(learned(), out=tmp_path / "run")
        assert not (tmp_path / "run").exists()

    @pytest.mark.parametrize("method", ["outer_schedule", "meta_schedule"])
    @pytest.mark.parametrize("factor", [lambda step: -1.0, lambda step: 1.0 - step])
    def test_one_that_makes_the_rate_negative_is_refused(self, method, factor, monkeypatch):
        monkeypatch.setattr(Fair, method, lambda self, optimizer: LambdaLR(optimizer, factor))
        with pytest.raises(ValueError, match=r"a LambdaLR, has made it -.*, so the player would go the wrong way"):
            Fair().solve(learned())


class TestNoBatches:
    def test_is_said(self, monkeypatch, tmp_path):
        monkeypatch.setattr(Fair, "batches", lambda self: [])
        with pytest.warns(
            UserWarning, match="the run took 0 steps, so nothing was trained. There was no batch"
        ) as said:
            solution = Fair().solve(learned(), out=tmp_path)
        assert [warning.filename for warning in said] == [__file__]
        assert (solution.status, solution.steps) == (Status.EMPTY, 0)
        assert json.loads((tmp_path / "solution.json").read_text())["status"] == "empty"

    def test_where_none_was_asked_for(self, monkeypatch):
        monkeypatch.setattr(Fair, "batches", lambda self: [])
        monkeypatch.setattr(Fair, "iterations", 0)
        with pytest.warns(UserWarning, match=r"nothing was trained\. It was asked for none; pass epochs=1, say\.$"):
            assert "none was asked for" in Fair().solve(learned()).status

    @pytest.mark.parametrize(
        "iterated",
        [iter, reversed, lambda batches: map(tuple, batches), lambda batches: (batch for batch in batches)],
        ids=["iterator", "reversed", "map", "generator"],
    )
    def test_of_an_iterator_that_is_used_up(self, iterated, monkeypatch):
        game = Fair()
        once = iterated(list(game.batches()))
        monkeypatch.setattr(Fair, "batches", lambda self: once)
        assert game.solve(learned()).status is Status.COMPLETED
        with pytest.warns(UserWarning, match="the run took 0 steps"):
            assert "used up" in game.solve(learned()).status
