"""Accuracy against radius and steps: on paper, and as the evaluation has it."""

import pytest
import torch
from on_paper import EPS, Linear, TwoRivals, linear_problem, worst_rival
from short import cut_short

from minimax_l2l import CNNUpdater, L2Ball, LearnedOptimizer, LinfBall
from tasks.adversarial import accuracy_against_eps, accuracy_against_steps, evaluate, withstands


class TestEps:
    def test_on_paper(self):
        classifier, images = linear_problem(kind=TwoRivals)
        radii = [0.0, 0.02, 0.08, 1.0]
        accuracies = accuracy_against_eps(classifier, images, radii)
        wanted = [
            (worst_rival(classifier, images.images, images.labels, eps)[1] < 0).float().mean().item()
            for eps in radii
        ]
        assert accuracies[0] == pytest.approx(57 / 60)
        assert accuracies == pytest.approx(wanted)
        assert accuracies[-1] == 0
        assert classifier.training


class Counting(Linear):
    seen = 0

    def forward(self, images):
        Counting.seen += len(images)
        return super().forward(images)


class TestSteps:
    def test_more_steps_find_more(self):
        classifier, images = linear_problem(kind=TwoRivals)
        few, many = accuracy_against_steps(classifier, images, LinfBall(EPS), [1, 50])
        robust = worst_rival(classifier, images.images, images.labels, EPS)[1] < 0
        assert few > many == pytest.approx(robust.float().mean().item())
        assert classifier.training

    @pytest.mark.parametrize("threat", [LinfBall(EPS), L2Ball(0.3)])
    def test_its_points_are_those_of_the_evaluation(self, threat, monkeypatch):
        cut_short(monkeypatch)
        classifier, images = linear_problem(24, kind=TwoRivals)
        accuracies = evaluate(classifier, images, threat, tier="quick", seed=2).accuracies()
        curve = accuracy_against_steps(classifier, images, threat, [20, 100], seed=2, batch_size=7)
        assert curve == pytest.approx([accuracies["pgm_20"], accuracies["pgm_100"]])

    def test_is_one_attack(self):
        """So many gradients as the longest takes, and an answer for each look."""
        classifier, images = linear_problem(6, kind=Counting)
        Counting.seen = 0
        accuracy_against_steps(classifier, images, LinfBall(EPS), [1, 2, 5, 30])
        assert Counting.seen == 1 + 4 + 2 + 6 * (30 + 4)  # the first seven on trial

    def test_a_learned_attack_on_its_way_is_the_attack_of_as_many_steps(self):
        torch.manual_seed(0)
        classifier, images = linear_problem(24)
        updater = CNNUpdater.light(channels=1, width=4)
        for steps in (1, 3):
            short = LearnedOptimizer(updater, steps=steps, step_size=0.5, random_start=0.5)
            kept = withstands(classifier, images, LinfBall(EPS), short)
            (seen,) = accuracy_against_steps(classifier, images, LinfBall(EPS), [steps], optimizer=short)
            _, later = accuracy_against_steps(classifier, images, LinfBall(EPS), [0, steps], optimizer=short)
            assert seen == later == pytest.approx(kept.float().mean().item())

    @pytest.mark.parametrize("steps", [[], [2, 1], [3, 3]])
    def test_steps_ascend(self, steps):
        classifier, images = linear_problem(4)
        with pytest.raises(ValueError, match="steps must ascend, got"):
            accuracy_against_steps(classifier, images, LinfBall(EPS), steps)

    def test_an_attack_that_leaves_the_numbers_is_lost(self):
        class Rooted(Linear):
            def forward(self, images):
                return super().forward(images.sqrt())

        classifier, images = Rooted(), linear_problem(8)[1]
        pixels = images.images.clone()
        pixels[:, :, 0] = 0
        with pytest.warns(UserWarning, match="ended at NaN or infinity on 8 images, which count as lost"):
            assert accuracy_against_steps(classifier, (pixels, images.labels), LinfBall(EPS), [60]) == [0.0]
