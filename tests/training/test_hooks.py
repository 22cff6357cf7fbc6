"""Companions of a run: a weight average, and the theta that did best on validation."""

import pytest
import torch
from safetensors.torch import load_file
from specimens import Through
from torch import nn

from minimax_l2l import PGM, BestWeights, Hook, LearnedOptimizer, LinfBall, MLPUpdater, Task, WeightAverage


class Shifted(Through):
    def __init__(self, module, batch):
        super().__init__(module, torch.zeros_like(batch), constraint=LinfBall(0.2))
        self.batch = batch

    def objective(self, y):
        return self.module(self.batch + y).square().sum(1)


class Regression(Task):
    """Validates with what it is told, whatever theta is."""

    iterations = 8
    numbers = (0.2, 0.7, 0.5, 0.6)

    def __init__(self):
        torch.manual_seed(0)
        self.outer = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
        self.told = 0

    def batches(self):
        generator = torch.Generator().manual_seed(1)
        return [torch.randn(6, 3, generator=generator) for _ in range(self.iterations)]

    def inner_problem(self, batch):
        return Shifted(self.outer, batch)

    def validate(self, optimizer):
        self.told += 1
        return {"validation_robust": self.numbers[self.told - 1]}

    def state_dict(self):
        return {"told": self.told}

    def load_state_dict(self, state):
        self.told = state["told"]


def solve(*hooks, task=Regression, **options):
    game = task()
    alternating = options.get("play") == "alternating"
    inner = LearnedOptimizer(MLPUpdater()) if alternating else PGM(steps=1, step_size=0.05)
    return game, game.solve(inner, device="cpu", hooks=hooks, **options)


@pytest.mark.parametrize("play", ["joint", "alternating"])
def test_hooks_are_called_in_order(play):
    calls = []

    class Noting(Hook):
        def begin(self, theta):
            calls.append("begin")

        def found(self, problem, end):
            calls.append("found")

        def differentiated(self):
            calls.append("differentiated")

        def moved(self):
            calls.append("moved")

        def validated(self, row):
            calls.append(row["step"])

    solve(Noting(), steps=2, validate_every=2, play=play)
    step = ["found", "differentiated", "moved"]
    assert calls == ["begin", *step, *step, 2]


class TestWeightAverage:
    def test_is_the_moving_average_by_hand(self):
        thetas = []

        class Keeping(Hook):
            def begin(self, theta):
                self.theta = theta

            def moved(self):
                thetas.append(self.theta[0].weight.detach().clone())

        average = WeightAverage(0.9)
        solve(average, Keeping())
        wanted = thetas[0]
        for theta in thetas[1:]:
            wanted = 0.9 * wanted + 0.1 * theta
        torch.testing.assert_close(average.module[0].weight, wanted)
        assert not average.module.training

    def test_follows_running_statistics_and_leaves_the_game_alone(self):
        average = WeightAverage(0.5)
        game, _ = solve(average)
        plain, _ = solve()
        for one, other in zip(game.outer.state_dict().values(), plain.outer.state_dict().values(), strict=True):
            assert torch.equal(one, other)
        assert not torch.equal(average.module[1].running_mean, torch.zeros(4))

    def test_is_written_and_goes_on_bit_for_bit(self, tmp_path):
        straight, resumed = WeightAverage(0.9), WeightAverage(0.9)
        solve(straight, out=tmp_path / "straight")
        solve(WeightAverage(0.9), out=tmp_path / "run", steps=3)
        solve(resumed, out=tmp_path / "run", resume=True)
        files = [load_file(tmp_path / name / "average" / "model.safetensors") for name in ("straight", "run")]
        assert all(torch.equal(value, files[1][name]) for name, value in files[0].items())
        assert torch.equal(files[0]["0.weight"], straight.module[0].weight)

    @pytest.mark.parametrize(
        ("decay", "sentence"), [(1.0, "must lie below 1"), (1.5, "must lie in"), (-0.1, "must lie in")]
    )
    def test_a_decay_that_makes_no_sense(self, decay, sentence):
        with pytest.raises(ValueError, match=sentence):
            WeightAverage(decay)

    def test_before_a_run(self):
        with pytest.raises(ValueError, match="there is no average yet"):
            WeightAverage().module  # noqa: B018


