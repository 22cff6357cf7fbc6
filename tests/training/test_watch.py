"""An inner optimizer that makes y worse, or drives it to infinity, is noticed and said, once."""

import json
import math
import re
import warnings

import pytest
import torch
from specimens import Linear, Quadratic
from torch import Tensor, nn

from minimax_l2l import (
    PGM,
    Adam,
    Box,
    ExtraGradient,
    Free,
    GradientAscent,
    InnerOptimizer,
    InnerProblem,
    L2Ball,
    LearnedOptimizer,
    LinfBall,
    MLPUpdater,
    Product,
    RNNUpdater,
    Task,
)
from minimax_l2l.training.watch import Watch


class Backwards(InnerOptimizer):
    """Takes the gradient's step the wrong way."""

    def step(self, oracle, y, state):
        return y - 0.5 * oracle.gradient(y), state


class Living(Linear):
    """A y that lives on from batch to batch."""

    lives_on = True

    def __init__(self, keep, slope):
        super().__init__(torch.full((1, 1), slope), start=keep["y"])
        self.keep = keep

    def remember(self, end, gradient):
        self.keep["y"] = end.y


class Play(Task):
    def __init__(self, problem=None, *, slope=1.0, iterations=100):
        self.keep, self.slope, self.problem, self.iterations = {"y": torch.ones(1, 1)}, slope, problem, iterations

    def batches(self):
        return range(self.iterations)

    def inner_problem(self, batch):
        return self.problem() if self.problem is not None else Living(self.keep, self.slope)


def quadratic():
    return Quadratic(torch.ones(2, 2), torch.tensor([1.0, 2.0]))


class Leaving(InnerOptimizer):
    """Steps along the gradient and never projects."""

    def step(self, oracle, y, state):
        return y + 0.5 * oracle.gradient(y), state


class Enclosed(Linear):
    def __init__(self, constraint):
        super().__init__(torch.ones(2, 3))
        self.constraint = constraint


SETS = (LinfBall(0.4), L2Ball(0.5), Box(-0.1, 0.2), LinfBall(0.45) & L2Ball(2.0))


@pytest.mark.parametrize("constraint", SETS)
def test_an_optimizer_that_leaves_the_set_is_told_once(constraint):
    task = Play(lambda: Enclosed(constraint), iterations=30)
    with pytest.warns(UserWarning, match=r"leaves the feasible set, by .*constraint\.project\(y\)") as warned:
        solution = task.solve(Leaving(steps=1), device="cpu")
    assert len(warned) == 1
    outside = constraint.violation(torch.full((1, 3), 0.5)).item()
    assert solution.history[0]["inner_violation"] == pytest.approx(outside)


@pytest.mark.parametrize("constraint", SETS)
def test_rounding_does_not_leave_the_set(constraint):
    Play(lambda: Enclosed(constraint), iterations=10).solve(GradientAscent(steps=3, step_size=3.0), device="cpu")


def test_an_optimizer_that_ends_below_its_start():
    with pytest.warns(
        UserWarning, match=r"^the inner optimizer makes y worse than its start: inner_gain is -"
    ) as said:
        solution = Play(quadratic, iterations=200).solve(Backwards(steps=1), device="cpu")
    assert len(said) == 1
    assert solution.history[0]["inner_gain"] < 0


@pytest.mark.parametrize(
    "optimizer", [GradientAscent(steps=1, step_size=0.1), Adam(lr=0.01), GradientAscent(steps=0)]
)
def test_one_that_does_not_is_not_spoken_of(optimizer):
    rows = Play(quadratic).solve(optimizer, device="cpu").history
    assert all(row["inner_gain"] >= 0 for row in rows)


