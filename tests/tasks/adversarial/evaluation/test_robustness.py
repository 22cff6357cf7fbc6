"""How robust a classifier is, on classifiers for which that is known on paper."""

import random
import re
import sys

import numpy as np
import pyautoattack.checks
import pytest
import torch
from on_paper import EPS, Linear, TwoRivals, linear_problem, worst_rival
from short import cut_short, measured_briefly
from torch import nn

from minimax_l2l import (
    LBFGS,
    PGM,
    GradientAscent,
    InnerOptimizer,
    L2Ball,
    LinfBall,
    MissingExtraError,
)
from minimax_l2l.lab import wilson_interval
from tasks.adversarial import AdversarialTraining, Attack, Evaluation, Images, cross_entropy, evaluate, margin
from tasks.adversarial.evaluation.autoattack import autoattack
from tasks.adversarial.evaluation.robustness import withstands

ATTACKS = ["clean", "fgsm", "pgm_20", "pgm_100", "cw_100"]
TRIED = 1 + 4 + 2  # images that a classifier is shown before anything else


@pytest.fixture
def short(monkeypatch):
    measured_briefly(monkeypatch)


@pytest.fixture(scope="module", params=[Linear, TwoRivals])
def measured(request):
    """The standard evaluation of a linear classifier, with what stood around it before and after.

    Square has little time: what stands after a hundred steps along the gradients of such a classifier is robust.
    """
    torch.set_num_threads(1)
    classifier, images = linear_problem(kind=request.param)
    classifier.norm.train()
    states = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()
    announced = []
    with pytest.MonkeyPatch.context() as patch:
        cut_short(patch, steps=100)
        result = evaluate(classifier, images, LinfBall(EPS), own=GradientAscent(steps=2), announce=announced.append)
    after = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()
    return classifier, images, result, (states, after), announced


class TestLinearClassifier:
    def test_is_as_robust_as_it_is_on_paper(self, measured):
        classifier, images, result, _, _ = measured
        robust = worst_rival(classifier, images.images, images.labels, EPS)[1] < 0
        assert 0.2 < robust.float().mean() < 0.8
        accuracies = result.accuracies()
        assert torch.equal(result.survived["autoattack"], robust)
        assert accuracies["worst_case"] == pytest.approx(robust.float().mean().item())
        assert accuracies["clean"] == pytest.approx(57 / 60)
        if isinstance(classifier, TwoRivals):
            assert all(torch.equal(result.survived[name], robust) for name in ATTACKS[1:])

    def test_the_worst_case_is_a_mean_of_minima(self, measured):
        result = measured[2]
        accuracies = result.accuracies()
        assert all(accuracies["worst_case"] <= accuracies[name] for name in result.survived)
        assert all(not (kept & ~result.survived["clean"]).any() for kept in result.survived.values())

    def test_fields(self, measured):
        assert list(measured[2].survived) == [*ATTACKS, "own_attacker", "autoattack"]

    def test_every_attack_is_announced(self, measured):
        assert len(measured[4]) == 7
        assert all(word in " ".join(measured[4]) for word in ("fgsm", "own_attacker", "autoattack"))

    def test_global_generators_are_left_alone(self, measured):
        before, after = measured[3]
        assert torch.equal(before[0], after[0])
        assert np.array_equal(before[1], after[1])
        assert before[2] == after[2]

    def test_modes_are_left_alone(self, measured):
        classifier = measured[0]
        assert classifier.training
        assert classifier.norm.training

    def test_gradients_are_left_alone(self, measured):
        assert all(weight.grad is None and weight.requires_grad for weight in measured[0].parameters())

    @pytest.mark.parametrize("eps", [0.02, 0.05, 0.1])
    def test_a_margin_attack_finds_what_is_there_to_find_at_every_radius(self, eps):
        classifier, images = linear_problem(kind=TwoRivals)
        robust = worst_rival(classifier, images.images, images.labels, eps)[1] < 0
        kept = withstands(classifier, images, LinfBall(eps), PGM(steps=100, step_size=eps / 10), loss=margin)
        assert torch.equal(kept, robust)


@pytest.mark.usefixtures("short")
class TestTiers:
    def test_quick_has_a_name_of_its_own(self):
        classifier, images = linear_problem(8)
        result = evaluate(classifier, images, LinfBall(EPS), tier="quick")
        assert list(result.survived) == [*ATTACKS, "autoattack_quick"]

    def test_same_seed_same_result(self):
        classifier, images = linear_problem(12)
        once, again = (evaluate(classifier, images, LinfBall(0.05), tier="quick", seed=3) for _ in range(2))
        assert all(torch.equal(once.survived[name], again.survived[name]) for name in once.survived)


