"""Warnings of a training that goes wrong: thresholds by hand, and runs that do and that do not."""

import warnings
from dataclasses import replace
from functools import partial

import pytest
import torch
from large_digits import larger, small_cnn
from torch import nn

from minimax_l2l import FGSM, PGM, CNNUpdater, GradientAscent, IterateFeatures, LearnedOptimizer, LinfBall
from tasks.adversarial import AdversarialTraining, SmallResNet, digits
from tasks.adversarial.alarm import Alarm


def said(*validations, learns=False, alarm=None) -> list[str]:
    """The warnings after a first validation at which nothing is wrong."""
    if alarm is None:
        alarm = Alarm()
        alarm.see(0.2, 0.2, 1.0, learns=learns)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for own, robust, ratio in validations:
            alarm.see(own, robust, ratio, learns=learns)
    return [str(warning.message).split(":")[0] for warning in caught]


OVERFIT, STOPPED = "catastrophic overfitting", "the attacker has stopped attacking"


class TestThresholds:
    @pytest.mark.parametrize("learns", [True, False])
    def test_a_quarter_of_what_the_own_attack_leaves(self, learns):
        assert said((0.8, 0.21, 0.9), learns=learns) == []
        assert said((0.8, 0.19, 0.9), learns=learns) == [OVERFIT]
        assert said((0.29, 0.0, 0.9), learns=learns) == []  # the own attack still breaks most images

    def test_half_of_its_best_and_of_what_the_own_attack_leaves(self):
        assert said((0.6, 0.5, 0.9), (0.7, 0.26, 0.9)) == []
        assert said((0.6, 0.5, 0.9), (0.7, 0.24, 0.9)) == [OVERFIT]
        assert said((0.6, 0.5, 0.9), (0.4, 0.22, 0.9)) == []  # everything has become worse
        assert said((0.7, 0.24, 0.9)) == []

    def test_two_in_a_row(self):
        idle, busy = (0.9, 0.1, 0.19), (0.5, 0.5, 0.21)
        assert said(idle, busy, idle, busy, learns=True) == []
        assert said(busy, idle, idle, learns=True) == [STOPPED]
        assert said(idle, idle, idle, idle, learns=True) == [STOPPED]
        assert said(idle, idle) == [OVERFIT]  # who has no phi has not stopped

    def test_nothing_is_said_of_the_first(self):
        idle = (0.9, 0.1, 0.1)
        assert said(idle, alarm=Alarm()) == said(idle, idle, alarm=Alarm(), learns=True) == []
        assert said(idle, idle, idle, alarm=Alarm(), learns=True) == [STOPPED]

    def test_each_is_said_once(self):
        overfit, idle = (0.9, 0.1, 0.5), (0.9, 0.1, 0.1)
        assert said(overfit, idle, idle, overfit, idle, idle, learns=True) == [OVERFIT, STOPPED]

    def test_a_ratio_that_is_not_known(self):
        """It ends a row of validations at which the attacker was idle, and nobody says that it has stopped."""
        idle, lost, alarm = (0.9, 0.1, 0.1), (0.9, 0.9, float("nan")), Alarm()
        assert said((0.2, 0.2, 1.0), idle, lost, idle, learns=True, alarm=alarm) == []
        assert said(lost, lost, lost, learns=True, alarm=alarm) == []
        with pytest.warns(UserWarning, match="mean loss on the validation images is NaN or infinite"):
            alarm.lose()
        again = Alarm()
        again.load_state_dict(alarm.state_dict())
        again.lose()  # said once, and warnings are errors

    def test_three_in_a_row_at_which_nothing_is_learned(self):
        def heads(*validations, alarm):
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                for accuracy, harm in validations:
                    alarm.see_clean(accuracy, 0.1, harm)
            return [str(warning.message).split(":")[0] for warning in caught]

        blank, begun, hurt = (0.119, 0.0005), (0.121, 0.0005), (0.1, 0.002)
        unknown = (0.1, float("nan"))
        assert heads(blank, blank, begun, blank, blank, hurt, blank, blank, unknown, alarm=Alarm()) == []
        first, again = Alarm(), Alarm()
        assert heads(blank, blank, alarm=first) == []
        again.load_state_dict(first.state_dict())
        assert heads(blank, blank, alarm=again) == ["the classifier learns nothing"]

    def test_one_is_enough_after_the_last_step(self):
        def heads(alarm, *, own=0.5, robust=0.5, ratio=1.0, learns=False, accuracy=0.5, harm=0.5):
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                alarm.see_clean(accuracy, 0.1, harm, last=True)
                alarm.see(own, robust, ratio, learns=learns, last=True)
            return [str(warning.message).split(":")[0] for warning in caught]

        assert heads(Alarm()) == []
        assert heads(Alarm(), accuracy=0.1, harm=0.0) == ["the classifier learns nothing"]
        assert heads(Alarm(), own=0.8, robust=0.1) == [OVERFIT]
        assert heads(Alarm(), own=0.8, robust=0.1, ratio=0.1, learns=True) == [STOPPED]

    def test_state_comes_back(self):
        idle, again = (0.9, 0.1, 0.1), Alarm()
        first = Alarm()
        assert said((0.2, 0.2, 1.0), idle, learns=True, alarm=first) == []
        again.load_state_dict(first.state_dict())
        assert said(idle, learns=True, alarm=again) == [STOPPED]
        first.load_state_dict(again.state_dict())
        assert said(idle, learns=True, alarm=first) == []


