"""A classifier is tried before anything is attacked: its answers are its own, have values, and have gradients."""

import pytest
import torch
from torch import nn

from minimax_l2l import PGM, GradientAscent, LinfBall
from tasks.adversarial import (
    AdversarialTraining,
    Attack,
    Images,
    PerturbationProblem,
    SmallResNet,
    audit,
    evaluate,
    withstands,
)
from tasks.adversarial.classifier import require_classifier
from tasks.adversarial.models.named import classifier_named

PIXELS = torch.rand(8, 1, 8, 8, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(8) % 4
BALL, ATTACK = LinfBall(0.1), PGM(steps=1, step_size=0.1)
DOORS = {
    "evaluate": lambda net: evaluate(net, (PIXELS, LABELS), BALL, tier="quick"),
    "audit": lambda net: audit(net, (PIXELS, LABELS), BALL, tier="quick"),
    "withstands": lambda net: withstands(net, (PIXELS, LABELS), BALL, ATTACK),
    "attack": lambda net: Attack(ATTACK, BALL)(net, PIXELS, LABELS),
    "training": lambda net: AdversarialTraining(net, (PIXELS, LABELS), BALL, epochs=1).solve(ATTACK, device="cpu"),
    "plain training": lambda net: AdversarialTraining(net, (PIXELS, LABELS), BALL, epochs=1).solve(
        GradientAscent(steps=0), device="cpu"
    ),
}
at_every_door = pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)


class Wrapped(nn.Module):
    """A linear classifier of eight by eight pixels, and what is done to images or to logits."""

    def __init__(self, before=lambda x: x, after=lambda x: x):
        super().__init__()
        self.network, self.before, self.after = linear(), before, after

    def forward(self, images):
        return self.after(self.network(self.before(images)))


def linear() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 4))


def normalised(norm) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3), norm, nn.Flatten(), nn.Linear(144, 4))


def on_features(norm) -> nn.Module:
    """Normalised where each image is a row of numbers: a batch of one cannot be."""
    return nn.Sequential(linear(), norm)


COUPLED = {
    "BatchNorm2d": lambda: normalised(nn.BatchNorm2d(4, track_running_stats=False)),
    "BatchNorm1d": lambda: on_features(nn.BatchNorm1d(4, track_running_stats=False)),
    "mean of the batch": lambda: Wrapped(lambda images: images - images.mean()),
    "mean of the batch, half": lambda: Wrapped(lambda images: images - images.mean(), torch.Tensor.bfloat16),
    "largest of the batch": lambda: Wrapped(lambda images: images / images.amax()),
    "softmax over the batch": lambda: Wrapped(after=lambda logits: logits.softmax(0)),
    "neighbours": lambda: Wrapped(lambda images: images + 0.5 * images.roll(1, 0)),
}
ALONE = {
    "SmallResNet": lambda: SmallResNet(width=2, classes=4),
    "BatchNorm2d": lambda: normalised(nn.BatchNorm2d(4)),
    "InstanceNorm2d": lambda: normalised(nn.InstanceNorm2d(4, affine=True)),
    "GroupNorm": lambda: normalised(nn.GroupNorm(2, 4)),
    "Dropout": lambda: nn.Sequential(nn.Dropout(0.5), linear()),
    "half": lambda: Wrapped(after=torch.Tensor.bfloat16),
    "half, within": lambda: Wrapped(lambda images: images.bfloat16().float()),
    "noise": lambda: Wrapped(lambda images: images + 0.1 * torch.randn_like(images)),
    "noise that couples": lambda: Wrapped(lambda images: images - images.mean() + 0.1 * torch.randn_like(images)),
    "NaN of black images": lambda: Wrapped(lambda images: images / images.flatten(1).amax(1)[:, None, None, None]),
    "in place": lambda: Wrapped(lambda images: images.sub_(0.5)),
    "equal logits": lambda: Wrapped(after=torch.zeros_like),
}