class Flip(torch.autograd.Function):
    """The identity with its gradient turned round: every gradient attack runs away from the label's boundary."""

    @staticmethod
    def forward(_, x):
        return x.clone()

    @staticmethod
    def backward(_, gradient):
        return -gradient


class Masked(Linear):
    def forward(self, images):
        return super().forward(Flip.apply(images))


class Still(torch.autograd.Function):
    """The identity without a slope: gradient attacks stay where they start."""

    @staticmethod
    def forward(_, x):
        return x.clone()

    @staticmethod
    def backward(_, gradient):
        return torch.zeros_like(gradient)


class Flat(Linear):
    def forward(self, images):
        return super().forward(Still.apply(images))


class Knowing(InnerOptimizer):
    """An attacker that knows the answer on paper."""

    def __init__(self, classifier: Linear, images: Images) -> None:
        super().__init__(steps=1)
        self.answer, _ = worst_rival(classifier, images.images, images.labels, EPS)

    def step(self, oracle, y, state):
        return self.answer[oracle.problem.indices], state


@pytest.mark.usefixtures("short")
class TestOwnAttacker:
    def test_counts_in_the_worst_case(self):
        _, images = linear_problem(24)
        classifier = Masked()
        own = Knowing(classifier, images).train()
        result = evaluate(classifier, images, LinfBall(EPS), tier="quick", own=own)
        robust = worst_rival(classifier, images.images, images.labels, EPS)[1] < 0
        accuracies = result.accuracies()
        assert torch.equal(result.survived["own_attacker"], robust)
        assert accuracies["pgm_100"] > accuracies["own_attacker"]
        assert accuracies["worst_case"] <= accuracies["own_attacker"]
        assert own.training


class Probabilities(Linear):
    def forward(self, images):
        return super().forward(images).softmax(1)


class Noisy(Linear):
    def forward(self, images):
        return super().forward(images + 0.1 * torch.randn_like(images))


class Averaged(nn.Module):
    """What is advised for a randomised classifier."""

    def __init__(self, classifier):
        super().__init__()
        self.classifier = classifier

    def forward(self, images):
        return torch.stack([self.classifier(images) for _ in range(20)]).mean(0)


class Adaptive(Linear):
    """Takes a step on its own input before it answers."""

    def forward(self, images):
        with torch.enable_grad():
            own = images.detach().requires_grad_()
            (step,) = torch.autograd.grad(super().forward(own).logsumexp(1).sum(), own)
        return super().forward(images + 0.01 * step)


class TestAutoAttack:
    @pytest.fixture(autouse=True)
    def short(self, monkeypatch):
        """A linear classifier is broken by a few steps, if by any."""
        cut_short(monkeypatch, steps=20, queries=1000)

    def test_standard_finds_what_gradients_hide_and_quick_does_not(self):
        classifier, images = linear_problem(24, kind=Flat)
        found = {
            tier: autoattack(classifier.eval(), images, LinfBall(EPS), tier=tier, seed=0)[0]
            for tier in ("quick", "standard")
        }
        rights = {tier: (classifier(attacked).argmax(1) == images.labels).sum() for tier, attacked in found.items()}
        assert rights["standard"] < rights["quick"] - 4
        for attacked in found.values():
            assert (attacked - images.images).abs().max() <= EPS + 1e-6
            assert attacked.min() >= 0
            assert attacked.max() <= 1

    @pytest.mark.parametrize(
        ("kind", "tier", "said"),
        [
            (Probabilities, "quick", "probabilities, .* return logits"),
            (Noisy, "quick", "answers differently each time, .* mean logits of 20 calls"),
            (Flat, "quick", "the gradient is zero, .* rounding, saturation"),
            (Flat, "standard", r"Square, which needs no gradient, broke another \d+\.\d+% of the images, .* own="),
            (Adaptive, "quick", "computes gradients while it answers, .* own="),
        ],
    )
    def test_what_it_warns_of_is_kept_in_our_words_once_and_not_shown(self, kind, tier, said, capfd):
        _, images = linear_problem(24)
        _, flags = autoattack(kind().eval(), images, LinfBall(EPS), tier=tier, seed=0)
        (flag,) = (flag for flag in flags if re.search(said, flag))
        assert flags.count(flag) == 1
        assert not any("flags_doc" in flag or "version=" in flag for flag in flags)
        assert capfd.readouterr() == ("", "")

    def test_there_is_nothing_to_say_of_an_honest_classifier_whatever_came_before(self):
        """The library counts gradients in a global variable."""
        _, images = linear_problem(4)
        assert autoattack(Adaptive().eval(), images, LinfBall(EPS), tier="quick", seed=0)[1]
        assert not autoattack(Linear().eval(), images, LinfBall(EPS), tier="quick", seed=0)[1]

    def test_a_warning_that_is_not_known_stays_as_it_is(self, monkeypatch):
        _, images = linear_problem(4)
        monkeypatch.setattr(
            pyautoattack.checks, "check_dynamic", lambda *_, logger: logger.warning("the moon is full")
        )
        _, flags = autoattack(Linear().eval(), images, LinfBall(EPS), tier="quick", seed=0)
        assert flags == ("the moon is full",)

    def test_what_is_advised_for_a_randomised_classifier_helps(self):
        """The mean of many answers is attacked better than one answer at a time."""
        classifier, images = linear_problem(24)
        _, flags = autoattack(Averaged(classifier.eval()), images, LinfBall(EPS), tier="quick", seed=0)
        assert not any("answers differently" in flag for flag in flags)