class TestShortRuns:
    """One that ends before ten rows are logged is judged by all of them, where they leave no doubt."""

    @pytest.mark.parametrize("rows", [3, 4, 9])
    def test_each_of_three_rows_or_more_is_worse(self, rows):
        with pytest.warns(UserWarning, match=rf"worse than its start: .* over all {rows} logged steps") as said:
            Play(quadratic, iterations=10 * rows).solve(Backwards(steps=1), device="cpu")
        assert len(said) == 1

    def test_one_that_starts_at_random_may_have_been_unlucky(self, recwarn):
        rows = Play(quadratic, iterations=30).solve(Backwards(steps=1, random_start=0.5), device="cpu").history
        assert [row["inner_gain"] < 0 for row in rows] == [True] * 3
        assert not recwarn

    def test_whatever_ends_it(self):
        with pytest.warns(UserWarning, match="worse than its start"):
            Play(quadratic).solve(Backwards(steps=1), steps=40, device="cpu")

    def test_two_rows_are_too_few(self):
        assert len(Play(quadratic, iterations=20).solve(Backwards(steps=1), device="cpu").history) == 2

    def test_a_step_far_too_long(self):
        with pytest.warns(UserWarning, match=r"worse than its start|explodes"):
            Play(quadratic, iterations=40).solve(GradientAscent(steps=1, step_size=1e4), device="cpu")

    @pytest.mark.parametrize(
        ("gains", "learns", "said"),
        [
            ([-1.0, -1.0, -1.0], False, True),
            ([-0.11, -0.11, -0.11], False, True),
            ([-0.09, -0.09, -0.09], False, False),  # less than a tenth of the objective
            ([-1.0, -1.0, 0.01], False, False),
            ([-1.0, -1.0], False, False),
            ([-0.2, -0.3, -0.1], False, True),
            ([-0.2, -0.3, -0.1], True, False),  # it is learning
            ([-0.1, -0.3, -0.2], True, True),
            ([-0.02] * 4, False, False),
            ([-0.02] * 5, False, True),
            ([-0.009] * 9, False, False),  # less than a hundredth
            ([-1.0] * 10, False, False),  # a whole stretch is judged as it passes
            ([], False, False),
        ],
    )
    def test_by_hand(self, gains, learns, said, recwarn):
        Watch(learns=learns).end([{"inner_gain": gain, "objective": 1.0} for gain in gains])
        assert len(recwarn) == said


class TestAStretch:
    """Ten rows: a loss that is large on average, or that every row has."""

    @pytest.mark.parametrize(
        ("gains", "said"),
        [
            ([-1e-4] * 10, True),  # of an objective of 1
            ([-1e-4] * 9 + [1e-6], False),
            ([-1e-6] * 10, False),  # that may be rounding
            ([-0.2, 0.1] * 5, True),
            ([-0.11, 0.1] * 5, False),
        ],
    )
    def test_of_a_y_that_starts_anew(self, gains, said, recwarn):
        watch = Watch()
        for gain in gains:
            watch.see({"objective": 1.0, "inner_gain": gain})
        assert len(recwarn) == said

    @pytest.mark.parametrize(("falls", "said"), [(1e-4, True), (0.0, False)])
    def test_of_a_y_that_lives_on_what_is_lost_stays_lost(self, falls, said, recwarn):
        watch = Watch()
        for row in range(10):
            watch.see({"objective": 1.0 - falls * row, "inner_gain": -1e-4}, lives_on=True)
        assert len(recwarn) == said

    def test_beside_what_was_gained_before_the_last_digits_do_not_count(self, recwarn):
        watch = Watch()
        for row in range(10):
            watch.see({"objective": -100.0 * 10.0**-row, "inner_gain": 1.0})
        for _ in range(20):
            watch.see({"objective": -1e-7, "inner_gain": -5e-8})
        assert not recwarn

    def test_a_run_that_loses_a_thousandth_each_time(self):
        with pytest.warns(UserWarning, match=r"worse than its start: .* over the last 10 logged steps"):
            Play(slope=0.01, iterations=200).solve(Sinking(steps=1), device="cpu")

    def test_a_run_that_steps_over_the_top_and_back(self, recwarn):
        task = Play(iterations=400)
        task.inner_problem = lambda batch: Top(task.keep)
        gains = [row["inner_gain"] for row in task.solve(Over(steps=1), device="cpu").history]
        assert max(gains[-10:]) < 0
        assert not recwarn