class TestNeighbours:
    """Images are independent: what a classifier answers to one has nothing to do with those beside it."""

    @pytest.mark.parametrize("count", [1, 2, 8])
    @pytest.mark.parametrize("make", COUPLED.values(), ids=COUPLED)
    def test_are_heeded_by_none(self, make, count):
        with pytest.raises(ValueError, match="depends on the images beside it, also in eval mode"):
            require_classifier(make(), Images(PIXELS[:count], LABELS[:count]))

    @pytest.mark.parametrize("count", [1, 2, 8])
    @pytest.mark.parametrize("make", ALONE.values(), ids=ALONE)
    def test_a_classifier_that_heeds_none_is_taken(self, make, count):
        assert require_classifier(make(), Images(PIXELS[:count], LABELS[:count])) == 4

    @pytest.mark.parametrize("name", ["small-resnet", "strided-cnn", "preact-resnet-18", "wrn-10-1"])
    @pytest.mark.parametrize("bright", [0.0, 0.01, 1.0])
    def test_our_own_heed_none(self, name, bright):
        torch.manual_seed(0)
        network = classifier_named(name, (1, 8, 8), 10)
        assert require_classifier(network, Images(bright * PIXELS, LABELS)) == 10

    @at_every_door
    def test_at_every_door(self, door):
        with pytest.raises(ValueError, match="give BatchNorm track_running_stats=True"):
            door(COUPLED["BatchNorm2d"]())

    def test_asking_leaves_no_trace(self):
        network, before = ALONE["noise"]().train(), torch.get_rng_state()
        require_classifier(network, Images(PIXELS, LABELS))
        assert network.training
        assert torch.equal(torch.get_rng_state(), before)


class TestGradients:
    @pytest.mark.parametrize(
        "make",
        [
            lambda: Wrapped(after=torch.Tensor.detach),
            lambda: Wrapped(after=lambda logits: torch.from_numpy(logits.detach().numpy())),
            lambda: Silent(torch.no_grad()),
            lambda: Silent(torch.inference_mode()),
            lambda: torch.compile(Silent(torch.no_grad()), backend="eager"),
            lambda: nn.Sequential(Silent(torch.no_grad())),
        ],
        ids=["detach", "NumPy", "no_grad", "inference_mode", "compiled", "wrapped"],
    )
    @at_every_door
    def test_logits_without_any(self, make, door):
        with pytest.raises(ValueError, match="logits have no gradient with respect to the image"):
            door(make())

    def test_plain_training_needs_none_in_the_image(self):
        DOORS["plain training"](Wrapped(torch.Tensor.detach))

    def test_nobody_needs_any_of_a_problem_that_is_only_looked_at(self):
        problem = PerturbationProblem(Silent(torch.no_grad()).requires_grad_(False), PIXELS, LABELS, BALL)
        assert problem.objective(torch.zeros_like(PIXELS)).shape == (8,)

    @at_every_door
    def test_within_inference_mode(self, door):
        network = linear()
        with torch.inference_mode(), pytest.raises(ValueError, match="gradients are needed"):
            door(network)


class Silent(nn.Module):
    """A linear classifier that answers within a mode."""

    def __init__(self, mode):
        super().__init__()
        self.network, self.mode = linear(), mode

    def forward(self, images):
        with self.mode:
            return self.network(images)


def partly_on_meta() -> nn.Module:
    return nn.Sequential(linear(), nn.Linear(4, 4, device="meta"))


def made_within_inference_mode() -> nn.Module:
    with torch.inference_mode():
        return linear()


class TestValues:
    @pytest.mark.parametrize(
        ("make", "sentence"),
        [
            (lambda: linear().to("meta"), "has weights on the meta device, where they hold no values"),
            (partly_on_meta, "the classifier has weights on the meta device"),
            (made_within_inference_mode, "no gradient flows through its weights"),
        ],
    )
    @at_every_door
    def test_weights_without_any(self, make, sentence, door):
        with pytest.raises(ValueError, match=sentence):
            door(make())

    @pytest.mark.parametrize("name", ["images", "labels", "indices"])
    def test_parts_of_a_problem_without_any(self, name):
        parts = {"images": PIXELS, "labels": LABELS, "indices": torch.arange(8)}
        with pytest.raises(ValueError, match=f"{name} are on the meta device"):
            PerturbationProblem(linear(), threat=BALL, **(parts | {name: parts[name].to("meta")}))
        with torch.inference_mode():
            made = parts[name].clone()
        with pytest.raises(ValueError, match=f"{name} were made within"):
            PerturbationProblem(linear(), threat=BALL, **(parts | {name: made}))

    def test_images_made_within_inference_mode_are_taken(self):
        with torch.inference_mode():
            pixels, labels = PIXELS.clone(), LABELS.clone()
        assert torch.equal(Attack(ATTACK, BALL)(linear(), pixels, labels), DOORS["attack"](linear()))
