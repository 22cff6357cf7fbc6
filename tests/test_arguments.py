"""Constructor's arguments, told by the object that kept them."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from minimax_l2l import (
    FGSM,
    PGM,
    Adam,
    BestWeights,
    Box,
    Free,
    GradientAscent,
    GradientFeatures,
    Intersection,
    L2Ball,
    LearnedOptimizer,
    LinfBall,
    MLPUpdater,
    Product,
    RunFolder,
    Simplex,
    WeightAverage,
)
from minimax_l2l.arguments import Shown, arguments
from tasks.adversarial import (
    AdversarialTraining,
    Attack,
    CropAndFlip,
    Images,
    Normalise,
    SmallResNet,
    Trades,
    UniformStart,
    margin,
)
from tasks.games import LimitCycle


class Kept:
    def __init__(self, width, *, depth=2):
        self.width, self.depth, self.other = width, depth, None


class Inherits(Kept):
    pass


class Bare:
    pass


class BareModule(nn.Module):
    pass


@pytest.mark.parametrize("kind", [Kept, Inherits])
def test_they_are_told_by_name(kind):
    assert arguments(kind(3, depth=4)) == {"width": 3, "depth": 4}


@pytest.mark.parametrize("kind", [Bare, BareModule])
def test_without_a_constructor_there_are_none(kind):
    assert arguments(kind()) == {}


def test_an_argument_that_was_not_kept_is_named():
    built = Kept(3)
    del built.width
    with pytest.raises(AttributeError, match=r"Kept cannot be saved.*argument width; set self\.width = width"):
        arguments(built)


def test_arguments_without_names_are_refused():
    class Loose:
        def __init__(self, **options):
            self.options = options

    with pytest.raises(TypeError, match=r"Loose cannot be saved, its constructor takes \*\*options"):
        arguments(Loose())


NEAR = LinfBall(0.5)


class Drawn(Shown):
    def __init__(self, width, rate=0.1, *, by=max, near=NEAR):
        self.width, self._rate, self.by, self.near = width, rate, by, near


EPS = 8 / 255
IMAGES = Images(torch.zeros(6, 1, 8, 8), [0, 1, 2, 0, 1, 2])
SHOWN = [
    (PGM(steps=10, step_size=0.007), "PGM(steps=10, step_size=0.007)"),
    (FGSM(step_size=EPS, random_start=0.5), "FGSM(step_size=0.0313725, random_start=0.5)"),
    (GradientAscent(steps=2), "GradientAscent(steps=2)"),
    (Adam(lr=0.1), "Adam(lr=0.1)"),
    (LinfBall(0.1), "LinfBall(eps=0.1)"),
    (L2Ball(np.float32(0.5)), "L2Ball(eps=0.5)"),
    (Simplex(), "Simplex()"),
    (Product(Box(0.0, 1.0), Free()), "Product(Box(low=0, high=1), Free())"),
    (Intersection(LinfBall(0.1), Box(0.0, 1.0)), "Intersection(LinfBall(eps=0.1), Box(low=0, high=1))"),
    (Attack(PGM(steps=2, step_size=0.1), LinfBall(0.1), margin, seed=3),
     "Attack(optimizer=PGM(steps=2, step_size=0.1), threat=LinfBall(eps=0.1), loss=margin, seed=3)"),
    (Attack(LearnedOptimizer(MLPUpdater(), steps=2), LinfBall(0.1)),
     "Attack(optimizer=LearnedOptimizer(steps=2, features=LogSignFeatures(iterate=False), guided=True), "
     "threat=LinfBall(eps=0.1))"),
    (GradientFeatures("max", iterate=False), "GradientFeatures(normalise='max', iterate=False)"),
    (WeightAverage(0.9), "WeightAverage(decay=0.9)"),
    (BestWeights("clean", highest=False), "BestWeights(by='clean', highest=False)"),
    (UniformStart(0.1), "UniformStart(radius=0.1)"),
    (Trades(3.0), "Trades(beta=3)"),
    (CropAndFlip(), "CropAndFlip()"),
    (Normalise([0.5, 0.25], [0.5, 0.5]), "Normalise(mean=[0.5, 0.25], std=[0.5, 0.5])"),
    (IMAGES, "Images(images=tensor of shape (6, 1, 8, 8), labels=tensor of shape (6,))"),
    (RunFolder(Path("runs") / "a"), "RunFolder(path='runs/a')"),
    (LimitCycle(iterations=5), "LimitCycle(iterations=5)"),
    (Drawn(nn.Linear(2, 3)), "Drawn(width=Linear(in_features=2, out_features=3, bias=True))"),
    (Drawn(torch.ones(2), 0.2, by=min), "Drawn(width=[1, 1], rate=0.2, by=min)"),
    (Drawn(list(range(9)), near=LinfBall(0.25)), "Drawn(width=9 of them, near=LinfBall(eps=0.25))"),
    (Drawn(object()), "Drawn(width=object)"),
    (Drawn(Kept), "Drawn(width=Kept)"),
]  # fmt: skip


@pytest.mark.parametrize(("built", "words"), SHOWN, ids=[words[:30] for _, words in SHOWN])
def test_an_object_shows_how_it_was_built(built, words):
    assert repr(built) == words


def test_a_learned_optimizer_shows_its_settings_above_its_networks():
    first, second, *_ = repr(LearnedOptimizer(MLPUpdater(hidden=(4, 4)), steps=3, step_size=0.5)).splitlines()
    assert (first, second) == (
        "LearnedOptimizer(",
        "  steps=3, step_size=0.5, features=LogSignFeatures(iterate=False), guided=True",
    )


def test_what_was_not_kept_is_left_out():
    built = Drawn(3)
    del built.width
    assert repr(built) == "Drawn()"


def test_a_task_shows_what_it_is_made_of():
    task = AdversarialTraining(SmallResNet(classes=3, width=2), IMAGES, LinfBall(0.1), epochs=3, batch_size=6)
    assert repr(task).startswith("AdversarialTraining(classifier=SmallResNet(")
    assert "threat=LinfBall(eps=0.1), " in repr(task)
    assert "epochs=3" in repr(task)
    assert "object at" not in repr(task)