def collapsing() -> AdversarialTraining:
    torch.manual_seed(0)
    data = digits()
    return AdversarialTraining(
        small_cnn(),
        larger(data.train),
        LinfBall(0.3),
        validation=larger(data.validation.first(120)),
        optimizer=partial(torch.optim.Adam, lr=5e-3),
        epochs=14,
        query_mode="train",
    )


def naive() -> LearnedOptimizer:
    return LearnedOptimizer(CNNUpdater.light(channels=1, inputs=1, width=8), features=IterateFeatures())


def grad(steps: int, step_size: float, random_start: float) -> LearnedOptimizer:
    updater = CNNUpdater.light(channels=1, width=8, gain=16.0)
    return LearnedOptimizer(updater, steps=steps, step_size=step_size, random_start=random_start)


def words(game: AdversarialTraining, optimizer, every=38, **options) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        game.solve(optimizer, device="cpu", validate_every=every, **options)
    heads = [str(warning.message).split(":")[0] for warning in caught]
    return [head for head in heads if head in (OVERFIT, STOPPED)]


class TestRuns:
    @pytest.mark.parametrize(("epochs", "expected"), [(2, []), (3, ["the classifier learns nothing"])])
    def test_a_dead_network_is_told_at_the_end_of_50_steps(self, epochs, expected):
        net = nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.ReLU(), nn.Linear(8, 10))
        with torch.no_grad():
            net[1].weight.zero_()
            net[1].bias.fill_(-1)
        game = AdversarialTraining(net, digits(), LinfBall(0.1), epochs=epochs, learning_rate=1e-3)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            game.solve(PGM(steps=1, step_size=0.1), device="cpu", validate_every=1000)
        assert [str(warning.message).split(":")[0] for warning in caught] == expected

    def test_catastrophic_overfitting_of_one_large_sign_step_is_said_once_and_not_again_after_resuming(
        self, tmp_path
    ):
        attack, game = FGSM(step_size=0.6, random_start=1.0), collapsing()
        assert words(collapsing(), attack, out=tmp_path, steps=228) == [OVERFIT]
        assert words(game, attack, out=tmp_path, resume=True) == []
        validation = game.validate(attack)
        assert validation["validation_clean"] > 0.6
        assert validation["validation_pgm_10"] < 0.1

    @pytest.mark.parametrize(
        ("optimizer", "expected"),
        [
            (naive(), [STOPPED]),
            (grad(1, 2.0, 1.0), []),
            (grad(2, 1.0, 0.5), []),
            (PGM(steps=2, step_size=0.1), []),
            (FGSM(step_size=0.15), []),
            (GradientAscent(steps=0), []),
        ],
        ids=["naive", "grad", "two-step", "PGM-2", "FGSM", "plain"],
    )
    def test_on_the_digits(self, optimizer, expected):
        torch.manual_seed(0)
        data = replace(digits(), validation=digits().validation.first(120))
        game = AdversarialTraining(
            SmallResNet(width=4), data, LinfBall(0.15), epochs=3, query_mode="train", weight_decay=2e-3
        )
        assert words(game, optimizer, every=19) == expected

    @pytest.mark.parametrize(
        "optimizer", [GradientAscent(steps=0), PGM(steps=1, step_size=0.1)], ids=["plain", "PGM"]
    )
    @pytest.mark.parametrize("lost", [float("nan"), float("inf")])
    def test_a_loss_that_is_lost_is_said(self, lost, optimizer):
        """Logits that are NaN on one image: argmax would take them for the first class, which is its own."""

        class Lost(nn.Module):
            def __init__(self):
                super().__init__()
                self.head = nn.Linear(64, 2)

            def forward(self, images):
                return self.head(images.flatten(1)) + torch.where(images.amax((1, 2, 3)) > 0.9, lost, 0.0)[:, None]

        images = torch.full((4, 1, 8, 8), 0.2)
        held_out = torch.cat([images[:3], torch.ones(1, 1, 8, 8)])
        game = AdversarialTraining(
            Lost(), (images, [0, 1, 0, 1]), LinfBall(0.05), validation=(held_out, [0, 0, 1, 0]), epochs=1
        )
        with pytest.warns(UserWarning, match=r"so attack_ratio is NaN\. Images whose .* count as lost"):
            found = game.validate(optimizer)
        assert found["attack_ratio"] != found["attack_ratio"]
        with torch.no_grad():
            right = (game.classifier(images[:3]).argmax(1) == torch.tensor([0, 0, 1])).sum().item()
        assert found["validation_clean"] == right / 4
