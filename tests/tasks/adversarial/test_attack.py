"""An attack is a thing: it perturbs any classifier's images, is saved, and is read again."""

import json
import re
from copy import deepcopy
from functools import partial

import numpy as np
import pytest
import torch
from advised import built
from folders import reseal
from short import measured_briefly
from torch import nn

import minimax_l2l
from minimax_l2l import (
    FGSM,
    LBFGS,
    PGM,
    Adam,
    CNNUpdater,
    DamagedRunError,
    GradientAscent,
    GradientFeatures,
    Hook,
    InnerOptimizer,
    IterateFeatures,
    L2Ball,
    LearnedFGSM,
    LearnedOptimizer,
    LinfBall,
    LogSignFeatures,
    NonFiniteError,
)
from minimax_l2l.errors import MissingClassError
from tasks.adversarial import (
    AdversarialTraining,
    Attack,
    CarriedStart,
    Images,
    LogitPairing,
    PerturbationProblem,
    SmallResNet,
    Trades,
    UniformStart,
    cross_entropy,
    evaluate,
    margin,
    towards,
    withstands,
)

EPS = 0.1
PIXELS = torch.rand(10, 1, 8, 8, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(10)


def net(seed: int = 0) -> SmallResNet:
    torch.manual_seed(seed)
    return SmallResNet(width=2)


def rightly_classified() -> nn.Module:
    """A net whose first answer for each image of `PIXELS` is right."""
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    with torch.no_grad():
        flat = PIXELS.flatten(1) - 0.5
        network[1].weight.copy_(flat)
        network[1].bias.copy_(-flat.square().sum(1) / 2 - 0.5 * flat.sum(1))
    return network


def learned() -> LearnedOptimizer:
    torch.manual_seed(1)
    return LearnedOptimizer(CNNUpdater.light(channels=1, width=4), steps=2, random_start=0.5)


def in_bytes(pixels: torch.Tensor) -> torch.Tensor:
    return (255 * pixels).byte()


class ByPixels(nn.Module):
    """A network without convolutions that sees pixel by pixel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.logits = nn.Linear(channels, 10)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.logits(images.movedim(1, -1)).mean((1, 2))


def losses(classifier: nn.Module, images: torch.Tensor, labels: torch.Tensor = LABELS) -> torch.Tensor:
    with torch.no_grad():
        return cross_entropy(classifier.eval()(images), labels)


class Leaving(InnerOptimizer):
    """A sign step that nothing projects."""

    def __init__(self, size: float) -> None:
        super().__init__(steps=1)
        self.size = size

    def step(self, oracle, y, state):
        return y + self.size * oracle.gradient(y).sign(), state


class TestLeaving:
    """What lies outside the threat says nothing about robustness to it."""

    @pytest.mark.parametrize("size", [1.01 * EPS, 2 * EPS, 0.5, 3.0])
    @pytest.mark.parametrize("threat", [LinfBall(EPS), L2Ball(0.3)])
    def test_is_refused(self, size, threat):
        with pytest.raises(ValueError, match=rf"Leaving left the ball of radius {threat.eps:g}, or .*project\(y\)"):
            Attack(Leaving(size), threat)(net(), PIXELS, LABELS)

    def test_pixels_have_a_range_too(self):
        with pytest.raises(ValueError, match=r"or the range of pixels, by 0\.1;"):
            Attack(Leaving(EPS), LinfBall(EPS))(net(), PIXELS.round(), LABELS)

    def test_is_refused_where_robustness_is_measured(self):
        data = Images(PIXELS, LABELS)
        with pytest.raises(ValueError, match="Leaving left the ball"):
            withstands(net(), data, LinfBall(EPS), Leaving(0.2))
        with pytest.raises(ValueError, match="Leaving left the ball"):
            evaluate(rightly_classified(), data, LinfBall(EPS), tier="quick", own=Leaving(0.2))

    def test_a_training_may_use_it_and_is_warned(self):
        """Its validation measures the loss that it causes, whatever the threat."""
        data = (PIXELS, LABELS)
        task = AdversarialTraining(net(), data, LinfBall(EPS), validation=data, epochs=2, batch_size=5)
        with pytest.warns(UserWarning, match="leaves the feasible set"):
            solution = task.solve(Leaving(0.2), device="cpu", log_every=1, validate_every=2)
        assert solution.history[-1]["attack_ratio"] > 0


class TestImages:
    @pytest.mark.parametrize("threat", [LinfBall(EPS), L2Ball(0.5)])
    @pytest.mark.parametrize("optimizer", [FGSM(step_size=EPS), PGM(steps=5, step_size=EPS / 2), learned()])
    def test_stay_in_the_ball_and_stay_images(self, threat, optimizer):
        attacked = Attack(optimizer, threat)(net(), PIXELS, LABELS)
        moved = (attacked - PIXELS).flatten(1)
        assert 0 <= attacked.min() <= attacked.max() <= 1
        lengths = moved.abs().amax(1) if isinstance(threat, LinfBall) else moved.norm(dim=1)
        assert (lengths <= threat.eps + 1e-6).all()
        assert lengths.min() > 0
        assert not attacked.requires_grad

    def test_one_step_by_hand(self):
        classifier = nn.Sequential(nn.Flatten(), nn.Linear(64, 10)).eval()
        pixels = PIXELS.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(cross_entropy(classifier(pixels), LABELS).sum(), pixels)
        attacked = Attack(FGSM(step_size=EPS), LinfBall(EPS))(classifier, PIXELS, LABELS)
        torch.testing.assert_close(attacked, (PIXELS + EPS * gradient.sign()).clamp(0, 1))

    def test_hurt_and_towards_helps_the_target(self):
        classifier, targets = net(), (LABELS + 1) % 10
        optimizer = PGM(steps=10, step_size=EPS / 4)
        assert (
            losses(classifier, Attack(optimizer, LinfBall(EPS))(classifier, PIXELS, LABELS))
            > losses(classifier, PIXELS)
        ).all()
        aimed = Attack(optimizer, LinfBall(EPS), towards)(classifier, PIXELS, targets)
        assert (losses(classifier, aimed, targets) < losses(classifier, PIXELS, targets)).all()

    @pytest.mark.parametrize("batch_size", [1, 3, 100])
    def test_batches_change_nothing(self, batch_size):
        attack = Attack(PGM(steps=2, step_size=EPS / 2), LinfBall(EPS), margin, seed=3)
        whole, parts = (attack(net(), PIXELS, LABELS, batch_size=size) for size in (10, batch_size))
        torch.testing.assert_close(parts, whole)

    def test_bytes_and_arrays(self):
        levels = (PIXELS * 255).round().to(torch.uint8)
        attack = Attack(FGSM(step_size=EPS), LinfBall(EPS))
        assert torch.equal(
            attack(net(), levels.numpy(), LABELS.tolist()), attack(net(), levels.float() / 255, LABELS)
        )

    def test_classifier_and_optimizer_are_left_as_they_were(self):
        classifier, optimizer = net().train(), learned().train()
        before = {name: value.clone() for name, value in classifier.state_dict().items()}
        Attack(optimizer, LinfBall(EPS))(classifier, PIXELS, LABELS)
        assert classifier.training
        assert optimizer.training
        assert all(torch.equal(before[name], value) for name, value in classifier.state_dict().items())
        assert all(weight.grad is None for weight in [*classifier.parameters(), *optimizer.parameters()])

    def test_a_classifier_may_spoil_what_it_is_given(self):
        class InPlace(SmallResNet):
            def forward(self, images):
                return super().forward(images.sub_(0.5).div_(0.25))

        torch.manual_seed(0)
        classifier, pixels = InPlace(width=2), PIXELS.clone()
        attacked = Attack(PGM(steps=3, step_size=EPS), LinfBall(EPS))(classifier, pixels, LABELS)
        assert torch.equal(pixels, PIXELS)
        assert (attacked - PIXELS).abs().max() <= EPS + 1e-6

    def test_a_classifier_that_was_attacked_before_is_tried_on_one_image_only(self):
        seen = []

        class Counting(SmallResNet):
            def forward(self, images):
                seen.append(len(images))
                return super().forward(images)

        attack, classifier, another = (
            Attack(FGSM(step_size=EPS), LinfBall(EPS)),
            Counting(width=2),
            Counting(width=2),
        )
        for network, tried in ((classifier, 7), (classifier, 1), (another, 7), (classifier, 7)):
            seen.clear()
            attack(network, PIXELS, LABELS)
            assert sum(seen) == tried + len(PIXELS)


class TestUnits:
    """What is said in levels from 0 to 255 is refused wherever it is said."""

    @pytest.mark.parametrize(
        "optimizer",
        [
            PGM(steps=2, step_size=2.0),
            PGM(steps=2, step_size=1.0),
            FGSM(step_size=8.0),
            Adam(lr=2.0, steps=2),
            LearnedFGSM(CNNUpdater.light(channels=1, width=4), sign_step=8.0),
        ],
    )
    def test_steps(self, optimizer):
        sentence = r"a (step_size|lr|sign_step) of \d lets an attacker replace every .* such as \d / 255 = 0.0"
        data = Images(PIXELS, LABELS)
        with pytest.raises(ValueError, match=sentence):
            Attack(optimizer, LinfBall(EPS))(net(), PIXELS, LABELS)
        with pytest.raises(ValueError, match=sentence):
            withstands(net(), data, LinfBall(EPS), optimizer)
        with pytest.raises(ValueError, match=sentence):
            evaluate(rightly_classified(), data, LinfBall(EPS), tier="quick", own=optimizer, announce=pytest.fail)
        with pytest.raises(ValueError, match=sentence):
            AdversarialTraining(net(), data, LinfBall(EPS), epochs=1).solve(optimizer, device="cpu")
        with pytest.raises(ValueError, match=sentence):
            optimizer.maximize(PerturbationProblem(net(), PIXELS, LABELS, LinfBall(EPS)))

    def test_factors_on_gradients_have_no_unit(self):
        Attack(GradientAscent(steps=1, step_size=8.0), LinfBall(EPS))(net(), PIXELS, LABELS)

    def test_steps_of_euclidean_balls_are_longer(self):
        with pytest.raises(ValueError, match=r"a step_size of 8 lets .* at most 8 apart"):
            Attack(PGM(steps=2, step_size=8.0), L2Ball(0.5))(net(), PIXELS, LABELS)
        assert Attack(PGM(steps=2, step_size=2.0), L2Ball(0.5))(net(), PIXELS, LABELS).shape == PIXELS.shape

    @pytest.mark.parametrize(
        ("start", "threat"),
        [(UniformStart(8.0), LinfBall(EPS)), (UniformStart(64.0), L2Ball(0.5)), (CarriedStart(8.0), LinfBall(EPS))],
    )
    def test_starts(self, start, threat):
        task = AdversarialTraining(net(), (PIXELS, LABELS), threat, start=start, batch_size=5)
        with pytest.raises(ValueError, match=r"a (radius|step_size) of \d+ lets an attacker replace every image"):
            task.solve(FGSM(step_size=EPS), device="cpu", steps=1)

    @pytest.mark.parametrize("threat", [LinfBall(8.0), LinfBall(1.01), L2Ball(128.0)])
    def test_problems(self, threat):
        with pytest.raises(ValueError, match=r"a radius of [\d.]+ lets an attacker replace every image"):
            PerturbationProblem(net(), PIXELS, LABELS, threat)

    def test_a_problem_of_the_whole_ball_asks_what_nobody_withstands(self):
        problem = PerturbationProblem(net(), PIXELS, LABELS, LinfBall(1.0))
        assert PGM(steps=1, step_size=0.1).maximize(problem).y.shape == PIXELS.shape


class TestTowards:
    """A targeted attack aims at labels of one's choice, not at those that count as right."""

    @pytest.mark.parametrize(
        "say",
        [
            lambda: withstands(net(), Images(PIXELS, LABELS), LinfBall(EPS), FGSM(step_size=EPS), loss=towards),
            lambda: AdversarialTraining(net(), (PIXELS, LABELS), LinfBall(EPS), loss=towards),
            lambda: AdversarialTraining(net(), (PIXELS, LABELS), LinfBall(EPS), outer_loss=towards),
            lambda: Trades(loss=towards),
            lambda: LogitPairing(1.0, towards),
        ],
    )
    def test_own_labels_are_no_targets(self, say):
        with pytest.raises(ValueError, match=r"loss=towards leads .* make targeted images with Attack\("):
            say()


class Rooted(SmallResNet):
    """The root of a black pixel has no slope."""

    def forward(self, images):
        return super().forward(images.sqrt())


class TestNumbers:
    @pytest.mark.parametrize("threat", [LinfBall(EPS), L2Ball(0.5)])
    @pytest.mark.parametrize("optimizer", [FGSM(step_size=EPS), learned()])
    def test_an_attack_without_a_gradient_is_no_attack(self, threat, optimizer):
        pixels = PIXELS.clone()
        pixels[:4, :, :2] = 0
        optimizer.random_start, optimizer.steps = 0.0, 1  # a second step would meet more black pixels
        torch.manual_seed(0)
        with pytest.raises(NonFiniteError, match="4 of 10 attacks ended at NaN or infinity; look for"):
            Attack(optimizer, threat)(Rooted(width=2), pixels, LABELS)


class TestRefusals:
    @pytest.mark.parametrize("labels", [LABELS - 1, LABELS + 1, torch.full((10,), -100)])
    def test_labels_outside_the_classes(self, labels):
        with pytest.raises(ValueError, match=r"labels must lie in 0 ... 9 for 10 classes, got"):
            Attack(FGSM(step_size=EPS), LinfBall(EPS))(net(), PIXELS, labels)

    @pytest.mark.parametrize(
        ("make", "error", "sentence"),
        [
            (
                lambda: Attack("pgm", LinfBall(EPS)),
                TypeError,
                "optimizer must be an inner optimizer, such as PGM.*got str",
            ),
            (lambda: Attack(FGSM(step_size=EPS), 0.03), TypeError, r"must be a ball, .*got float 0\.03"),
            (lambda: Attack(FGSM(step_size=EPS), LinfBall(EPS), "ce"), TypeError, "loss must be a function"),
            (lambda: Attack(FGSM(step_size=EPS), LinfBall(EPS), seed=-1), ValueError, "seed must be at least 0"),
        ],
    )
    def test_parts(self, make, error, sentence):
        with pytest.raises(error, match=sentence):
            make()

    @pytest.mark.parametrize(
        ("threat", "error", "sentence"),
        [
            (LinfBall(8.0), ValueError, r"a radius of 8 lets .* such as 8 / 255 = 0\.03137"),
            (LinfBall(1.0), ValueError, "a radius of 1 lets an attacker replace every image"),
            (L2Ball(128.0), ValueError, r"at most 8 apart; .* such as 128 / 255 = 0\.502"),
            (LinfBall(300.0), ValueError, "such as 8 / 255"),
        ],
    )
    def test_a_ball_that_holds_every_image(self, threat, error, sentence):
        with pytest.raises(error, match=sentence):
            Attack(FGSM(step_size=EPS), threat)(net(), PIXELS, LABELS)

    @pytest.mark.parametrize(
        ("classifier", "error", "sentence"),
        [
            (
                lambda images: images.flatten(1),
                TypeError,
                "must be a torch.nn.Module .*, got function",
            ),
            (
                SmallResNet(channels=3, width=2),
                ValueError,
                r"cannot take .* \(1, 1, 8, 8\).*RuntimeError",
            ),
            (
                SmallResNet(width=2).half(),
                ValueError,
                "torch.float32 on cpu; its first .* torch.float16",
            ),
            (nn.Flatten(0), ValueError, r"into logits \(n, classes\), got shape \(64,\)"),
            (nn.Conv2d(1, 4, 3), ValueError, r"got shape \(1, 4, 6, 6\)"),
        ],
    )
    def test_classifiers(self, classifier, error, sentence):
        with pytest.raises(error, match=sentence):
            Attack(FGSM(step_size=EPS), LinfBall(EPS))(classifier, PIXELS, LABELS)

    @pytest.mark.filterwarnings("ignore:.torch.jit")
    def test_a_scripted_classifier(self):
        plain = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
        scripted, traced = torch.jit.script(deepcopy(plain)), torch.jit.trace(plain, PIXELS[:1])
        attack = Attack(PGM(steps=2, step_size=EPS / 2), LinfBall(EPS))
        for classifier in (scripted, traced):
            assert torch.equal(attack(classifier, PIXELS, LABELS), attack(plain, PIXELS, LABELS))

        def train(classifier: nn.Module) -> list[torch.Tensor]:
            task = AdversarialTraining(classifier, (PIXELS, LABELS), LinfBall(EPS), epochs=2, batch_size=5)
            passes = task.solve(FGSM(step_size=EPS), device="cpu").passes
            assert (passes.forward, passes.weight_gradient) == (8, 4)
            return list(classifier.parameters())

        with pytest.raises(TypeError, match=r"wrap it in a torch.nn.Module whose forward calls it"):
            train(traced)
        assert all(map(torch.equal, train(scripted), train(plain)))

    @pytest.mark.parametrize("wrap", [dict, tuple, list])
    def test_a_classifier_that_returns_more_than_logits(self, wrap):
        class Wrapped(SmallResNet):
            def forward(self, images):
                logits = super().forward(images)
                return {"logits": logits} if wrap is dict else wrap([logits, images])

        with pytest.raises(TypeError, match=rf"got {wrap.__name__}; wrap it in a module whose forward picks them"):
            Attack(FGSM(step_size=EPS), LinfBall(EPS))(Wrapped(width=2), PIXELS, LABELS)

    def test_a_loss_of_the_whole_batch(self):
        attack = Attack(FGSM(step_size=EPS), LinfBall(EPS), nn.functional.cross_entropy)
        with pytest.raises(ValueError, match=r"the loss must return one value per image, shape \(2,\), got \(\)"):
            attack(net(), PIXELS, LABELS)


def own_loss(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    return cross_entropy(logits, labels).sqrt()


def written(code):
    """A function of a module that was edited."""
    names = {"torch": torch}
    exec(code, names)
    return next(one for name, one in names.items() if name not in ("torch", "__builtins__"))


def holding(weight):
    def mine(logits, labels):
        """Some words."""
        return weight.sum() * logits[:, 0]

    return mine


class Weighing:
    def __init__(self, weight):
        self.weight = weight

    def mine(self, logits, labels):
        return self.weight * logits[:, 0]


WITH_HELPERS = """
FACTOR, COUNT = 1.0, 0

def mine(logits, labels):
    global COUNT
    COUNT += 1
    return first(logits)

def first(logits):
    return {times} * second(logits)

def second(logits, most={most}):
    return logits[:, 0] if len(logits) < most else first(logits[:most])
"""


def with_helpers(factor=1.0, times="FACTOR", most=100):
    """A loss whose helpers call each other; what it counts is no part of what it does."""
    names = {}
    exec(WITH_HELPERS.format(times=times, most=most), names)
    names["FACTOR"] = factor
    return names["mine"]


OTHER_LOSSES = [
    (
        written("def mine(logits, labels): return logits[:, 0]"),
        written("def mine(logits, labels): return logits[:, 1]"),
        r"other code \(mine\)",
    ),
    (
        written("def mine(logits, labels): return logits.exp()[:, 0]"),
        written("def mine(logits, labels): return logits.sin()[:, 0]"),
        r"other code \(mine\)",
    ),
    (
        written("def mine(logits, labels): return torch.stack([one * 2 for one in logits[:, 0]])"),
        written("def mine(logits, labels): return torch.stack([one * 3 for one in logits[:, 0]])"),
        r"other code \(mine\)",
    ),
    (
        written("def mine(logits, labels, t=1.0): return t * logits[:, 0]"),
        written("def mine(logits, labels, t=2.0): return t * logits[:, 0]"),
        r"other values \(mine\.t\)",
    ),
    (
        written("def mine(logits, labels, *, t=1.0): return t * logits[:, 0]"),
        written("def mine(logits, labels, *, t=2.0): return t * logits[:, 0]"),
        r"other values \(mine\.t\)",
    ),
    (holding(torch.ones(2)), holding(torch.zeros(2)), r"other values \(mine\.weight\)"),
    (Weighing(1.0).mine, Weighing(2.0).mine, r"other values \(mine\.of\)"),
    (with_helpers(), with_helpers(factor=2.0), r"other values \(mine\.first\.FACTOR\)"),
    (with_helpers(), with_helpers(times="2.0 * FACTOR"), r"other code \(mine\.first\)"),
    (with_helpers(), with_helpers(most=50), r"other values \(mine\.first\.second\.most\)"),
]


class TestSaving:
    @pytest.mark.parametrize(
        "attack",
        [
            Attack(PGM(steps=3, step_size=0.03, momentum=0.5, restarts=2), LinfBall(EPS), margin, seed=7),
            Attack(FGSM(step_size=0.03, random_start=1.0), L2Ball(0.5), towards),
            Attack(learned(), LinfBall(EPS)),
        ],
    )
    def test_it_does_the_same_to_another_network(self, attack, tmp_path):
        attack.save_pretrained(tmp_path / "attack")
        again = Attack.from_pretrained(tmp_path / "attack")
        assert torch.equal(again(net(5), PIXELS, LABELS), attack(net(5), PIXELS, LABELS))

    def test_a_run_is_not_replaced(self, tmp_path):
        (tmp_path / "config.json").write_text("{}")
        with pytest.raises(ValueError, match="holds a run, whose optimizer the attack's would replace"):
            Attack(learned(), LinfBall(EPS)).save_pretrained(tmp_path)
        assert [path.name for path in tmp_path.iterdir()] == ["config.json"]

    def test_nothing_saved(self, tmp_path):
        with pytest.raises(FileNotFoundError, match=r"holds no attack\.json, so it is no saved attack; give one"):
            Attack.from_pretrained(tmp_path)

    def test_weights_of_another_attack(self, tmp_path):
        for seed in (0, 1):
            torch.manual_seed(seed)
            optimizer = LearnedOptimizer(CNNUpdater.light(channels=1, width=4))
            Attack(optimizer, LinfBall(EPS)).save_pretrained(tmp_path / str(seed))
        weights = "optimizer/model.safetensors"
        for content in ((tmp_path / "1" / weights).read_bytes(), None):
            if content is None:
                (tmp_path / "0" / weights).unlink()
            else:
                (tmp_path / "0" / weights).write_bytes(content)
            with pytest.raises(DamagedRunError, match=r"is not as this run wrote it|holds no whole attack"):
                Attack.from_pretrained(tmp_path / "0")

    def test_a_loss_of_ones_own(self, tmp_path):
        Attack(FGSM(step_size=EPS), LinfBall(EPS), own_loss).save_pretrained(tmp_path)
        with pytest.raises(MissingClassError, match=r"the loss own_loss, .*losses=\[own_loss\]"):
            Attack.from_pretrained(tmp_path)
        assert Attack.from_pretrained(tmp_path, losses=[own_loss]).loss is own_loss

    @pytest.mark.parametrize(("then", "now", "named"), OTHER_LOSSES)
    def test_a_loss_of_the_same_name_is_not_the_same(self, then, now, named, tmp_path):
        Attack(FGSM(step_size=EPS), LinfBall(EPS), then).save_pretrained(tmp_path)
        assert Attack.from_pretrained(tmp_path, losses=[then]).loss is then
        sentence = f"saved with a loss {then.__name__} of {named}; pass the one of then"
        with pytest.raises(MissingClassError, match=sentence):
            Attack.from_pretrained(tmp_path, losses=[now])

    @pytest.mark.parametrize(
        ("then", "again"),
        [
            (holding(torch.ones(2)), holding(torch.ones(2))),
            (written("def mine(logits, labels):\n 'Words.'"), written("\n\ndef mine(logits, labels): 'Other.'")),
            (with_helpers(), with_helpers()),
        ],
    )
    def test_a_loss_is_the_same_in_another_place(self, then, again, tmp_path):
        """In a module that was a script then, below other lines, with other words in its docstring."""
        then.__module__ = "__main__"
        Attack(FGSM(step_size=EPS), LinfBall(EPS), then).save_pretrained(tmp_path)
        assert Attack.from_pretrained(tmp_path, losses=[again]).loss is again

    def test_code_of_another_python_cannot_be_compared(self, tmp_path):
        then, now, _ = OTHER_LOSSES[0]
        Attack(FGSM(step_size=EPS), LinfBall(EPS), then).save_pretrained(tmp_path)
        saved = json.loads((tmp_path / "attack.json").read_text())
        saved["loss"]["python"] = "3.0"
        (tmp_path / "attack.json").write_text(json.dumps(saved))
        reseal(tmp_path)
        assert Attack.from_pretrained(tmp_path, losses=[now]).loss is now

    @pytest.mark.parametrize("given", [[], [cross_entropy]])
    def test_one_that_bears_the_name_of_the_library_s_is_not_that(self, given, tmp_path):
        def cross_entropy(logits, labels):
            return -logits[:, 0]

        Attack(FGSM(step_size=EPS), LinfBall(EPS), cross_entropy).save_pretrained(tmp_path)
        with pytest.raises(
            MissingClassError, match=r"a loss cross_entropy of other|the loss cross_entropy, which is"
        ):
            Attack.from_pretrained(tmp_path, losses=given)
        assert Attack.from_pretrained(tmp_path, losses=[cross_entropy]).loss is cross_entropy

    def test_the_library_s_is_not_replaced_by_one_of_its_name(self, tmp_path):
        Attack(FGSM(step_size=EPS), LinfBall(EPS), margin).save_pretrained(tmp_path)
        other = written("def margin(logits, labels): return logits[:, 0]")
        assert Attack.from_pretrained(tmp_path, losses=[other]).loss is margin

    def test_an_optimizer_of_ones_own(self, tmp_path):
        class Careful(GradientAscent):
            def step(self, oracle, y, state):
                return super().step(oracle, y, state)

        Attack(Careful(steps=2), LinfBall(EPS)).save_pretrained(tmp_path)
        with pytest.raises(MissingClassError, match="the optimizer Careful"):
            Attack.from_pretrained(tmp_path)
        assert isinstance(Attack.from_pretrained(tmp_path, optimizers=[Careful]).optimizer, Careful)

        class Changed(Careful):
            def step(self, oracle, y, state):
                return y, state

        Changed.__name__ = "Careful"
        with pytest.warns(UserWarning, match=r"the optimizer Careful of other code \(Careful\.step"):
            Attack.from_pretrained(tmp_path, optimizers=[Changed])

    @pytest.mark.parametrize(
        "change",
        [
            lambda saved: saved.pop("threat"),
            lambda saved: saved["threat"].update(eps="wide"),
            lambda saved: saved["threat"].update(eps=-1.0),
            lambda saved: saved.update(arguments={"step": 1}),
            lambda saved: saved.update(seed=None),
        ],
    )
    def test_damage(self, change, tmp_path):
        Attack(FGSM(step_size=EPS), LinfBall(EPS)).save_pretrained(tmp_path)
        saved = json.loads((tmp_path / "attack.json").read_text())
        change(saved)
        (tmp_path / "attack.json").write_text(json.dumps(saved))
        with pytest.raises(DamagedRunError, match=r"attack\.json is not as this run wrote it"):
            Attack.from_pretrained(tmp_path)
        reseal(tmp_path)
        with pytest.raises(DamagedRunError, match="holds no whole attack"):
            Attack.from_pretrained(tmp_path)

    @pytest.mark.parametrize("loss", [partial(cross_entropy), lambda logits, labels: logits[:, 0] + labels])
    def test_what_has_no_name_cannot_be_saved(self, loss, tmp_path):
        with pytest.raises(TypeError, match="the loss has no name to be saved by; define it with def"):
            Attack(FGSM(step_size=EPS), LinfBall(EPS), loss).save_pretrained(tmp_path)


class TestOtherFolders:
    def test_one_that_is_not_there(self, tmp_path):
        with pytest.raises(
            FileNotFoundError, match=r"there is no folder .*none; give one that Attack\.save_pretrained wrote"
        ):
            Attack.from_pretrained(tmp_path / "none")

    @pytest.mark.parametrize("within", ["attack/optimizer", "run/model", "run/optimizer"])
    def test_one_within_an_attack_or_a_run_leads_to_that(self, within, tmp_path):
        Attack(learned(), LinfBall(EPS)).save_pretrained(tmp_path / "attack")
        task = AdversarialTraining(net(), (PIXELS, LABELS), LinfBall(EPS), epochs=1, batch_size=5)
        task.solve(learned(), out=tmp_path / "run", device="cpu")
        with pytest.raises(
            FileNotFoundError, match=r"a saved network and no attack; give the folder around it"
        ) as refused:
            Attack.from_pretrained(tmp_path / within)
        (better,) = re.findall(r"around it, '([^']*)'\.$", str(refused.value))
        assert Attack.from_pretrained(better).optimizer.steps == 2

    @pytest.mark.parametrize("saved", [learned(), net()])
    def test_that_of_a_network_is_no_attack(self, saved, tmp_path):
        saved.save_pretrained(tmp_path / "mine")
        with pytest.raises(
            FileNotFoundError, match=r"holds a saved network and no attack; an attack with it is Attack\(Lear"
        ):
            Attack.from_pretrained(tmp_path / "mine")

    @pytest.mark.parametrize("optimizer", [learned(), PGM(steps=2, step_size=EPS / 2, random_start=0.5)])
    def test_that_of_a_run_holds_its_own_attacker(self, optimizer, tmp_path):
        """At the radius of its validations, with the task's loss and seed; it attacks a network it never saw."""
        task = AdversarialTraining(
            net(),
            (PIXELS, LABELS),
            LinfBall(2 * EPS),
            validated_at=LinfBall(EPS),
            loss=margin,
            seed=4,
            epochs=1,
            batch_size=5,
        )
        task.solve(optimizer, out=tmp_path, device="cpu")
        again = Attack.from_pretrained(tmp_path)
        assert torch.equal(
            again(net(7), PIXELS, LABELS), Attack(optimizer, LinfBall(EPS), margin, seed=4)(net(7), PIXELS, LABELS)
        )

    def test_that_of_a_run_whose_attacker_begins_with_a_learned_start(self, tmp_path):
        """As FGSM-SDI's; its optimizer says whose it is."""
        attacker = LearnedFGSM(CNNUpdater.light(1, width=4), sign_step=EPS)
        task = AdversarialTraining(net(), (PIXELS, LABELS), LinfBall(EPS), epochs=1, batch_size=5)
        task.solve(attacker, out=tmp_path, device="cpu")
        again = Attack.from_pretrained(tmp_path)
        assert torch.equal(again(net(7), PIXELS, LABELS), Attack(attacker, LinfBall(EPS))(net(7), PIXELS, LABELS))
        assert LearnedFGSM.from_pretrained(tmp_path / "optimizer").sign_step == EPS
        with pytest.raises(MissingClassError, match=r"holds a LearnedFGSM; load it with LearnedFGSM\.from_pret"):
            LearnedOptimizer.from_pretrained(tmp_path / "optimizer")

    @pytest.mark.parametrize("optimizer", [LBFGS(steps=2, step_size=EPS), Adam(lr=0.01, steps=2)])
    def test_that_was_saved_with_other_optimizers_of_the_library(self, optimizer, tmp_path):
        attack = Attack(optimizer, LinfBall(EPS))
        attack.save_pretrained(tmp_path)
        again = Attack.from_pretrained(tmp_path)
        assert torch.equal(again(net(7), PIXELS, LABELS), attack(net(7), PIXELS, LABELS))

    def test_that_of_a_run_without_an_attack_is_refused(self, tmp_path):
        task = AdversarialTraining(net(), (PIXELS, LABELS), LinfBall(EPS), epochs=1, batch_size=5)
        task.solve(GradientAscent(steps=0), out=tmp_path, device="cpu")
        with pytest.raises(ValueError, match="takes no steps, as in plain and in Free training, so it has no att"):
            Attack.from_pretrained(tmp_path)

    def test_that_of_a_run_has_the_settings_that_a_hook_has_left(self, tmp_path):
        class Longer(Hook):
            def moved(self):
                attacker.step_size = 0.75 * EPS

        attacker = FGSM(step_size=0.25 * EPS)
        task = AdversarialTraining(net(), (PIXELS, LABELS), LinfBall(EPS), epochs=1, batch_size=5)
        task.solve(attacker, out=tmp_path, device="cpu", hooks=[Longer()])
        assert Attack.from_pretrained(tmp_path).optimizer.step_size == 0.75 * EPS

    def test_that_of_a_run_with_a_loss_of_ones_own(self, tmp_path):
        task = AdversarialTraining(net(), (PIXELS, LABELS), LinfBall(EPS), loss=own_loss, epochs=1, batch_size=5)
        task.solve(FGSM(step_size=EPS), out=tmp_path, device="cpu")
        with pytest.raises(MissingClassError, match=r"the loss .*own_loss, which is not known; .*losses=\[it\]"):
            Attack.from_pretrained(tmp_path)
        assert Attack.from_pretrained(tmp_path, losses=[own_loss]).loss is own_loss

    def test_that_of_a_run_that_has_not_ended(self, tmp_path):
        task = AdversarialTraining(net(), (PIXELS, LABELS), LinfBall(EPS), epochs=1, batch_size=5)
        task.solve(learned(), out=tmp_path, device="cpu")
        (tmp_path / "solution.json").unlink()
        with pytest.raises(ValueError, match="has not ended, so it has no attacker yet; resume it first"):
            Attack.from_pretrained(tmp_path)

    def test_that_of_a_run_of_another_task(self, tmp_path):
        (tmp_path / "config.json").write_text(json.dumps({"game": {"task": {"class": "GAIL"}, "optimizer": {}}}))
        (tmp_path / "solution.json").write_text("{}")
        reseal(tmp_path)
        with pytest.raises(DamagedRunError, match="a run of GAIL, which attacks no images"):
            Attack.from_pretrained(tmp_path)

    def test_that_of_an_attack_leads_a_learned_optimizer_to_its_own(self, tmp_path):
        Attack(learned(), LinfBall(EPS)).save_pretrained(tmp_path)
        with pytest.raises(FileNotFoundError, match=r"; pass '([^']*)'\.$") as refused:
            LearnedOptimizer.from_pretrained(tmp_path)
        (better,) = re.findall(r"pass '([^']*)'", str(refused.value))
        assert LearnedOptimizer.from_pretrained(better).steps == 2


class TestPrecision:
    """Pixels are taken in the precision of the classifier's weights, single or double."""

    @pytest.mark.parametrize("given", [torch.float32, torch.float64])
    @pytest.mark.parametrize("weights", [torch.float32, torch.float64])
    def test_at_every_door(self, given, weights):
        classifier, images = net().to(weights), PIXELS.to(given)
        usual = PIXELS.to(weights)
        attack = Attack(PGM(steps=2, step_size=0.01), LinfBall(EPS))
        attacked = attack(classifier, images, LABELS)
        assert attacked.dtype == weights
        assert torch.allclose(attacked, attack(classifier, usual, LABELS), atol=1e-6)
        found = [
            withstands(classifier, (one, LABELS), LinfBall(EPS), FGSM(step_size=EPS)) for one in (images, usual)
        ]
        assert torch.equal(*found)
        task = AdversarialTraining(classifier, (images, LABELS), LinfBall(EPS), epochs=1, batch_size=5)
        assert task.solve(FGSM(step_size=EPS), device="cpu").steps == 2

    def test_half_has_no_room_for_a_radius(self):
        advice = r"cannot take an image .* torch\.float32 .* torch\.float16.* Give classifier\.float\(\)"
        with pytest.raises(ValueError, match=advice):
            Attack(FGSM(step_size=EPS), LinfBall(EPS))(net().half(), PIXELS, LABELS)


class TestAdvice:
    """What a refusal of images or labels advises is accepted when it is done."""

    @pytest.mark.parametrize(
        ("images", "advice"),
        [
            (np.full((10, 1, 8, 8), 65535, np.uint16), "images / 65535.0"),
            (np.full((10, 1, 8, 8), 255), "numpy.uint8(images)"),
            (torch.full((10, 1, 8, 8), 255), "images.to(torch.uint8)"),
            (torch.ones(10, 1, 8, 8, dtype=torch.bool), "images.float()"),
            (list(torch.ones(10, 1, 8, 8)), "torch.stack(images)"),
            (list(np.ones((10, 1, 8, 8))), "numpy.stack(images)"),
            (torch.ones(10, 8, 8), "images[:, None]"),
            (torch.ones(10, 1, 8, 8).to_sparse(), "images.to_dense()"),
        ],
    )
    def test_of_images(self, images, advice):
        with pytest.raises((TypeError, ValueError), match=re.escape(advice)):
            Images(images, LABELS)
        done = {
            "images / 65535.0": lambda: images / 65535.0,
            "numpy.uint8(images)": lambda: np.uint8(images),
            "images.to(torch.uint8)": lambda: images.to(torch.uint8),
            "images.float()": lambda: images.float(),
            "torch.stack(images)": lambda: torch.stack(images),
            "numpy.stack(images)": lambda: np.stack(images),
            "images[:, None]": lambda: images[:, None],
            "images.to_dense()": lambda: images.to_dense(),
        }[advice]()
        assert torch.equal(Images(done, LABELS).pixels(), torch.ones(10, 1, 8, 8))

    @pytest.mark.parametrize("channels", [1, 3])
    @pytest.mark.parametrize("convolves", [True, False])
    @pytest.mark.parametrize("make", [torch.Tensor.float, in_bytes, torch.Tensor.numpy])
    def test_of_channels_that_come_last(self, channels, convolves, make):
        classifier = SmallResNet(channels=channels, width=2) if convolves else ByPixels(channels)
        images = make(torch.ones(10, 8, 6, channels))
        attack = Attack(FGSM(step_size=EPS), LinfBall(EPS))
        doors = {
            "attack": lambda images: attack(classifier, images, LABELS),
            "withstands": lambda images: withstands(classifier, (images, LABELS), LinfBall(EPS), attack.optimizer),
            "training": lambda images: AdversarialTraining(classifier, (images, LABELS), LinfBall(EPS)),
        }
        for door in doors.values():
            with pytest.raises(
                ValueError, match=r"images\.permute\(0, 3, 1, 2\), .* images\.transpose\(0, 3, 1, 2\)"
            ):
                door(images)
            turn = images.transpose if isinstance(images, np.ndarray) else images.permute
            door(turn(0, 3, 1, 2))

    @pytest.mark.parametrize(("takes", "channels"), [(1, 3), (3, 1), (3, 4), (1, 2)])
    def test_of_another_number_of_channels(self, takes, channels):
        attack, images = Attack(FGSM(step_size=EPS), LinfBall(EPS)), torch.ones(10, channels, 8, 8)
        said = f"and the images have {channels}: give it images of {takes}, or build it for {channels}"
        with pytest.raises(ValueError, match=said):
            attack(SmallResNet(channels=takes, width=2), images, LABELS)
        attack(SmallResNet(channels=channels, width=2), images, LABELS)
        attack(SmallResNet(channels=takes, width=2), torch.ones(10, takes, 8, 8), LABELS)

    @pytest.mark.parametrize("given", [torch.float16, torch.bfloat16])
    def test_of_images_in_half_precision(self, given):
        attack, images = Attack(FGSM(step_size=EPS), LinfBall(EPS)), PIXELS.to(given)
        with pytest.raises(ValueError, match=r"Give images\.float\(\)\. It said"):
            attack(net(), images, LABELS)
        assert attack(net(), images.float(), LABELS).dtype == torch.float32

    def test_of_another_size(self):
        """Nobody knows which one a network takes: no false advice is given."""
        flat = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(72, 10))
        with pytest.raises(ValueError, match=r"Give images of the shape that it takes\. It said RuntimeError"):
            Attack(FGSM(step_size=EPS), LinfBall(EPS))(flat, PIXELS[..., :7], LABELS)

    @pytest.mark.parametrize("labels", [list("abcdabcdab"), np.array(list("abcdabcdab")), np.array([b"a"] * 10)])
    def test_of_labels(self, labels):
        with pytest.raises(TypeError, match=r"numpy\.unique\(labels, return_inverse=True\)\[1\]"):
            Images(PIXELS, labels)
        assert len(Images(PIXELS, np.unique(labels, return_inverse=True)[1])) == 10

    @pytest.mark.parametrize(
        ("labels", "advice"),
        [
            (LABELS.float(), "labels.long()"),
            (LABELS.double().numpy(), "labels.astype(int)"),
            (LABELS[:, None], "labels[:, 0]"),
            (LABELS[:, None].numpy(), "labels[:, 0]"),
            (LABELS[None], "labels[0]"),
            (LABELS[None].int().numpy(), "labels[0]"),
            (nn.functional.one_hot(LABELS), "labels.argmax(1)"),
            (nn.functional.one_hot(LABELS).float(), "labels.argmax(1)"),
            (nn.functional.one_hot(LABELS).numpy(), "labels.argmax(1)"),
            (nn.functional.one_hot(LABELS).bool(), "labels.int().argmax(1)"),
        ],
    )
    def test_of_labels_of_another_shape_or_kind(self, labels, advice):
        with pytest.raises((TypeError, ValueError), match=re.escape(advice)):
            Images(PIXELS, labels)
        done = {
            "labels.long()": lambda: labels.long(),
            "labels.astype(int)": lambda: labels.astype(int),
            "labels[:, 0]": lambda: labels[:, 0],
            "labels[0]": lambda: labels[0],
            "labels.argmax(1)": lambda: labels.argmax(1),
            "labels.int().argmax(1)": lambda: labels.int().argmax(1),
        }[advice]()
        assert torch.equal(Images(PIXELS, done).labels, LABELS)

    def test_of_what_holds_a_classifier(self, monkeypatch):
        measured_briefly(monkeypatch)
        task = AdversarialTraining(net(), (PIXELS, LABELS), LinfBall(EPS), epochs=1, batch_size=5)
        solution = task.solve(FGSM(step_size=EPS), device="cpu")
        attack = Attack(FGSM(step_size=EPS), LinfBall(EPS))
        doors = {
            "attack": lambda classifier: attack(classifier, PIXELS, LABELS),
            "withstands": lambda classifier: withstands(
                classifier, (PIXELS, LABELS), LinfBall(EPS), attack.optimizer
            ),
            "evaluate": lambda classifier: evaluate(classifier, (PIXELS, LABELS), LinfBall(EPS), tier="quick"),
            "training": lambda classifier: AdversarialTraining(classifier, (PIXELS, LABELS), LinfBall(EPS)),
        }
        advised = {
            "solution.theta": (solution, lambda: solution.theta),
            "task.classifier": (task, lambda: task.classifier),
            "SmallResNet(...)": (SmallResNet, SmallResNet),
        }
        for door in doors.values():
            for advice, (given, better) in advised.items():
                with pytest.raises(TypeError, match=re.escape(f"{advice}.")):
                    door(given)
                door(better())

    def test_of_what_holds_an_optimizer(self):
        attack, updater = Attack(FGSM(step_size=EPS), LinfBall(EPS)), CNNUpdater.light(channels=1)
        doors = {
            "attack": lambda optimizer: Attack(optimizer, LinfBall(EPS)),
            "withstands": lambda given: withstands(net(), (PIXELS, LABELS), LinfBall(EPS), given),
            "solve": lambda optimizer: AdversarialTraining(net(), (PIXELS, LABELS), LinfBall(EPS), epochs=1).solve(
                optimizer, device="cpu"
            ),
        }
        advised = {
            "pass the one that it has, attack.optimizer.": (attack, lambda: attack.optimizer),
            "pass LearnedOptimizer(CNNUpdater(...), steps=2), say": (
                updater,
                lambda: LearnedOptimizer(updater, steps=2),
            ),
            "pass PGM(steps=10, step_size=0.01), say": (None, lambda: PGM(steps=10, step_size=0.01)),
            "pass an object of it, made by PGM(...).": (PGM, lambda: PGM(steps=1, step_size=EPS)),
        }
        for door in doors.values():
            for advice, (given, better) in advised.items():
                with pytest.raises(TypeError, match=re.escape(advice)):
                    door(given)
                door(better())

    @pytest.mark.parametrize("features", [GradientFeatures(), IterateFeatures(), LogSignFeatures()])
    @pytest.mark.parametrize("shape", [(1, 8, 8), (3, 8, 8), (1, 7, 7), (3, 5, 8)])
    def test_of_updaters(self, features, shape):
        def attack(updater):
            return Attack(LearnedOptimizer(updater, features=features), LinfBall(EPS))(classifier, images, LABELS)

        classifier, images = SmallResNet(channels=shape[0], width=2), torch.rand(10, *shape)
        for unfit in (CNNUpdater.light(channels=2), CNNUpdater.slim(channels=shape[0], inputs=4)):
            with pytest.raises(ValueError, match="CNNUpdater") as refused:
                attack(unfit)
            (better,) = built(str(refused.value), minimax_l2l)
            assert attack(better).shape == images.shape