class Sinking(InnerOptimizer):
    """A thousandth of y's own length downhill."""

    def step(self, oracle, y, state):
        return y - 0.001 * y.abs() * oracle.gradient(y).sign(), state


class Top(InnerProblem):
    """-|y - 0.01|^2 - 1, whose y lives on."""

    lives_on = True

    def __init__(self, keep):
        self.keep = keep

    def initial(self):
        return self.keep["y"]

    def objective(self, y):
        return -(y - 0.01).square().sum(1) - 1

    def remember(self, end, gradient):
        self.keep["y"] = end.y


class Over(InnerOptimizer):
    """From 0 to 0.05 and back: at every other step, as are logged, it goes the wrong way."""

    def step(self, oracle, y, state):
        return torch.where(y == 0, 0.05, 0.0), state


def test_a_y_that_explodes():
    with pytest.warns(UserWarning, match=r"^y explodes: its largest entry was 1 at first and is") as said:
        Play(slope=0.01, iterations=30).solve(Growing(steps=1), device="cpu")
    assert len(said) == 1


class Growing(InnerOptimizer):
    def step(self, oracle, y, state):
        return 2 * y, state


def test_a_y_that_explodes_in_one_maximisation():
    class Square(InnerProblem):
        def initial(self) -> Tensor:
            return torch.ones(2, 1)

        def objective(self, y):
            return y.square().sum(1)

    with pytest.warns(UserWarning, match="y explodes"):
        GradientAscent(steps=20, step_size=1.0).maximize(Square())
    kept = Square()
    kept.constraint = LinfBall(5.0)
    assert GradientAscent(steps=20, step_size=1.0).maximize(kept).y.abs().max() == 5


def test_one_bad_stretch_of_noise_is_not_enough():
    watch = Watch()
    for step in range(40):  # half of the steps lose a little
        row = {"step": step, "objective": 1.0, "inner_gain": (-1) ** step * 0.1, "inner_size": 1.0}
        watch.see(row, first_size=1.0)


def test_the_first_size_is_the_scale():
    watch = Watch()
    watch.see({"step": 10, "objective": 1.0, "inner_size": 9e5}, first_size=1e3)
    with pytest.warns(UserWarning, match="y explodes"):
        watch.see({"step": 20, "objective": 1.0, "inner_size": 2e6}, first_size=1e3)


class FromZero(Quadratic):
    """max over y of -|y - top|^2, from zero or from elsewhere."""

    def __init__(self, start=0.0, top=1.0):
        super().__init__(torch.full((2, 2), top))
        self.begin = start

    def initial(self):
        return torch.full((2, 2), self.begin)


class TestStepsThatAreFractionsOfTheIterate:
    """None leads away from zero, so nothing is learned there."""

    @staticmethod
    def bounded(**options):
        torch.manual_seed(0)
        return LearnedOptimizer(RNNUpdater(gain=1.0), steps=2, max_relative_step=0.1, **options)

    def test_a_run_says_it_once(self):
        with pytest.warns(
            UserWarning, match=r"^y is zero, and max_relative_step lets no iterate leave zero"
        ) as said:
            Play(FromZero, iterations=40).solve(self.bounded(), device="cpu")
        assert len(said) == 1

    def test_a_maximisation_says_it(self):
        with pytest.warns(UserWarning, match="y is zero, and max_relative_step"):
            assert not self.bounded().maximize(FromZero()).y.any()

    def test_what_is_advised_helps(self):
        for optimizer in (self.bounded(random_start=0.5), LearnedOptimizer(RNNUpdater(gain=1.0), steps=2)):
            assert optimizer.maximize(FromZero()).y.any()
            Play(FromZero, iterations=40).solve(optimizer, device="cpu")
        assert self.bounded().maximize(FromZero(1.5)).y.any()

    def test_optimizers_without_such_a_bound_may_stay_at_zero(self):
        Play(FromZero).solve(GradientAscent(steps=0), device="cpu")

    def test_the_default_bound_may_end_at_a_solution_that_is_zero(self):
        """It has a floor, so it leads away from zero where there is a reason."""
        optimizer = LearnedOptimizer(MLPUpdater(), steps=2)
        assert optimizer.max_relative_step == "auto"
        assert not optimizer.maximize(FromZero(top=0.0)).y.any()
        Play(lambda: FromZero(top=0.0), iterations=40).solve(optimizer, device="cpu")


