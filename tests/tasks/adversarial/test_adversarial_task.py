"""Adversarial training: its batches, its random starts, BatchNorm, validation, and that it makes a net robust."""

import re

import pytest
import torch
from torch import nn

from minimax_l2l import PGM, CNNUpdater, GradientAscent, L2Ball, LearnedOptimizer, LinfBall
from minimax_l2l.modes import resting
from tasks.adversarial import (
    AdversarialTraining,
    ImageData,
    Images,
    PerturbationProblem,
    SmallResNet,
    cross_entropy,
    digits,
)
from tasks.adversarial.evaluation.robustness import withstands

EPS = 0.15


def small(count: int = 40) -> ImageData:
    """A few of the digits."""
    whole = digits()
    return ImageData(
        "digits", whole.train.first(count), whole.validation.first(30), whole.test.first(30), 10, whole.sha256
    )


def task(*, count: int = 40, **options) -> AdversarialTraining:
    torch.manual_seed(0)
    return AdversarialTraining(
        SmallResNet(width=2), small(count), LinfBall(EPS), **{"epochs": 3, "batch_size": 16, **options}
    )


class TestBatches:
    def test_are_the_same_each_time(self):
        for one, other in zip(task().batches(), task().batches(), strict=True):
            assert torch.equal(one.indices, other.indices)
            assert torch.equal(one.images, other.images)

    def test_depend_on_the_seed(self):
        one, other = next(iter(task().batches())), next(iter(task(seed=1).batches()))
        assert not torch.equal(one.indices, other.indices)

    def test_each_epoch_is_an_order_of_its_own(self):
        batches = list(task(batch_size=10).batches())
        assert len(batches) == task(batch_size=10).iterations == 12
        epochs = [torch.cat([batch.indices for batch in batches[4 * k : 4 * k + 4]]) for k in range(3)]
        assert all(sorted(epoch.tolist()) == list(range(40)) for epoch in epochs)
        assert len({tuple(epoch.tolist()) for epoch in epochs}) == 3

    def test_the_last_incomplete_one_is_dropped(self):
        batches = list(task().batches())
        assert len(batches) == task().iterations == 3 * 2
        assert all(len(batch.images) == 16 for batch in batches)
        assert len(set(torch.cat([batch.indices for batch in batches[:2]]).tolist())) == 32

    def test_carry_their_images_labels_numbers_and_step(self):
        game = task()
        for step, batch in enumerate(game.batches()):
            assert batch.step == step
            assert torch.equal(batch.images, game.data.train.images[batch.indices])
            assert torch.equal(batch.labels, game.data.train.labels[batch.indices])

    def test_may_be_larger_than_the_data(self):
        assert task(batch_size=64).iterations == 3
        assert [len(batch.images) for batch in task(batch_size=64).batches()] == [40, 40, 40]

    def test_from_a_step_on(self):
        assert [batch.step for batch in task().batches_from(4)] == [4, 5]

    @pytest.mark.parametrize(
        ("name", "value", "sentence"),
        [
            ("epochs", -1, "epochs must be at least 0"),
            ("batch_size", 0, "batch_size must be at least 1"),
            ("learning_rate", 0.0, "learning_rate must be a finite number above 0"),
            ("query_mode", "evaluate", "there is no query_mode 'evaluate'; did you mean 'eval'?"),
        ],
    )
    def test_options_that_make_no_sense(self, name, value, sentence):
        with pytest.raises(ValueError, match=sentence):
            task(**{name: value})

    def test_an_outer_loss_that_is_reduced(self):
        sentence = "outer_loss was tried as a loss: the loss must return one value per image, shape (2,), got ()"
        with pytest.raises(ValueError, match="^" + re.escape(sentence)):
            task(outer_loss=lambda logits, labels: cross_entropy(logits, labels).mean())

    def test_a_loss_of_complex_numbers(self):
        with pytest.raises(TypeError, match=r"the loss must return real numbers, got torch.complex64"):
            task(loss=lambda logits, labels: cross_entropy(logits, labels) * 1j)

    def test_fewer_logits_than_classes(self):
        sentence = re.escape("have 10 classes, the classifier turns an image into logits of shape (1, 9); give it")
        with pytest.raises(ValueError, match=sentence):
            AdversarialTraining(SmallResNet(classes=9, width=2), small(), LinfBall(EPS))

    def test_counting_logits_leaves_the_classifier_as_it_was(self):
        classifier = SmallResNet(classes=12, width=2).train()
        before = statistics(classifier)
        AdversarialTraining(classifier, small(), LinfBall(EPS))
        assert classifier.training
        assert all(torch.equal(value, before[name]) for name, value in classifier.named_buffers())

    def test_a_radius_is_no_threat(self):
        with pytest.raises(TypeError, match=r"LinfBall\(eps\) or L2Ball\(eps\), got float 0\.1; 8 of 255"):
            AdversarialTraining(SmallResNet(width=2), small(), 0.1)


