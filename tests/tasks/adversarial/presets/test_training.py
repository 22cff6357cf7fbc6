"""The settings of a training preset: what each changes in the game, what is evaluated, what is refused."""

from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch
from own_images import archive

from minimax_l2l import BestWeights, CNNUpdater, WeightAverage
from minimax_l2l.lab import play
from minimax_l2l.training import runtime
from tasks.adversarial import CropAndFlip, Mart, OnAttacked, StridedCNN, Trades, WideResNet, cross_entropy, smoothed
from tasks.adversarial.data.public import PUBLIC
from tasks.adversarial.presets.digits import DIGITS
from tasks.adversarial.presets.images import IMAGES, SCALES
from tasks.adversarial.presets.methods import METHODS
from tasks.adversarial.presets.runs import load_run
from tasks.adversarial.presets.settings import DATASETS, Precision
from tasks.adversarial.presets.training import LearnedPreset

PLAIN, LEARNED = "adversarial/digits-plain", "adversarial/digits-grad-l2l"


def built(name=PLAIN, **settings):
    return replace(DIGITS[name], **settings).build()


@pytest.fixture
def images(tmp_path, monkeypatch):
    """A user's own images in the working folder."""
    monkeypatch.chdir(tmp_path)
    return archive()


class TestWhatIsEvaluated:
    @pytest.mark.parametrize(
        ("settings", "hook", "folder"),
        [({"weight_averaging": 0.9}, WeightAverage, "average"), ({"early_stopping": True}, BestWeights, "best")],
    )
    def test_other_weights_than_the_last(self, images, settings, hook, folder):
        preset = replace(DIGITS["adversarial/digits-fgsm-rs"], data=images, eps=0.15, epochs=2, **settings)
        (made,) = preset.build().hooks
        assert type(made) is hook
        play("adversarial/digits-fgsm-rs", preset, Path("run"), device="cpu")
        assert preset.weights == folder
        assert (Path("run") / folder / "model.safetensors").is_file()
        kept = load_run(preset, Path("run")).classifier.state_dict()
        last = load_run(replace(preset, weight_averaging=0.0, early_stopping=False), Path("run"))
        if folder == "average":
            assert any(not torch.equal(kept[key], value) for key, value in last.classifier.state_dict().items())

    def test_the_last_weights_if_nothing_is_said(self):
        assert DIGITS[PLAIN].weights == "model"
        assert built().hooks == []


class TestWhatThetaDescends:
    @pytest.mark.parametrize(
        ("name", "kind", "inner"),
        [
            (PLAIN, OnAttacked, "loss"),
            ("adversarial/digits-trades-10", Trades, "loss"),
            ("adversarial/digits-mart-10", Mart, "loss"),
        ],
    )
    def test_labels_are_smoothed_in_it_and_y_ascends_plain_cross_entropy(self, name, kind, inner):
        task = built(name, label_smoothing=0.2).task
        logits, labels = torch.randn(5, 10), torch.arange(5)
        assert type(task.outer_loss) is kind
        torch.testing.assert_close(getattr(task.outer_loss, inner)(logits, labels), smoothed(0.2)(logits, labels))
        assert task.loss is cross_entropy

    def test_nothing_of_its_own_without(self):
        assert built().task.outer_loss is None


class TestImages:
    def test_crops_and_flips(self):
        assert built().task.augment is None
        for settings in ({"crop": 2, "flip": True}, {"crop": 1}, {"flip": True}):
            augment = built(**settings).task.augment
            assert type(augment) is CropAndFlip
            assert (augment.padding, augment.flip) == (settings.get("crop", 0), settings.get("flip", False))

    def test_the_first_of_them_alone(self):
        whole, some = (built(train_images=count).task.data.train for count in (None, 100))
        assert len(some) == 100
        assert torch.equal(some.images, whole.images[:100])

    def test_more_than_there_are(self):
        whole, more = (built(train_images=count).task.data.train for count in (None, 99999))
        assert torch.equal(more.images, whole.images)

    def test_public_data_sets_have_these_names(self):
        assert set(DATASETS) == set(PUBLIC)

    def test_precisions_are_those_of_a_run(self):
        assert get_args(Precision) == get_args(runtime.Precision)