class Turning(InnerProblem):
    """min over x of max over y of xy."""

    signs = (-1.0, 1.0)

    def initial(self):
        return torch.ones(2, 1), torch.ones(2, 1)

    def objective(self, y):
        return (y[0] * y[1])[:, 0]


class Calming(Turning):
    """The same, with a goal of phi's own."""

    def meta_objective(self, y):
        return -torch.cat(y, dim=1).square().sum(1)


class TestPhiWhereAPartOfYDescends:
    SAYS = r"phi is trained to raise the objective, but a part of y descends it \(signs \(-1\.0, 1\.0\)\); override"

    @pytest.mark.parametrize("play", ["joint", "alternating"])
    def test_a_run_says_once_that_the_objective_is_no_goal(self, play):
        with pytest.warns(UserWarning, match=self.SAYS) as said:
            Play(Turning, iterations=5).solve(LearnedOptimizer(MLPUpdater()), device="cpu", play=play)
        assert sum(re.match(self.SAYS, str(one.message)) is not None for one in said) == 1

    @pytest.mark.parametrize(
        ("problem", "optimizer"),
        [
            (Calming, LearnedOptimizer(MLPUpdater())),
            (Turning, GradientAscent(steps=1, step_size=0.1)),
            (quadratic, LearnedOptimizer(MLPUpdater())),
        ],
    )
    def test_nothing_is_said_of_a_goal_of_its_own_or_without_phi_or_descent(self, problem, optimizer):
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            Play(problem, iterations=5).solve(optimizer, device="cpu")
        assert not any(re.match(self.SAYS, str(one.message)) for one in said)


class TestRandomStartsOfAYThatLivesOn:
    def test_a_run_says_once_what_they_do(self):
        optimizer = PGM(steps=1, step_size=0.1)
        with pytest.warns(
            UserWarning, match=r"y lives on .*random_start=1 moves it .* pass random_start=0\.0"
        ) as said:
            Play(iterations=5).solve(optimizer, device="cpu")
        assert len(said) == 1

    def test_what_is_advised_says_nothing_and_keeps_y(self):
        game = Play(iterations=5)
        game.solve(PGM(steps=1, step_size=0.1, random_start=0.0), device="cpu")
        assert game.keep["y"] == pytest.approx(1.5)

    def test_one_that_starts_anew_may_start_at_random(self):
        Play(quadratic, iterations=5).solve(PGM(steps=1, step_size=0.1), device="cpu")


class InASet(Quadratic):
    """max over y of -|y - c|^2 / 2 in the box [-1, 1]; y lives on where `keep` is given, and starts at 0.5."""

    def __init__(self, centre, keep=None):
        super().__init__(torch.tensor([[centre]]))
        self.constraint, self.keep = Box(-1.0, 1.0), keep

    def initial(self):
        return self.keep["y"] if self.keep is not None else torch.full((1, 1), 0.5)

    def remember(self, end, gradient):
        if self.keep is not None:
            self.keep["y"] = end.y


class Far(InnerOptimizer):
    """Two steps along the gradient that are far too long: from one edge to the other, and back."""

    def step(self, oracle, y, state):
        return oracle.problem.constraint.project(y + 1e4 * oracle.gradient(y)), state


class Held(InnerOptimizer):
    """Takes the gradient's step the wrong way, and projects."""

    def step(self, oracle, y, state):
        return oracle.problem.constraint.project(y - 0.5 * oracle.gradient(y)), state