class TestRandomStarts:
    @pytest.mark.parametrize("threat", [LinfBall(EPS), L2Ball(1.0)])
    def test_belong_to_the_image_and_not_to_its_place_in_the_batch(self, threat):
        data, classifier = small(), SmallResNet(width=2).eval()
        attack = PGM(steps=0, step_size=0.1)

        def start(indices: torch.Tensor, *, step: int = 5, seed: int = 0) -> torch.Tensor:
            part = data.train
            problem = PerturbationProblem(
                classifier,
                part.images[indices],
                part.labels[indices],
                threat,
                indices=indices,
                step=step,
                seed=seed,
            )
            return attack.start(problem)

        indices = torch.tensor([3, 11, 30, 7])
        places = torch.tensor([2, 0, 3, 1])
        whole = start(indices)
        assert torch.equal(start(indices[places]), whole[places])
        assert torch.equal(torch.cat([start(indices[:1]), start(indices[1:])]), whole)
        assert len(whole.flatten(1).unique(dim=0)) == 4
        assert not torch.equal(start(indices, step=6), whole)
        assert not torch.equal(start(indices, seed=1), whole)

    def test_of_a_task_that_remembers_are_where_the_last_attack_ended(self):
        game = task(batch_size=40, remembers=True, epochs=2)
        ended = []

        class Watched(PGM):
            def maximize(self, problem, *, start=None, steps=None, observe=None):
                end = super().maximize(problem, start=start, steps=steps, observe=observe)
                ended.append(end.y[problem.indices.argsort()])
                return end

        game.solve(Watched(steps=1, step_size=EPS / 4, random_start=0.0), steps=1)
        assert game.start.known.all()
        again = game.inner_problem(list(game.batches())[1])
        start = again.initial()[again.indices.argsort()]
        assert (start - ended[-1]).abs().max() <= EPS / 254 * (1 + 1e-5)

    def test_of_a_task_are_new_at_each_step(self):
        game, attack = task(batch_size=40), PGM(steps=0, step_size=0.1)
        first, second = (game.inner_problem(batch) for batch in list(game.batches())[:2])
        starts = [attack.start(problem)[problem.indices.argsort()] for problem in (first, second)]
        assert torch.equal(first.images[first.indices.argsort()], second.images[second.indices.argsort()])
        assert not torch.equal(*starts)


def statistics(classifier: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in classifier.named_buffers()}


def attackers():
    return [
        PGM(steps=3, step_size=EPS / 3),
        LearnedOptimizer(CNNUpdater.light(channels=1), steps=2),
        LearnedOptimizer(CNNUpdater.slim(channels=1, width=8), steps=1),
    ]


class TestBatchNorm:
    @pytest.mark.parametrize("query_mode", ["eval", "train"])
    @pytest.mark.parametrize("attacker", attackers(), ids=["pgm", "light", "slim"])
    def test_queries_leave_no_trace(self, attacker, query_mode):
        game = task(query_mode=query_mode)
        game.classifier.train()
        modes = [part.training for part in game.classifier.modules()]
        before = statistics(game.classifier)
        attacker.maximize(game.inner_problem(next(iter(game.batches()))))
        assert all(torch.equal(value, before[name]) for name, value in game.classifier.named_buffers())
        assert [part.training for part in game.classifier.modules()] == modes
        assert all(weight.grad is None for weight in game.classifier.parameters())

    def test_query_modes_are_what_they_say(self):
        found = {}
        for mode in ("eval", "train"):
            game = task(query_mode=mode)
            game.classifier.train()
            problem = game.inner_problem(next(iter(game.batches())))
            attack = PGM(steps=1, step_size=0.01, random_start=0.0)
            with attack.oracle(problem) as oracle:
                found[mode] = oracle.value(problem.initial())
        game = task()
        batch = next(iter(game.batches()))
        for mode, values in found.items():
            game.classifier.train(mode == "train")
            with torch.no_grad():
                wanted = nn.functional.cross_entropy(game.classifier(batch.images), batch.labels, reduction="none")
            torch.testing.assert_close(values, wanted)
        assert not torch.allclose(found["eval"], found["train"])

    @pytest.mark.parametrize("query_mode", ["eval", "train"])
    @pytest.mark.parametrize("play", ["joint", "alternating"])
    @pytest.mark.parametrize("attacker", attackers()[:2], ids=["pgm", "light"])
    def test_one_update_a_step_from_the_perturbed_images(self, attacker, play, query_mode):
        game = task(query_mode=query_mode)
        game.solve(attacker, steps=4, play=play)
        assert {
            int(norm.num_batches_tracked) for norm in game.classifier.modules() if hasattr(norm, "running_mean")
        } == {4}

    def test_the_update_is_that_of_one_forward_in_training_mode(self):
        attack = PGM(steps=2, step_size=EPS / 2)
        game, again = task(query_mode="train"), task(query_mode="train")
        game.solve(attack, steps=1)
        again.classifier.train()
        problem = again.inner_problem(next(iter(again.batches())))
        again.classifier(problem.view(attack.maximize(problem).y))
        wanted = statistics(again.classifier)
        assert all(torch.equal(value, wanted[name]) for name, value in game.classifier.named_buffers())