@pytest.mark.parametrize("step", [1, 30, 60, 90])
def test_the_learning_rate_falls_three_times(step):
    task = built(schedule="multi-step", epochs=1, batch_size=12).task
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    task.iterations = 100
    schedule = task.outer_schedule(optimizer)
    for _ in range(step):
        optimizer.step()
        schedule.step()
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.1 ** (1 + step // 30))


class TestTheAttacker:
    def test_its_step_size(self):
        assert built("adversarial/digits-pgm-2", step_size=0.5).optimizer.step_size == 0.5 * 0.15

    @pytest.mark.parametrize(("attacker", "width"), [("light", 8), ("slim", 128), ("wide", 64), ("slim", 4)])
    def test_its_network(self, attacker, width):
        given = {} if width != 4 else {"attacker_width": 4}
        updater = built(LEARNED, attacker=attacker, **given).optimizer.updater
        assert type(updater) is CNNUpdater
        assert (updater.architecture, updater.width) == (attacker, width)

    def test_a_wide_one_takes_odd_images(self, tmp_path):
        train, test = np.zeros((60, 9, 9), np.uint8), np.zeros((20, 9, 9), np.uint8)
        data = archive(tmp_path / "odd.npz", x_train=train, x_test=test)
        with pytest.raises(ValueError, match=r"the light attacker halves images.* got 9 x 9"):
            built(LEARNED, data=data, eps=0.1)
        assert built(LEARNED, data=data, eps=0.1, attacker="wide").optimizer.steps == 1


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"weight_averaging": 1.0}, "weight_averaging must lie below 1"),
        ({"weight_averaging": -0.1}, "weight_averaging must"),
        ({"weight_averaging": 0.9, "early_stopping": True}, "early_stopping and weight_averaging=0.9"),
        ({"label_smoothing": 1.5}, "label_smoothing must"),
        ({"crop": -1}, "crop must"),
        ({"train_images": 0}, "train_images must"),
        ({"step_size": 0.0}, "step_size must"),
        ({"schedule": "cosine"}, "there is no schedule 'cosine'"),
        ({"attacker_width": 8}, "Plain has no network"),
        ({"precision": "16"}, "there is no precision '16'"),
        ({"dataset": "cifar"}, "there is no dataset 'cifar'"),
        ({"dataset": "cifar10"}, "is read from a folder; name it with --data"),
    ],
)
def test_what_makes_no_sense_is_refused(settings, match):
    with pytest.raises(ValueError, match=match):
        replace(DIGITS[PLAIN], **settings)


class TestScales:
    def test_every_method_has_every_scale(self):
        assert len(IMAGES) == len(METHODS) * len(SCALES)
        with pytest.raises(ValueError, match="trains on images of your own; name their file or folder with --data"):
            IMAGES["adversarial/images-plain-cpu"].build()

    def test_the_papers_settings(self):
        preset = IMAGES["adversarial/images-two-step-l2l-paper"]
        assert isinstance(preset, LearnedPreset)
        assert (preset.eps, preset.epochs, preset.batch_size, preset.learning_rate) == (0.031, 100, 128, 0.1)
        assert (preset.momentum, preset.weight_decay, preset.crop, preset.flip) == (0.9, 2e-4, 4, True)
        assert preset.schedule == "multi-step"
        assert (preset.classifier, preset.attacker, preset.inner_steps) == ("wrn-34-10", "wide", 2)
        pgm = IMAGES["adversarial/images-pgm-10-paper"]
        assert pgm.row.step_size * pgm.eps == pytest.approx(0.007)

    def test_any_radius_below_1_goes_with_noise_that_is_wider(self, images):
        task = replace(IMAGES["adversarial/images-n-fgsm-cpu"], data=images, eps=0.4).build().task
        assert (task.threat.eps, task.validated_at.eps) == (pytest.approx(1.2), 0.4)
        with pytest.raises(ValueError, match=r"a radius of 1\.2 lets an attacker replace every image"):
            replace(IMAGES["adversarial/images-n-fgsm-cpu"], data=images, eps=1.2).build()

    def test_one_plays_on_images_of_ones_own(self, images):
        """Few as they are: 10,000 is how many it takes at most."""
        preset = replace(IMAGES["adversarial/images-grad-l2l-cpu"], data=images, eps=0.1)
        assert preset.train_images == 10_000
        task = preset.build().task
        assert type(task.classifier) is StridedCNN
        assert type(replace(preset, classifier="wrn-10-1").build().task.classifier) is WideResNet
