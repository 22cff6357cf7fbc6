"""Data from anywhere, any loss, optimizer, schedule and augmentation: what a user brings is what is played."""

from functools import partial

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

from minimax_l2l import FGSM, PGM, GradientAscent, LinfBall, WeightAverage
from tasks.adversarial import (
    AdversarialTraining,
    CropAndFlip,
    ImageData,
    Images,
    SmallResNet,
    cross_entropy,
    evaluate,
    margin,
)

EPS = 0.1
LEVELS = torch.randint(0, 256, (48, 1, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(48) % 4
ATTACK = FGSM(step_size=EPS)


def net() -> SmallResNet:
    torch.manual_seed(0)
    return SmallResNet(classes=4, width=2)


def task(data=(LEVELS, LABELS), **options) -> AdversarialTraining:
    return AdversarialTraining(net(), data, LinfBall(EPS), **{"epochs": 2, "batch_size": 16, **options})


def weights(game: AdversarialTraining) -> torch.Tensor:
    game.solve(ATTACK, device="cpu")
    return torch.cat([weight.detach().flatten() for weight in game.classifier.parameters()])


def shuffled(**options) -> DataLoader:
    return DataLoader(TensorDataset(LEVELS, LABELS), batch_size=16, shuffle=True, **options)


class TestData:
    def test_bytes_arrays_floats_and_data_sets_play_the_same_game(self):
        images = Images(LEVELS, LABELS)
        sources = [
            (LEVELS.numpy(), LABELS.numpy()),
            (LEVELS.float() / 255, LABELS),
            images,
            TensorDataset(LEVELS, LABELS),
            ImageData("mine", images, images.first(8), images.first(8)),
        ]
        expected = weights(task())
        assert all(torch.equal(weights(task(source)), expected) for source in sources)

    def test_a_loader_is_asked_in_every_epoch(self):
        class Jittered(TensorDataset):
            def __getitem__(self, place):
                levels, label = super().__getitem__(place)
                return (levels.float() / 255 + 0.1 * torch.rand(1)).clamp(0, 1), label

        game = task(DataLoader(Jittered(LEVELS, LABELS), batch_size=16, shuffle=True))
        first, again = list(game.batches()), list(game.batches())
        assert len(first) == game.iterations == 6
        assert all(torch.equal(one.images, other.images) for one, other in zip(first, again, strict=True))
        assert not torch.equal(first[0].labels, first[3].labels)  # epochs have orders of their own
        assert [batch.step for batch in first] == list(range(6))

    @pytest.mark.parametrize("workers", [0, 1])
    def test_a_loader_leaves_random_numbers_alone(self, workers):
        game = task(shuffled(num_workers=workers, generator=torch.Generator()))
        torch.manual_seed(5)
        expected = torch.rand(8)
        torch.manual_seed(5)
        seen = []
        for batch in game.batches():
            seen.append(torch.rand(1))
            assert len(batch.images) == 16
        assert torch.equal(torch.cat(seen), expected[:6])

    def test_a_loader_of_unknown_length(self):
        class Stream(IterableDataset):
            def __iter__(self):
                return iter(zip(LEVELS, LABELS, strict=True))

        game = task(DataLoader(Stream(), batch_size=16))
        assert game.iterations is None
        assert game.solve(ATTACK, device="cpu").steps == 6

    def test_a_run_with_a_loader_goes_on_to_the_bit(self, tmp_path):
        expected = weights(task(shuffled()))
        task(shuffled()).solve(ATTACK, device="cpu", out=tmp_path, steps=4)
        rest = task(shuffled())
        rest.solve(ATTACK, device="cpu", out=tmp_path, resume=True)
        assert torch.equal(torch.cat([w.detach().flatten() for w in rest.classifier.parameters()]), expected)

    @pytest.mark.parametrize(
        ("data", "options", "error", "sentence"),
        [
            ("cifar.npz", {}, TypeError, r"got str 'cifar.npz'; of a NumPy archive pass from_npz\('cifar"),
            ((LEVELS, LABELS + 1), {}, ValueError, r"have 5 classes, .* shape \(1, 4\)"),
            ((LEVELS, LABELS - 1), {}, ValueError, r"training labels must lie in 0 ... 2"),
            ((LEVELS, LABELS * 0 - 100), {}, ValueError, r"training labels must lie in 0 ... 0"),
            ((LEVELS.float(), LABELS), {}, ValueError, r"images must lie in \[0, 1\]"),
            ((LEVELS.expand(48, 3, 8, 8), LABELS), {}, ValueError, r"cannot take an image of shape \(1, 3, 8, 8\)"),
            (
                ImageData("a", *[Images(LEVELS, LABELS)] * 3),
                {"validation": (LEVELS, LABELS)},
                ValueError,
                "of its own",
            ),
            (
                (LEVELS, LABELS),
                {"validation": (LEVELS, LABELS + 1)},
                ValueError,
                "validation labels must lie in 0 ... 3",
            ),
            ((LEVELS, LABELS), {"validation": (LEVELS[..., 1:], LABELS)}, ValueError, "images of one shape"),
            (shuffled(), {"remembers": True}, ValueError, "they need images in memory, and CropAndFlip"),
            ((LEVELS, LABELS), {"remembers": True, "augment": torch.flip}, ValueError, "remembers=False"),
            (
                (LEVELS, LABELS),
                {"augment": CropAndFlip(padding=8)},
                ValueError,
                r"pads by 8 pixels, .* 8 x 8 pixels; pass CropAndFlip\(padding=1\)",
            ),
            ((LEVELS, LABELS), {"validation_images": 0}, ValueError, "validation_images must be at least 1"),
            (
                DataLoader(TensorDataset(LEVELS, LABELS), batch_size=64, drop_last=True),
                {},
                ValueError,
                "has no batch",
            ),
        ],
    )
    def test_what_is_refused(self, data, options, error, sentence):
        with pytest.raises(error, match=sentence):
            task(data, **options)

    @pytest.mark.parametrize("part", ["sampler", "batch_sampler", "dataset"])
    def test_a_loader_over_an_iterator_that_is_used_up_after_one_epoch(self, part):
        pairs = list(zip(LEVELS, LABELS, strict=True))

        class Stream(IterableDataset):
            kept = iter(pairs)

            def __iter__(self):
                return self.kept

        loader = {
            "sampler": lambda: DataLoader(pairs, batch_size=16, sampler=iter(range(48))),
            "batch_sampler": lambda: DataLoader(pairs, batch_sampler=(range(n, n + 16) for n in (0, 16, 32))),
            "dataset": lambda: DataLoader(Stream(), batch_size=16),
        }[part]()
        with pytest.raises(ValueError, match=rf"the DataLoader's {part} gives the same \w+ in every epoch, which"):
            task(loader)

    def test_a_loader_that_shares_an_iterator_ends_with_a_sentence(self):
        rest = iter(list(zip(LEVELS, LABELS, strict=True)) * 2)

        class Stream(IterableDataset):
            def __iter__(self):
                yield from rest

        game = task(DataLoader(Stream(), batch_size=16))
        with pytest.raises(ValueError, match=r"the DataLoader has no batch in epoch 2, as an iterator"):
            game.solve(ATTACK, device="cpu")

    def test_a_run_with_a_shuffled_loader_goes_on_in_a_process_with_other_random_numbers(self, tmp_path):
        def game():
            held_out = DataLoader(TensorDataset(LEVELS, LABELS), batch_size=16, shuffle=True)
            made = net()
            torch.seed()
            return AdversarialTraining(
                made, shuffled(), LinfBall(EPS), epochs=2, validation=held_out, validation_images=8
            )

        game().solve(ATTACK, device="cpu", out=tmp_path, steps=4)
        assert game().solve(ATTACK, device="cpu", out=tmp_path, resume=True).steps == 6

    @pytest.mark.parametrize("labels", [LABELS + 1, LABELS - 1])
    def test_a_loader_with_labels_outside_the_classes(self, labels):
        game = task(DataLoader(TensorDataset(LEVELS, labels), batch_size=16))
        with pytest.raises(ValueError, match=r"training labels must lie in 0 ... 3 for 4 classes, got"):
            game.solve(ATTACK, device="cpu")


def loaded(labels) -> DataLoader:
    return DataLoader(TensorDataset(LEVELS, labels), batch_size=16)


class TestSizeOfBatches:
    def test_a_loader_has_its_own(self):
        for size in (None, 16):
            game = task(shuffled(), batch_size=size)
            assert (game.batch_size, len(next(iter(game.batches())).images)) == (16, 16)
        assert task(DataLoader(TensorDataset(LEVELS, LABELS), batch_size=96), batch_size=96).batch_size == 48

    @pytest.mark.parametrize("size", [1, 15, 48, 64])
    def test_another_one_is_refused_beside_a_loader(self, size):
        sentence = (
            rf"batch_size={size} would not be heeded, for the DataLoader has batches of 16 images; leave it out"
        )
        with pytest.raises(ValueError, match=sentence):
            task(shuffled(), batch_size=size)
        assert task(shuffled().dataset, batch_size=size).batch_size == min(size, 48)

    def test_is_64_if_nobody_says(self):
        labels = torch.arange(130) % 4
        assert task((LEVELS[:1].expand(130, 1, 8, 8), labels), batch_size=None).batch_size == 64


class TestLabelsFrom1:
    """Class 0 is empty and every other is not: what that means is said, and what to do."""

    @pytest.fixture
    def five(self):
        """Trains a classifier with one logit more than there are classes."""
        torch.manual_seed(0)
        five = SmallResNet(classes=5, width=2)
        return lambda data: AdversarialTraining(five, data, LinfBall(EPS), epochs=2, batch_size=16)

    @pytest.mark.parametrize(
        "source",
        [
            lambda labels: (LEVELS, labels),
            lambda labels: (LEVELS.numpy(), labels.numpy()),
            lambda labels: TensorDataset(LEVELS, labels),
            lambda labels: ImageData("mine", *[Images(LEVELS, labels)] * 3),
            lambda labels: ImageData("mine", *[Images(LEVELS, labels)] * 3, classes=5),
            loaded,
        ],
    )
    def test_are_told_once(self, source, five, recwarn):
        five(source(LABELS + 1)).solve(ATTACK, device="cpu")
        (told,) = (str(one.message) for one in recwarn if "class 0" in str(one.message))
        (where,) = (one.filename for one in recwarn if "class 0" in str(one.message))
        assert where == __file__ or source is loaded  # a loader's labels are seen in the run
        assert told == (
            "the training labels go from 1 to 4 and class 0 never occurs; number the classes from 0: labels - 1."
        )

    @pytest.mark.parametrize("labels", [LABELS, LABELS.clamp(min=2), LABELS * 0 + 1, LABELS.clamp(min=1) + 1])
    def test_other_classes_may_be_empty(self, labels, five, recwarn):
        for data in ((LEVELS, labels), loaded(labels)):
            five(data).solve(ATTACK, device="cpu")
        assert not [one for one in recwarn if "class 0" in str(one.message)]

    def test_a_class_in_the_middle_is_missed_where_images_are_many(self):
        def images(count):
            return Images(LEVELS[:1].expand(count, 1, 8, 8), (labels := torch.arange(count) % 4) + (labels > 1))

        net = SmallResNet(classes=5, width=2)
        with pytest.warns(UserWarning, match=r"^1 of 5 classes have no training image \(2\), so these cannot be"):
            AdversarialTraining(net, ImageData("mine", *[images(100)] * 3, classes=5), LinfBall(EPS))
        AdversarialTraining(net, ImageData("mine", *[images(96)] * 3, classes=5), LinfBall(EPS))

    def test_a_classifier_with_a_logit_for_each_class_is_right(self):
        with pytest.raises(ValueError, match=r"class 0 never occurs, so number the classes from 0: labels - 1\.$"):
            task((LEVELS, LABELS + 1))
        assert task((LEVELS, LABELS + 1 - 1))

    def test_a_classifier_with_fewer_logits(self):
        with pytest.raises(ValueError, match=r"labels - 1, and give the classifier logits of shape \(n, 6\)\.$"):
            task((LEVELS, torch.arange(48) % 6 + 1))

    def test_parts_and_batches_outside_the_classes(self):
        parts = [Images(LEVELS, LABELS)] * 2, Images(LEVELS, LABELS + 1)
        for wrong in (
            lambda: ImageData("mine", *parts[0], parts[1], classes=4),
            lambda: task(validation=parts[1]),
            lambda: task(loaded(LABELS + 1)).solve(ATTACK, device="cpu"),
            lambda: evaluate(net(), parts[1], LinfBall(EPS)),
        ):
            with pytest.raises(ValueError, match=r"got 1 to 4; number the classes from 0: labels - 1\.$"):
                wrong()


class TestValidation:
    def test_there_are_no_images_for_it(self):
        with pytest.raises(
            ValueError, match="validate_every asks for a validation, but there are no images for it"
        ):
            task().solve(ATTACK, device="cpu", validate_every=1)

    def test_it_is_a_sample_and_the_same_one_every_time(self):
        game = task(validation=(LEVELS, LABELS), validation_images=10)
        assert len(game.data.validation) == 10
        assert game.validate(ATTACK) == game.validate(ATTACK)
        other = task(validation=TensorDataset(LEVELS, LABELS), validation_images=10)
        assert torch.equal(game.data.validation.images, other.data.validation.images)
        assert len(set(game.data.validation.labels.tolist())) > 1
        assert len(task(validation=(LEVELS, LABELS), validation_images=None).data.validation) == 48

    def test_numbers(self):
        row = task(validation=(LEVELS, LABELS)).validate(GradientAscent(steps=0))
        assert set(row) == {"validation_clean", "validation_pgm_10", "attack_ratio"}
        assert row["validation_pgm_10"] <= row["validation_clean"]
        assert row["attack_ratio"] < 1


class TestLoss:
    def test_attacker_and_classifier_use_it(self):
        game = task(loss=margin)
        problem = game.inner_problem(game.batches()[0])
        y = PGM(steps=2, step_size=EPS).maximize(problem).y
        logits = game.classifier(problem.view(y))
        assert torch.equal(problem.objective(y), margin(logits, problem.labels))
        losses = game.losses(problem, y)
        game.classifier.eval()
        assert losses.outer.shape == ()
        assert not torch.equal(weights(task(loss=margin)), weights(task()))

    def test_cross_entropy_with_smoothing(self):
        smooth = partial(nn.functional.cross_entropy, reduction="none", label_smoothing=0.1)
        assert task(loss=smooth).solve(ATTACK, device="cpu").steps == 6

    def test_one_number_for_the_batch_is_refused(self):
        with pytest.raises(ValueError, match=r"one value per image, shape \(2,\), got \(\)"):
            task(loss=nn.functional.cross_entropy).solve(ATTACK, device="cpu")


class TestOptimizer:
    @pytest.mark.parametrize("kind", [torch.optim.AdamW, torch.optim.RMSprop, torch.optim.Adagrad])
    def test_any_of_torch(self, kind):
        game = task(optimizer=partial(kind, lr=0.01))
        assert type(game.outer_optimizer()) is kind
        assert game.outer_schedule(game.outer_optimizer()) is None
        assert game.solve(ATTACK, device="cpu").steps == 6

    def test_one_that_is_there_already(self):
        classifier = net()
        own = torch.optim.SGD(classifier.parameters(), lr=0.05)
        game = AdversarialTraining(
            classifier, (LEVELS, LABELS), LinfBall(EPS), epochs=2, batch_size=16, optimizer=own
        )
        assert torch.equal(weights(game), weights(task(optimizer=partial(torch.optim.SGD, lr=0.05))))

    def test_a_schedule_over_the_steps_of_the_run(self):
        rates = []

        def down(optimizer, steps):
            rates.append(steps)
            return torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / steps)

        game = task(optimizer=partial(torch.optim.SGD, lr=0.1), schedule=down)
        seen = game.outer_optimizer()
        assert game.outer_schedule(seen).get_last_lr() == [0.1]
        game.solve(ATTACK, device="cpu")
        assert rates == [6, 6]


class TestAugment:
    def test_every_batch_is_changed_anew_and_a_run_goes_on_to_the_bit(self, tmp_path):
        def flip(images):
            return torch.where(torch.rand(len(images), 1, 1, 1) < 0.5, images.flip(-1), images)

        expected = weights(task(augment=flip))
        assert not torch.equal(weights(task()), expected)
        task(augment=flip).solve(ATTACK, device="cpu", out=tmp_path, steps=4)
        rest = task(augment=flip)
        rest.solve(ATTACK, device="cpu", out=tmp_path, resume=True)
        assert torch.equal(torch.cat([w.detach().flatten() for w in rest.classifier.parameters()]), expected)

    def test_crops_and_flips_follow_the_seed_and_a_run_goes_on_to_the_bit(self, tmp_path):
        expected = weights(task(augment=CropAndFlip(2)))
        assert torch.equal(weights(task(augment=CropAndFlip(2))), expected)
        assert not torch.equal(weights(task()), expected)
        task(augment=CropAndFlip(2)).solve(ATTACK, device="cpu", out=tmp_path, steps=4)
        with pytest.raises(ValueError, match=r"was run with task\.augment\.padding=2, not 1"):
            task(augment=CropAndFlip(1)).solve(ATTACK, device="cpu", out=tmp_path, resume=True)
        rest = task(augment=CropAndFlip(2))
        rest.solve(ATTACK, device="cpu", out=tmp_path, resume=True)
        assert torch.equal(torch.cat([w.detach().flatten() for w in rest.classifier.parameters()]), expected)

    def test_crops_and_flips_of_a_loader(self):
        loader = DataLoader(TensorDataset(LEVELS, LABELS), batch_size=16)
        batches = list(task(loader, augment=CropAndFlip(2)).batches())
        assert len(batches) == 6
        for batch in batches:
            images = LEVELS[batch.indices].float() / 255
            assert torch.equal(batch.images, batch.placement.apply(images))
            assert not torch.equal(batch.images, images)

    @pytest.mark.parametrize(
        "augment", [lambda images: images[:3], lambda images: images.double(), lambda images: None]
    )
    def test_what_comes_back_is_checked(self, augment):
        with pytest.raises((TypeError, ValueError), match=r"augment must return .*, got "):
            task(augment=augment).solve(ATTACK, device="cpu")


def test_together_with_a_weight_average():
    average = WeightAverage(0.9)
    task(loss=cross_entropy, validation=(LEVELS, LABELS)).solve(ATTACK, device="cpu", hooks=[average])
    assert isinstance(average.module, SmallResNet)