class Apart(InnerOptimizer):
    """Both leaves take their steps the wrong way, and are projected."""

    def step(self, oracle, y, state):
        moved = tuple(leaf - move for leaf, move in zip(y, oracle.gradient(y), strict=True))
        return oracle.problem.constraint.project(moved), state


class Dead(InnerOptimizer):
    def step(self, oracle, y, state):
        return y, state


class TestAYThatStaysWhereItIs:
    """Nothing is gained or lost where y sits at an edge; whether it is the right one is asked of the gradient."""

    said = r"^the inner optimizer leaves y where it starts, although the objective rises along its gradient, by "

    @staticmethod
    def solve(optimizer, centre, iterations=60, lives_on=True):
        keep = {"y": torch.full((1, 1), 0.5)} if lives_on else None
        return Play(lambda: InASet(centre, keep), iterations=iterations).solve(optimizer, device="cpu")

    @pytest.mark.parametrize("optimizer", [Held(steps=1), Held(steps=5), Far(steps=2), Dead(steps=3)])
    @pytest.mark.parametrize("centre", [0.3, 0.9, -0.7])
    def test_at_the_worst_edge_it_is_said_once(self, optimizer, centre):
        with pytest.warns(UserWarning, match=self.said) as warned:
            rows = self.solve(optimizer, centre).history
        assert len(warned) == 1
        assert [row["inner_gain"] for row in rows] == [0.0] * 6

    def test_one_that_starts_anew_and_never_moves(self):
        with pytest.warns(UserWarning, match=self.said):
            self.solve(Dead(steps=3), 0.3, lives_on=False)

    @pytest.mark.parametrize("centre", [0.5, 3.0, -3.0])
    @pytest.mark.parametrize(
        "optimizer",
        [GradientAscent(steps=2, step_size=0.5), PGM(steps=8, step_size=0.2, random_start=0.0)],
        ids=repr,
    )
    def test_at_the_best_point_nothing_is_said(self, optimizer, centre):
        rows = self.solve(optimizer, centre, iterations=100).history
        assert [row["inner_gain"] for row in rows[-5:]] == [0.0] * 5

    @pytest.mark.parametrize("centre", [0.3, 3.0])
    def test_one_that_is_not_meant_to_move_may_stay(self, centre):
        self.solve(GradientAscent(steps=0), centre)

    @pytest.mark.parametrize(
        ("gains", "moves", "doubts"),
        [
            ([0.0] * 3, True, True),
            ([0.0] * 2, True, False),
            ([0.0] * 3, False, False),
            ([0.0, 1e-9, 0.0], True, False),
        ],
    )
    def test_when_it_is_asked(self, gains, moves, doubts):
        watch = Watch(moves=moves)
        for gain in gains:
            watch.see({"objective": 1.0, "inner_gain": gain})
        assert watch.doubts == doubts

    def test_asking_moves_no_random_number_and_counts_no_pass(self):
        class Noisy(InASet):
            def objective(self, y):
                return super().objective(y) + 0 * torch.rand_like(y).sum(1)

        def played(doubts):
            torch.manual_seed(0)
            task = Play(lambda: Noisy(3.0, {"y": torch.ones(1, 1)}), iterations=60)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(Watch, "doubts", property(lambda _: doubts))
                solution = task.solve(GradientAscent(steps=1, step_size=0.1), device="cpu")
            return solution.passes, torch.rand(1)

        assert played(True) == played(False)