class TestProbabilities:
    """Softmax where logits are needed: attacks follow a gradient that vanishes."""

    @pytest.mark.parametrize("classes", [2, 4])
    def test_evaluations_say_so_once_whatever_the_number_of_classes(self, classes):
        network = nn.Sequential(nn.Flatten(), nn.Linear(16, classes))
        images = Images(torch.rand(12, 1, 4, 4), torch.arange(12) % classes)
        for classifier, count in ((nn.Sequential(network, nn.Softmax(1)), 1), (network, 0)):
            flags = evaluate(classifier, images, LinfBall(EPS), tier="quick", batch_size=5).flags
            assert sum("returns probabilities" in flag for flag in flags) == count

    def test_attacks_and_trainings_say_so_unless_the_loss_is_ones_own(self):
        def likelihood(probabilities, labels):
            return -probabilities.gather(1, labels[:, None])[:, 0].log()

        def game(classifier, loss):
            return AdversarialTraining(classifier, images, LinfBall(EPS), loss=loss)

        def attack(classifier, loss):
            return Attack(PGM(steps=1, step_size=EPS), LinfBall(EPS), loss)(
                classifier, images.images, images.labels
            )

        classifier, images = linear_problem(8, kind=Probabilities)
        for play in (game, attack):
            for loss in (cross_entropy, margin):
                play(Linear(), loss)
                with pytest.warns(UserWarning, match="returns probabilities") as told:
                    play(classifier, loss)
                assert len(told) == 1
            play(classifier, likelihood)


class TestEvaluation:
    def test_accuracies_by_hand(self):
        survived = {
            "clean": torch.tensor([True, True, True, False]),
            "one": torch.tensor([True, False, True, False]),
            "other": torch.tensor([False, True, True, False]),
        }
        assert Evaluation(survived).accuracies() == {"clean": 0.75, "one": 0.5, "other": 0.5, "worst_case": 0.25}

    def test_intervals_by_hand(self):
        """No success among 4: the upper end is z^2 / (4 + z^2) for z = 1.96."""
        result = Evaluation({"clean": torch.tensor([True] * 4), "one": torch.tensor([False] * 4)})
        ends = {"clean": (4 / 7.8415, 1), "one": (0, 3.8415 / 7.8415), "worst_case": (0, 3.8415 / 7.8415)}
        assert {name: pytest.approx(end, abs=1e-4) for name, end in ends.items()} == result.intervals()

    def test_an_attack_that_was_shown_the_first_images_alone(self):
        survived = {"clean": torch.tensor([True, True, True, False]), "few": torch.tensor([True, False])}
        result = Evaluation(survived)
        assert result.accuracies() == {"clean": 0.75, "few": 0.5, "worst_case": 0.5}
        assert result.intervals()["few"] == wilson_interval(1, 2)