class TestBestWeights:
    def test_keeps_theta_as_it_was_at_the_best_validation(self):
        best = BestWeights("validation_robust")
        solve(best, validate_every=2)
        assert (best.step, best.value) == (4, 0.7)
        wanted, _ = solve(steps=4)
        for one, other in zip(best.module.state_dict().values(), wanted.outer.state_dict().values(), strict=True):
            assert torch.equal(one, other)

    def test_another_run_begins_anew(self):
        class Worse(Regression):
            numbers = (0.1, 0.3, 0.2, 0.1)

        best = BestWeights("validation_robust")
        solve(best, validate_every=2)
        solve(best, task=Worse, validate_every=2)
        assert (best.step, best.value) == (4, 0.3)

    def test_low_may_be_good(self):
        worst = BestWeights("validation_robust", highest=False)
        solve(worst, validate_every=2)
        assert (worst.step, worst.value) == (2, 0.2)

    def test_is_written_and_survives_an_interruption(self, tmp_path):
        solve(BestWeights("validation_robust"), out=tmp_path, validate_every=2, steps=5)
        best = BestWeights("validation_robust")
        solve(best, out=tmp_path, validate_every=2, resume=True)
        assert (best.step, best.value) == (4, 0.7)
        wanted, _ = solve(steps=4)
        assert torch.equal(load_file(tmp_path / "best" / "model.safetensors")["0.weight"], wanted.outer[0].weight)

    def test_a_number_that_is_not_measured(self):
        sentence = r"a validation has no number 'accuracy'; choose one of: .*validation_robust"
        with pytest.raises(ValueError, match=sentence):
            solve(BestWeights("accuracy"), validate_every=2)

    def test_what_the_task_names_is_known_before_the_first_step(self):
        class Naming(Regression):
            validates = ("validation_robust",)

            def batches(self):
                raise AssertionError("a batch was asked for")

        with pytest.raises(ValueError, match="no number 'accuracy'; choose one of: validation_robust"):
            solve(BestWeights("accuracy"), task=Naming, validate_every=2)

    def test_a_hook_of_ones_own_is_told_the_names_as_well(self):
        class Naming(Regression):
            validates = ("validation_robust",)

            def batches(self):
                raise AssertionError("a batch was asked for")

        class Patient(Hook):
            def require_measured(self, numbers):
                raise ValueError(f"there is no loss among {list(numbers)}")

        with pytest.raises(ValueError, match=r"there is no loss among \['validation_robust'\]"):
            solve(Patient(), task=Naming, validate_every=2)
        solve(Patient(), steps=1)  # of names that are not known, or no validations, nothing is asked

    def test_a_validate_of_ones_own_measures_what_it_will(self):
        class Naming(Regression):
            validates = ("something",)

            def validate(self, optimizer):
                return super().validate(optimizer)

        class Other(Naming):
            def validate(self, optimizer):
                return {"validation_other": 0.5}

        best = BestWeights("validation_other")
        solve(best, task=Other, validate_every=2)
        assert best.value == 0.5

    def test_before_a_validation(self):
        best = BestWeights("validation_robust")
        solve(best, validate_every=1000, steps=7)
        with pytest.raises(ValueError, match="nothing was validated by 'validation_robust' yet"):
            best.module  # noqa: B018


@pytest.mark.parametrize("hook", [WeightAverage(), BestWeights("validation_robust")])
def test_a_task_without_theta_has_nothing_to_keep(hook):
    class Bare(Regression):
        def __init__(self):
            super().__init__()
            self.network, self.outer = self.outer, None

        def inner_problem(self, batch):
            return Shifted(self.network, batch)

    with pytest.raises(ValueError, match="needs theta's module, this task has none"):
        solve(hook, task=Bare, validate_every=1)


def test_a_hook_that_waits_for_validations_asks_for_some():
    with pytest.raises(
        ValueError, match=r"BestWeights waits for validations, .* pass for instance validate_every=100"
    ):
        solve(BestWeights("validation_robust"))


def test_a_task_that_validates_nothing_is_not_asked_to():
    class Silent(Regression):
        validate = Task.validate

    with pytest.raises(ValueError, match=r"validate_every=2 was given, but Silent has no validate\(\)"):
        solve(task=Silent, validate_every=2)