class TestPairs:
    """What one leaf gains the other loses, so the gradients of both are looked at."""

    said = r"^the inner optimizer leads y away from balance: .* in each of the last 10 logged steps"

    @staticmethod
    def solve(optimizer, *, lives_on, iterations=200):
        keep = {"y": (torch.ones(2, 1), torch.ones(2, 1))}

        class Bilinear(InnerProblem):
            """f = x y: x descends, y ascends, and plain gradient steps circle outward."""

            signs = (-1.0, 1.0)

            def initial(self):
                return keep["y"]

            def objective(self, y):
                return (y[0] * y[1]).sum(1)

            def remember(self, end, gradient):
                if lives_on:
                    keep["y"] = end.y

        return Play(Bilinear, iterations=iterations).solve(optimizer, device="cpu")

    @pytest.mark.filterwarnings("ignore:y explodes")
    @pytest.mark.parametrize(("step_size", "lives_on"), [(0.15, True), (0.3, True), (0.5, False), (1.0, False)])
    def test_gradient_steps_that_circle_outward(self, step_size, lives_on):
        with pytest.warns(UserWarning, match=self.said):
            rows = self.solve(GradientAscent(steps=3, step_size=step_size), lives_on=lives_on).history
        growth = (1 + step_size**2) ** 1.5  # of one maximisation, in length
        for row in rows:
            assert row["inner_residual"] / (row["inner_residual"] + row["inner_gain"]) == pytest.approx(growth)

    @pytest.mark.parametrize("lives_on", [True, False])
    @pytest.mark.parametrize(
        "optimizer", [ExtraGradient(steps=3, step_size=0.3), GradientAscent(steps=0)], ids=repr
    )
    def test_those_that_do_not_are_not_spoken_of(self, optimizer, lives_on):
        rows = self.solve(optimizer, lives_on=lives_on).history
        assert all(row["inner_gain"] >= 0 for row in rows)

    @pytest.mark.parametrize(
        ("ends", "gains", "lives_on", "said"),
        [
            ([1.3] * 10, [-0.3] * 10, False, True),
            ([1.2] * 10, [-0.2] * 10, False, False),  # less than a quarter
            ([1.3] * 10, [-0.3] * 9 + [0.1], False, False),  # not in each
            ([1.0, *[11.0] * 10], [-1e-3] * 11, True, True),
            ([1.0, *[9.0] * 10], [-1e-3] * 11, True, False),  # less than tenfold
            ([1.0, *[11.0] * 10], [*[-1e-3] * 10, 0.0], True, False),
        ],
    )
    def test_by_hand(self, ends, gains, lives_on, said, recwarn):
        watch = Watch()
        for end, gain in zip(ends, gains, strict=True):
            watch.see({"objective": 1.0, "inner_residual": end, "inner_gain": gain}, lives_on=lives_on)
        assert len(recwarn) == said

    @staticmethod
    def stay(optimizer, start, box, iterations=60):
        keep = {"y": tuple(torch.full((1, 1), number) for number in start)}

        class Saddle(InnerProblem):
            """f = x^2 / 2 - 3 (y - 1)^2 + x y / 5: x descends, y ascends."""

            signs = (-1.0, 1.0)
            constraint = Product(Box(-box, box), Box(-box, box))

            def initial(self):
                return keep["y"]

            def objective(self, y):
                return (y[0].square() / 2 - 3 * (y[1] - 1).square() + y[0] * y[1] / 5).sum(1)

            def remember(self, end, gradient):
                keep["y"] = end.y

        return Play(Saddle, iterations=iterations).solve(optimizer, device="cpu")

    @pytest.mark.parametrize(("optimizer", "start"), [(Apart(steps=1), (0.5, 0.5)), (Dead(steps=1), (1.5, 1.0))])
    def test_at_a_wrong_corner_or_dead(self, optimizer, start):
        with pytest.warns(UserWarning, match="leaves y where it starts"):
            self.stay(optimizer, start, 2.0)

    def test_at_balance_nothing_is_said(self):
        rows = self.stay(GradientAscent(steps=5, step_size=0.1), (1.0, 1.0), 20.0, iterations=200).history
        assert [row["inner_gain"] for row in rows[-5:]] == [0.0] * 5

    def test_short_runs_are_not_judged(self):
        self.solve(GradientAscent(steps=3, step_size=1.0), lives_on=False, iterations=50)