class TestRefusals:
    @pytest.mark.parametrize("label", [-100, -1, 4, 7])
    def test_labels_outside_the_classes(self, label):
        classifier, images = linear_problem(8)
        labels = images.labels.clone()
        labels[3] = label
        for measure in (evaluate, lambda *given: withstands(*given, PGM(steps=1, step_size=0.1))):
            with pytest.raises(ValueError, match=r"labels must lie in 0 ... 3 for 4 classes, got"):
                measure(classifier, (images.images, labels), LinfBall(EPS))

    @pytest.mark.parametrize("classes", [2, 3])
    def test_too_few_classes_for_autoattack(self, classes):
        classifier = nn.Sequential(nn.Flatten(), nn.Linear(16, classes)).eval()
        images = Images(torch.rand(4, 1, 4, 4), torch.arange(4) % classes)
        sentence = f"defined for 4 classes or more, the classifier has {classes}; evaluate"
        with pytest.raises(ValueError, match=sentence):
            autoattack(classifier, images, LinfBall(EPS), tier="quick", seed=0)

    def test_missing_extra(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "pyautoattack", None)
        classifier, images = linear_problem(4)
        with pytest.raises(MissingExtraError, match=r'AutoAttack needs pyautoattack.*"minimax-l2l\[vision\]"'):
            evaluate(classifier, images, LinfBall(EPS))


class TestBatches:
    @pytest.mark.parametrize("batch_size", [1, 7, 1000])
    def test_what_fits_into_memory_changes_nothing(self, batch_size):
        classifier, images = linear_problem()
        attack = PGM(steps=3, step_size=EPS / 2, random_start=1.0)
        whole = withstands(classifier, images, LinfBall(EPS), attack, seed=3)
        parts = withstands(classifier, images, LinfBall(EPS), attack, seed=3, batch_size=batch_size)
        assert torch.equal(parts, whole)
        assert 0 < whole.sum() < len(images)

    def test_no_more_images_than_that_are_ever_seen_at_once(self):
        classifier, images = linear_problem()
        seen: list[int] = []
        classifier.register_forward_pre_hook(lambda _, inputs: seen.append(len(inputs[0])))
        withstands(classifier, images, LinfBall(EPS), PGM(steps=2, step_size=EPS), batch_size=7)
        assert max(seen) == 7
        assert sum(seen) == TRIED + 3 * len(images)


class Rooted(Linear):
    """The root of a black pixel has no slope."""

    def forward(self, images):
        return super().forward(images.sqrt())


@pytest.mark.usefixtures("short")
class TestNumbers:
    @pytest.mark.parametrize("column", range(4))
    @pytest.mark.parametrize("threat", [LinfBall(EPS), L2Ball(0.3)])
    def test_an_image_whose_attack_left_the_numbers_is_never_robust(self, threat, column):
        """The largest of four NaN is the first, whatever the label is."""
        classifier, pixels = Rooted(), linear_problem(12)[1].images.clone()
        pixels[:, :, 0] = 0
        with torch.no_grad():
            classifier.bias[column] += 100
        images = Images(pixels, torch.full((12,), column))
        lbfgs = LBFGS(steps=3, step_size=0.1)
        for attack in (PGM(steps=3, step_size=0.1, random_start=0.0), lbfgs):
            with pytest.warns(UserWarning, match="ended at NaN or infinity on 12 images, which count as lost"):
                assert not withstands(classifier, images, threat, attack).any()
        result = evaluate(classifier, images, threat, tier="quick", own=lbfgs)
        accuracies = result.accuracies()
        assert accuracies.pop("clean") == 1
        assert set(accuracies.values()) == {0}, accuracies
        assert any(flag.startswith("fgsm ended at NaN or infinity on 12 images") for flag in result.flags)


class InPlace(Linear):
    """Works where the images lie that it is given, and comes back to them in another order of rounding."""

    def forward(self, images):
        logits = super().forward(images)
        images.detach().fill_(0.5)
        return logits


@pytest.mark.usefixtures("short")
class TestImagesAreTheUsers:
    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
    def test_a_classifier_that_works_in_place(self, dtype):
        careful, images = linear_problem(16)
        pixels = images.images.to(dtype)
        whole = pixels.clone()
        result = evaluate(InPlace().to(dtype), (pixels, images.labels), LinfBall(EPS), tier="quick")
        assert torch.equal(pixels, whole)
        expected = evaluate(careful.to(dtype), (whole, images.labels), LinfBall(EPS), tier="quick")
        assert result.accuracies() == expected.accuracies()