class TestValidation:
    def test_returns_its_three_numbers_and_leaves_everything_as_it_was(self):
        game = task()
        attacker = LearnedOptimizer(CNNUpdater.slim(channels=1, width=8), steps=1)
        game.classifier.train()
        game.classifier.norm.eval()
        attacker.train()
        before, phi, random = statistics(game.classifier), statistics(attacker), torch.get_rng_state()
        numbers = game.validate(attacker)
        assert list(numbers) == ["validation_clean", "validation_pgm_10", "attack_ratio"]
        assert all(isinstance(value, float) for value in numbers.values())
        assert game.classifier.training
        assert not game.classifier.norm.training
        assert attacker.training
        assert all(torch.equal(value, before[name]) for name, value in game.classifier.named_buffers())
        assert all(torch.equal(value, phi[name]) for name, value in attacker.named_buffers())
        assert torch.equal(torch.get_rng_state(), random)
        assert game.validate(attacker) == numbers

    def test_an_attacker_that_does_nothing_lags_behind_and_one_that_is_pgm_does_not(self):
        game = task(count=400, epochs=2)
        game.solve(GradientAscent(steps=0))
        idle = game.validate(GradientAscent(steps=0))
        rival = game.validate(PGM(steps=10, step_size=EPS / 4))
        assert idle["attack_ratio"] < 0.9
        assert rival["attack_ratio"] == 1.0
        assert idle["validation_clean"] == rival["validation_clean"] >= rival["validation_pgm_10"]

    def test_never_sees_test_images(self):
        whole, attack = small(), PGM(steps=1, step_size=0.1)
        spoiled = Images(torch.zeros(30, 1, 8, 8), torch.zeros(30, dtype=torch.int64))
        other = ImageData("digits", whole.train, whole.validation, spoiled, 10, "")
        torch.manual_seed(0)
        games = [AdversarialTraining(SmallResNet(width=2), data, LinfBall(EPS)) for data in (whole, other)]
        games[1].classifier.load_state_dict(games[0].classifier.state_dict())
        assert games[0].validate(attack) == games[1].validate(attack)


class TestClaim:
    def test_pgm_training_makes_a_net_robust(self):
        """On unseen digits and an attack it was not trained with, against a net trained on the clean images."""
        robust = {}
        data = digits()
        for name, attack in (("plain", GradientAscent(steps=0)), ("pgm", PGM(steps=2, step_size=0.6 * EPS))):
            torch.manual_seed(0)
            classifier = SmallResNet(width=4)
            game = AdversarialTraining(classifier, data, LinfBall(EPS), epochs=4, query_mode="train")
            game.solve(attack)
            with resting(classifier):
                survivors = withstands(classifier, data.validation, game.threat, PGM(steps=20, step_size=EPS / 10))
            robust[name] = survivors.float().mean().item()
        assert robust["plain"] < 0.2
        assert robust["pgm"] > robust["plain"] + 0.25

    def test_a_learned_attacker_makes_a_net_robust(self):
        data = digits()
        torch.manual_seed(0)
        classifier = SmallResNet(width=4)
        game = AdversarialTraining(classifier, data, LinfBall(EPS), epochs=4, query_mode="train")
        attacker = LearnedOptimizer(
            CNNUpdater.light(channels=1, gain=16.0), steps=1, step_size=1.5, random_start=1.0
        )
        game.solve(attacker)
        with resting(classifier):
            survivors = withstands(classifier, data.validation, game.threat, PGM(steps=20, step_size=EPS / 10))
        assert survivors.float().mean() > 0.3