class TestAnExplosionWithinOneBatch:
    """The scale is where the first y started, not where it had come to."""

    class Steep(InnerProblem):
        """|y|^2, which has no maximum."""

        def initial(self):
            return torch.full((2, 1), 0.1)

        def objective(self, y):
            return y.square().sum(1)

    @pytest.mark.parametrize("steps", [9, 30])
    def test_of_a_y_that_starts_anew(self, steps):
        with pytest.warns(UserWarning, match=r"^y explodes: its largest entry was 0\.1 at first and is "):
            Play(self.Steep, iterations=10).solve(GradientAscent(steps=steps, step_size=1.0), device="cpu")

    def test_a_random_start_is_where_it_starts(self):
        class Wide(InnerProblem):
            constraint = Box(-1e5, 1e5)

            def initial(self):
                return torch.zeros(2, 1)

            def objective(self, y):
                return y.sum(1)

        Play(Wide, iterations=10).solve(PGM(steps=1, step_size=1.0), device="cpu")


class TestWhatARunRemembersOfIt:
    """A run that was interrupted knows what it has said, and judges as one that was not."""

    @pytest.mark.parametrize("stop", [10, 70, 100, 110])
    def test_resumed(self, stop, tmp_path):
        def play(folder, **options):
            Play(quadratic, iterations=200).solve(Held(steps=1), device="cpu", out=folder, **options)
            return json.loads((folder / "solution.json").read_text())

        with warnings.catch_warnings(record=True) as heard:
            warnings.simplefilter("always")
            whole = play(tmp_path / "whole")
            play(tmp_path / "part", steps=stop)
            part = play(tmp_path / "part", resume=True)
        assert part["warned"] == whole["warned"]
        assert len(part["warned"]) == 1
        # one for each run, and one at the end of a part that is long enough to be judged and not for a stretch
        assert len([one for one in heard if "worse than its start" in str(one.message)]) == 2 + (stop == 70)


class TestWhatIsNoHarm:
    """Each of these was taken for harm, and is none."""

    @pytest.mark.parametrize("seed", range(2))
    def test_other_masks_of_a_dropout(self, seed):
        """Both ends draw the same, so the gain is that of y alone."""
        torch.manual_seed(seed)
        network = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 1))
        images = torch.randn(16, 4)

        class Through(InnerProblem):
            constraint, module, query_mode = LinfBall(0.05), network, "train"

            def initial(self):
                return torch.zeros(16, 4)

            def objective(self, y):
                return (network(images + y)[:, 0] - 1).square()

        task = Play(Through, iterations=60)
        task.outer = network
        rows = task.solve(PGM(steps=2, step_size=0.05), device="cpu", log_every=1).history
        assert all(row["inner_gain"] > 0 for row in rows)

    @pytest.mark.parametrize("constraint", [LinfBall(1e6), Box(0.0, 1e5), LinfBall(1e4) & L2Ball(1e9)])
    def test_a_far_corner_of_a_wide_set(self, constraint):
        class Up(InnerProblem):
            def initial(self):
                return torch.zeros(2, 2)

            def objective(self, y):
                return y.sum(1)

        def problem():
            up = Up()
            up.constraint = constraint
            return up

        optimizer = PGM(steps=2, step_size=1e6, random_start=0.0)
        Play(problem, iterations=60).solve(optimizer, device="cpu")
        assert optimizer.maximize(problem()).y.max() >= 1e4

    @pytest.mark.parametrize("constraint", [LinfBall(1e16), Free(), Box(0.0, math.inf)])
    def test_but_one_that_is_far_wider_does_not_hold_it(self, constraint):
        class Up(InnerProblem):
            def initial(self):
                return torch.ones(2, 2)

            def objective(self, y):
                return y.square().sum(1)

        up = Up()
        up.constraint = constraint
        with pytest.warns(UserWarning, match="y explodes"):
            GradientAscent(steps=20, step_size=1.0).maximize(up)

    def test_a_solution_far_away_that_is_reached(self):
        keep = {"y": torch.zeros(1, 1)}

        class Far(InnerProblem):
            """-(y - 10^4)^2 / 2, whose y lives on and is there at once."""

            def initial(self):
                return keep["y"]

            def objective(self, y):
                return -(y - 1e4).square().sum(1) / 2

            def remember(self, end, gradient):
                keep["y"] = end.y

        Play(Far, iterations=200).solve(GradientAscent(steps=1, step_size=0.9), device="cpu")

    def test_steps_to_and_fro_about_the_optimum(self):
        keep = {"y": torch.zeros(1, 1)}

        class Hill(InnerProblem):
            def initial(self):
                return keep["y"]

            def objective(self, y):
                return -(y - 1 / 3).square().sum(1)

            def remember(self, end, gradient):
                keep["y"] = end.y

        rows = Play(Hill, iterations=300).solve(Adam(lr=0.01), device="cpu").history
        assert max(row["inner_gain"] for row in rows[-3:]) < 0

    @pytest.mark.parametrize("seed", range(2))
    def test_noise_that_a_y_follows_from_batch_to_batch(self, seed):
        """It climbs what each batch's masks show it, while theta descends: neither gain nor loss is meant."""
        torch.manual_seed(seed)
        network = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Dropout(0.5), nn.Linear(32, 1))
        keep = {"y": torch.zeros(8, 4)}

        class Through(InnerProblem):
            constraint, module, query_mode = LinfBall(0.5), network, "train"

            def initial(self):
                return keep["y"]

            def objective(self, y):
                return (network(y)[:, 0] - 1).square()

            def remember(self, end, gradient):
                keep["y"] = end.y

        task = Play(Through, iterations=300)
        task.outer, task.outer_optimizer = network, lambda: torch.optim.SGD(network.parameters(), lr=1e-3)
        rows = task.solve(PGM(steps=3, step_size=0.2, random_start=0.0), device="cpu").history
        assert min(row["inner_gain"] for row in rows) < 0