class TestFewClasses:
    @pytest.mark.parametrize("classes", [2, 3])
    def test_everything_else_runs(self, classes, monkeypatch):
        monkeypatch.setitem(sys.modules, "pyautoattack", None)  # it is not even asked for
        torch.manual_seed(0)
        classifier = nn.Sequential(nn.Flatten(), nn.Linear(16, classes))
        pixels = torch.rand(20, 1, 4, 4)
        with torch.no_grad():
            labels = classifier(pixels).argmax(1)
        result = evaluate(classifier, (pixels, labels), LinfBall(0.4))
        assert list(result.survived) == ATTACKS
        assert result.accuracies()["clean"] == 1 > result.accuracies()["worst_case"]
        assert result.flags == ("AutoAttack did not run: its losses are defined for 4 classes or more",)


class Counting(Linear):
    """Counts the images that it sees."""

    seen = 0

    def forward(self, images):
        Counting.seen += len(images)
        return super().forward(images)


def whole(folder, *, stop_after=None, **changes):
    """The evaluation, None if it was interrupted when a piece would begin, and how many images were seen."""
    classifier, images = linear_problem(16, kind=Counting)
    Counting.seen, said = 0, []

    def announce(text):
        said.append(text)
        if stop_after is not None and len(said) > stop_after:
            raise KeyboardInterrupt

    settings = {"tier": "quick", "batch_size": 8, "kept_in": str(folder / "parts.json"), **changes}
    if stop_after is not None:
        with pytest.raises(KeyboardInterrupt):
            evaluate(classifier, images, LinfBall(EPS), announce=announce, **settings)
        return None, Counting.seen
    return evaluate(classifier, images, LinfBall(EPS), announce=announce, **settings), Counting.seen


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """An evaluation that nobody interrupted, how many images were seen, and its pieces."""
    folder = tmp_path_factory.mktemp("finished")
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        measured_briefly(patch)
        return *whole(folder), (folder / "parts.json").read_text()


@pytest.mark.usefixtures("short")
class TestInterrupted:
    @pytest.mark.parametrize("stop_after", [1, 3, 7, 10])
    def test_goes_on_where_it_was(self, tmp_path, finished, stop_after):
        expected, cost, _ = finished
        _, left = whole(tmp_path, stop_after=stop_after)
        result, rest = whole(tmp_path)
        assert all(torch.equal(result.survived[name], kept) for name, kept in expected.survived.items())
        assert result.flags == expected.flags
        assert left + rest == cost + TRIED
        assert left > TRIED < rest
        assert whole(tmp_path)[1] == TRIED

    def test_an_attacker_of_another_strength_begins_anew(self, tmp_path):
        weak, strong = (PGM(steps=steps, step_size=EPS / 10, random_start=0.0) for steps in (1, 30))
        folders = {"before": (tmp_path, weak), "after": (tmp_path, strong), "alone": (tmp_path / "other", strong)}
        found = {
            name: whole(folder, own=own)[0].survived["own_attacker"] for name, (folder, own) in folders.items()
        }
        assert torch.equal(found["after"], found["alone"])
        assert not torch.equal(found["after"], found["before"])

    @pytest.mark.parametrize(
        "changes", [{"seed": 1}, {"tier": "standard"}, {"batch_size": 9}, {"random_draws": 2, "random_images": 9}]
    )
    def test_other_settings_begin_anew(self, tmp_path, finished, changes):
        """As many images are seen up to the third attack as where no piece is kept."""
        (tmp_path / "parts.json").write_text(finished[2])
        assert whole(tmp_path, stop_after=4)[1] == TRIED  # nothing has changed
        _, anew = whole(tmp_path, stop_after=4, **changes)
        assert anew == whole(tmp_path / "other", stop_after=4, **changes)[1] > TRIED

    @pytest.mark.parametrize("content", ["my notes", "[]", '{"pieces": {}}', "\x00"])
    def test_somebody_elses_file_is_not_replaced(self, tmp_path, content):
        (tmp_path / "parts.json").write_text(content)
        with pytest.raises(ValueError, match=r"kept_in=.*parts\.json holds something else than pieces"):
            whole(tmp_path)
        assert (tmp_path / "parts.json").read_text() == content

    @pytest.mark.parametrize(
        "damage",
        [
            lambda text: text[:-40],
            lambda text: text.replace('"1', '"0', 1),
            lambda text: "",
            lambda text: '{"identity": 3}',
        ],
    )
    def test_damaged_pieces_are_measured_again(self, tmp_path, finished, damage):
        expected, cost, before = finished
        damaged = damage(before)
        assert damaged != before
        (tmp_path / "parts.json").write_text(damaged)
        result, again = whole(tmp_path)
        assert again == cost
        assert result.accuracies() == expected.accuracies()
