"""Attacks made on one classifier and shown to another."""

import pytest
import torch
from on_paper import EPS, Linear, TwoRivals, linear_problem
from torch import nn

from minimax_l2l import FGSM, PGM, CNNUpdater, GradientAscent, InnerOptimizer, LearnedOptimizer, LinfBall
from tasks.adversarial import Attack, accuracy_per_query, evaluate, transfer, wilson_interval, withstands

ATTACKS = {"fgsm": FGSM(step_size=EPS), "pgm_20": PGM(steps=20, step_size=EPS / 10)}


class Turned(nn.Module):
    """Another classifier's answers with its gradient turned round: masked, and as easily misled as it."""

    def __init__(self, classifier):
        super().__init__()
        self.classifier = classifier

    def forward(self, images):
        return self.classifier(2 * images.detach() - images)


class Counting(Linear):
    def __init__(self):
        super().__init__()
        self.forwards = 0

    def forward(self, images):
        self.forwards += 1
        return super().forward(images)


class InPlace(Linear):
    def forward(self, images):
        logits = super().forward(images)
        images.detach().fill_(0.5)
        return logits


class TestTransfer:
    def test_a_classifier_as_its_own_surrogate_is_the_white_box(self):
        classifier, images = linear_problem(24, kind=TwoRivals)
        accuracies = evaluate(classifier, images, LinfBall(EPS), tier="quick").accuracies()
        rows = transfer({"it": classifier}, {"it": classifier}, ATTACKS, images, LinfBall(EPS), batch_size=7)
        assert {row.attack: row.accuracy for row in rows} == {
            name: pytest.approx(accuracies[name]) for name in ATTACKS
        }
        assert classifier.training

    def test_a_row_for_each_surrogate_attack_and_defence_with_its_interval(self):
        classifier, images = linear_problem(12)
        rows = transfer(
            {"a": classifier, "b": TwoRivals()},
            {"c": classifier, "d": Linear()},
            {**ATTACKS, "none": GradientAscent(steps=0)},
            images,
            LinfBall(EPS),
        )
        assert [(row.surrogate, row.attack, row.defence) for row in rows] == [
            (surrogate, attack, defence)
            for surrogate in ("c", "d")
            for attack in ("fgsm", "pgm_20", "none")
            for defence in ("a", "b")
        ]
        assert all(row.interval == wilson_interval(round(12 * row.accuracy), 12) for row in rows)
        assert rows[4].accuracy == pytest.approx(9 / 12)

    def test_masked_gradients_are_found_by_transfer(self):
        classifier, images = linear_problem(24)
        masked = Turned(classifier)
        white, black = transfer(
            {"masked": masked},
            {"itself": masked, "plain": classifier},
            {"fgsm": FGSM(step_size=EPS)},
            images,
            LinfBall(EPS),
        )
        assert white.accuracy > black.accuracy + 0.2

    def test_perturbations_are_made_once_for_all_defences(self):
        costs = []
        for count in (1, 3):
            surrogate, images = linear_problem(8, kind=Counting)
            surrogate.forwards = 0
            defences = {str(number): Linear() for number in range(count)}
            transfer(defences, {"surrogate": surrogate}, ATTACKS, images, LinfBall(EPS))
            costs.append(surrogate.forwards)
        assert costs[0] == costs[1] == 3 + 1 + 20  # three on trial

    def test_a_defence_may_change_what_it_is_given(self):
        classifier, images = linear_problem(12)
        one, two = transfer(
            {"first": InPlace(), "second": Linear()}, {"it": classifier}, ATTACKS, images, LinfBall(EPS)
        )[:2]
        assert one.accuracy == two.accuracy > 0

    def test_an_attack_that_leaves_the_ball_is_refused(self):
        class Leaving(InnerOptimizer):
            def step(self, oracle, y, state):
                return y + 0.5, state

        classifier, images = linear_problem(4)
        with pytest.raises(ValueError, match="Leaving left the ball"):
            transfer({"a": classifier}, {"b": classifier}, {"c": Leaving(steps=1)}, images, LinfBall(EPS))

    def test_classifiers_and_attacks_are_tried_first(self):
        classifier, images = linear_problem(4)
        with pytest.raises(TypeError, match="optimizer must be an inner optimizer"):
            transfer({"a": classifier}, {"b": classifier}, {"c": classifier}, images, LinfBall(EPS))
        narrow = nn.Sequential(nn.Flatten(), nn.Linear(16, 2))
        with pytest.raises(ValueError, match=r"\(narrow\) labels must lie in 0 ... 1"):
            transfer({"a": classifier}, {"narrow": narrow}, ATTACKS, images, LinfBall(EPS))


class TestPerQuery:
    def attacker(self, **options):
        torch.manual_seed(0)
        return LearnedOptimizer(CNNUpdater.light(channels=1, width=4), steps=2, random_start=0.5, **options)

    def test_beside_pgm_at_equal_queries(self):
        classifier, images = linear_problem(24)
        rows = accuracy_per_query(classifier, self.attacker(), images, LinfBall(EPS), queries=(1, 2, 5))
        assert [row.queries for row in rows] == [1, 2, 5]
        kept = withstands(classifier, images, LinfBall(EPS), self.attacker())
        assert rows[1].learned == pytest.approx(kept.float().mean().item())
        for row in rows:
            pgm = PGM(steps=row.queries, step_size=2.5 * EPS / row.queries)
            assert row.pgm == pytest.approx(
                withstands(classifier, images, LinfBall(EPS), pgm).float().mean().item()
            )

    def test_an_attacker_that_was_saved_meets_a_classifier_it_never_saw(self, tmp_path):
        classifier, images = linear_problem(12)
        attacker = self.attacker()
        Attack(attacker, LinfBall(EPS)).save_pretrained(tmp_path)
        again = Attack.from_pretrained(tmp_path).optimizer
        assert accuracy_per_query(classifier, again, images, LinfBall(EPS)) == accuracy_per_query(
            classifier, attacker, images, LinfBall(EPS)
        )

    def test_refusals(self):
        classifier, images = linear_problem(4)
        with pytest.raises(TypeError, match="attacker must be a LearnedOptimizer"):
            accuracy_per_query(classifier, PGM(steps=1, step_size=EPS), images, LinfBall(EPS))
        with pytest.raises(ValueError, match="queries must be"):
            accuracy_per_query(classifier, self.attacker(), images, LinfBall(EPS), queries=(0, 1))