def test_edges_that_alternate_are_harm_though_nothing_stays_lost():
    """Steps far too long, from one edge to the other and back; every logged row is one of the way down."""
    keep = {"y": torch.full((1, 1), -1.0)}
    with pytest.warns(UserWarning, match="worse than its start: inner_gain is -"):
        rows = Play(lambda: InASet(0.3, keep), iterations=300).solve(Far(steps=1), device="cpu").history
    assert {row["inner_gain"] for row in rows[1:]} == {rows[-1]["inner_gain"]}


def test_swings_that_grow_are_harm_though_their_losses_differ_widely():
    """-y^2 from 1e-3, each step 5 per cent too far on the other side: each logged loss is 2.7 times the last."""
    keep = {"y": torch.full((1, 1), 1e-3)}

    class Hill(InnerProblem):
        def initial(self):
            return keep["y"]

        def objective(self, y):
            return -y.square().sum(1)

        def remember(self, end, gradient):
            keep["y"] = end.y

    with pytest.warns(UserWarning, match=r"worse than its start: inner_gain is -|y explodes") as said:
        Play(Hill, iterations=120).solve(GradientAscent(steps=1, step_size=1.025), device="cpu")
    assert any("worse than its start" in str(one.message) for one in said)


@pytest.mark.parametrize("lives_on", [True, False])
@pytest.mark.parametrize("gains", [[-math.inf, 1.0], [-math.inf, math.inf], [math.nan, 1.0], [-math.inf, -1.0]])
def test_gains_that_are_not_finite_break_nothing(gains, lives_on, recwarn):
    """An objective may overflow at the start alone, where no player looks at it."""
    watch = Watch()
    for gain in gains * 5:
        watch.see({"objective": 1.0, "inner_gain": gain}, lives_on=lives_on)
    assert len(recwarn) == (-math.inf in gains and math.inf not in gains)


def test_pairs_and_others_may_take_turns(recwarn):
    watch, rows = Watch(), []
    for step in range(20):
        row = {"objective": 1.0, "inner_gain": -1.0}
        rows.append({**row, "inner_residual": 2.0} if step % 2 else row)
        watch.see(rows[-1])
    watch.end(rows[:9])
    assert not recwarn
