"""Adversarial training: images, classifiers, losses, attacks, evaluations."""

import math

import numpy as np
import pytest
import torch
from doors import wrong
from doors.door import Door, knock, knocks
from hypothesis import given
from hypothesis import strategies as st
from own_images import archive
from pictures import pictures
from published import published
from torch import nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

from minimax_l2l import FGSM, L2Ball, LinfBall, Losses
from tasks.adversarial import (
    AdversarialTraining,
    Attack,
    CarriedStart,
    CropAndFlip,
    ImageData,
    Images,
    LogitPairing,
    Mart,
    Normalise,
    OnAttacked,
    OuterLoss,
    PerturbationProblem,
    PreActResNet18,
    ResNet18,
    SmallCNN,
    SmallResNet,
    Start,
    Trades,
    UniformStart,
    WeightPerturbation,
    WideResNet,
    as_images,
    classifier_named,
    cross_entropy,
    evaluate,
    from_folder,
    from_npz,
    margin,
    multi_step,
    public_data,
    published_attacker,
    read_data,
    smoothed,
    step_cost,
    towards,
    withstands,
)
from tasks.adversarial import published as published_game
from tasks.adversarial.data.public import PUBLIC
from tasks.adversarial.models.named import NAMES

PIXELS, LABELS = torch.rand(6, 1, 8, 8, generator=torch.Generator().manual_seed(0)), torch.arange(6) % 4
BYTES = (PIXELS * 255).to(torch.uint8)
NO_IMAGES = st.sampled_from(
    [
        None,
        "images",
        3,
        object(),
        {"images": PIXELS},
        [],
        list(PIXELS),
        list(PIXELS.numpy()),
        [[["a"]]],
        np.full((6, 1, 8, 8), "a"),
        np.full((6, 1, 8, 8), None),
        PIXELS.numpy().tobytes(),
        PIXELS.to_sparse(),
        PIXELS.to("meta"),
        torch.nested.nested_tensor(list(PIXELS), layout=torch.jagged),
        *(PIXELS.to(dtype) for dtype in (torch.bool, torch.int64, torch.int8, torch.uint16, torch.complex64)),
        PIXELS.numpy().astype(np.uint16),
        *(PIXELS[0], PIXELS[:, 0], PIXELS[None], PIXELS[:0], PIXELS[..., :0], PIXELS[:, :, 0, 0]),
        *(PIXELS * 255, PIXELS - 1, -PIXELS, PIXELS + 0.1, PIXELS * torch.nan, PIXELS * torch.inf),
    ]
)
NO_LABELS = st.sampled_from(
    [
        None,
        "labels",
        3,
        object(),
        {1},
        ["a", "b", "c", "d", "a", "b"],
        np.array(list("abcdab")),
        [0.9] * 6,
        LABELS.float(),
        LABELS + 0.5,
        LABELS > 1,
        LABELS.to(torch.complex64),
        LABELS.to_sparse(),
        LABELS.to("meta"),
        list(LABELS[:, None]),
        *(LABELS[:5], LABELS[:, None], LABELS[None], LABELS[0], LABELS[:0], torch.eye(6).long()),
    ]
)
OUTSIDE = st.sampled_from([LABELS - 1, LABELS + 1, LABELS + 10**9, LABELS - 10**9])


class Broken(Dataset):
    def __init__(self, *items):
        self.items = items

    def __len__(self):
        return len(self.items)

    def __getitem__(self, place):
        return self.items[place]


class Endless(Dataset):
    def __getitem__(self, place):
        return PIXELS[0], 0


UNEVEN = DataLoader(Broken((PIXELS[0], 0), (PIXELS[0, :, :4], 0)))  # a network that takes both may train on them
NO_SOURCE = wrong.not_a(tuple, list) | st.sampled_from(
    [
        (),
        [],
        (PIXELS,),
        (PIXELS, LABELS, LABELS),
        (PIXELS, LABELS + 0.9),
        (PIXELS, LABELS[:3]),
        PIXELS,
        PIXELS.numpy(),
        "images.npz",
        Broken(),
        Broken(PIXELS[0]),
        Broken((PIXELS[0],)),
        Broken((PIXELS[0], 0.9)),
        Broken((PIXELS[0], torch.tensor(0.9))),
        Broken((PIXELS[0], np.float32(0.9))),
        Broken((PIXELS[0], "cat")),
        Broken((PIXELS[0], None)),
        Broken((PIXELS[0], torch.tensor([0]))),
        Broken((PIXELS[0], 0), (PIXELS[0, :, :4], 0)),
        Broken((PIXELS[0], 0), (BYTES[0], 0)),
        Broken((PIXELS[0], 0), (PIXELS[0] * 2, 0)),
        Broken((PIXELS[0].numpy().repeat(2, 0), 0)),
        Broken(("image.png", 0)),
        Broken((None, 0)),
        Endless(),
        DataLoader(Broken((PIXELS[0], "cat"))),
        DataLoader(Broken((PIXELS[0], 0.9))),
        UNEVEN,
        DataLoader(TensorDataset(PIXELS)),
        DataLoader(TensorDataset(PIXELS, LABELS), batch_size=9, drop_last=True),
    ]
)


NO_NUMBERS = st.sampled_from(
    [
        *(0.5, "0.5", {0.5}, {0: 0.5}, object(), np.ones(3), torch.ones(3), b"abc", len),
        *(["a"] * 3, [None] * 3, [True] * 3, [np.nan] * 3, [np.inf] * 3, [[0.5]] * 3, (), [0.5], [0.5] * 4),
    ]
)
NO_SHAPE = st.sampled_from(
    [None, 3, "abc", {1, 8, 9}, PIXELS, (), (8,), (8, 8), (1, 1, 8, 8), (0, 8, 8), (1, 8.0, 8), (1, 8, -8), "188"]
)


def fails(*_):
    raise RuntimeError("from inside")


def net(classes=4):
    return nn.Sequential(nn.Flatten(), nn.Linear(64, classes))


class Returns(nn.Module):
    """A classifier that returns something else."""

    def __init__(self, made):
        super().__init__()
        self.made, self.layer = made, net()

    def forward(self, images):
        return self.made(self.layer(images))


NO_CLASSIFIER = wrong.not_a(nn.Module) | st.sampled_from(
    [
        nn.Linear(3, 4),
        nn.Flatten(0),
        nn.Conv2d(1, 4, 3),
        nn.Conv2d(3, 4, 3),
        net().half(),
        Returns(lambda logits: logits.argmax(1)),
        Returns(lambda logits: {"logits": logits}),
        Returns(lambda logits: (logits,)),
        Returns(lambda logits: None),
        Returns(fails),
    ]
)
NO_LOSS = wrong.not_callable() | st.sampled_from(
    [
        nn.CrossEntropyLoss,
        nn.CrossEntropyLoss(),
        towards,
        nn.functional.cross_entropy,
        fails,
        lambda logits: logits.sum(1),
        lambda logits, labels: None,
        lambda logits, labels: 0.0,
        lambda logits, labels: logits,
        lambda logits, labels: logits.argmax(1),
        lambda logits, labels: cross_entropy(logits, labels).detach(),
        lambda logits, labels: [0.0] * len(labels),
    ]
)
TOO_LONG = st.floats(8.0, 1e9)  # in levels from 0 to 255
NO_THREAT = wrong.not_a(LinfBall, L2Ball) | st.sampled_from([0.1, LinfBall(1.0), LinfBall(8.0), L2Ball(8.0)])
NO_FRACTION = wrong.not_a_number(lambda number: 0 <= number <= 1)
NO_RADIUS = wrong.not_a_number(lambda number: number > 0)
NO_WEIGHT = wrong.not_a_number(lambda number: number >= 0)
NO_SEED = wrong.not_a_count() | st.integers(2**32, 2**80)
NO_NAME = wrong.not_a(str)
NO_AUGMENT = st.sampled_from(
    [
        *(value for value in wrong.NOT_CALLABLE if value is not None),
        CropAndFlip(padding=8),
        CropAndFlip,
        fails,
        lambda: PIXELS,
        lambda images: None,
        lambda images: [images],
        lambda images: images.numpy(),
        lambda images: images[:2],
        lambda images: images[..., :4],
        lambda images: images.double(),
        lambda images: images.to("meta"),
        lambda images: images * 255,
        lambda images: images - 0.5,
        lambda images: images * torch.nan,
    ]
)
NO_OPTIMIZER = st.sampled_from(
    [
        *wrong.NOT_CALLABLE,
        torch.optim.SGD(net().parameters()),
        fails,
        lambda: None,
        lambda parameters: None,
        lambda parameters: list(parameters),
        lambda parameters: torch.optim.SGD(list(parameters), lr=-1.0),
        torch.optim.lr_scheduler.StepLR,
    ]
)
NO_SCHEDULE = st.sampled_from(
    [
        *wrong.NOT_CALLABLE,
        torch.optim.lr_scheduler.StepLR(torch.optim.SGD(net().parameters()), 1),
        fails,
        lambda optimizer: None,
        lambda optimizer, steps: None,
        lambda optimizer, steps: steps,
        torch.optim.SGD,
    ]
)


TASK_RIGHT = {"classifier": net(), "data": (PIXELS, LABELS), "threat": LinfBall(0.1)}


def play(**options):
    AdversarialTraining(**TASK_RIGHT, **options).solve(FGSM(step_size=0.1), device="cpu", steps=1)


class OwnLoss(OuterLoss):
    def __init__(self, made):
        self.made = made

    def losses(self, logits):
        return self.made(cross_entropy(logits.attacked, logits.labels).mean(), logits.ascended)


class OwnStart(Start):
    def __init__(self, made):
        self.made = made

    def initial(self, problem):
        return self.made(torch.zeros_like(problem.images))


NO_LOSSES = st.sampled_from(
    [
        lambda outer, meta: None,
        lambda outer, meta: outer,
        lambda outer, meta: (outer, meta),
        lambda outer, meta: {"outer": outer, "meta": meta},
        lambda outer, meta: Losses,
        lambda outer, meta: Losses(None, None),
        lambda outer, meta: Losses(outer.item(), meta.item()),
        lambda outer, meta: Losses(outer[None], meta),
        lambda outer, meta: Losses(outer.detach(), meta),
        lambda outer, meta: Losses(outer, meta, {"words": "few"}),
    ]
)
NO_START = st.sampled_from(
    [
        lambda zero: None,
        lambda zero: 0.0,
        lambda zero: zero.numpy(),
        lambda zero: [zero],
        lambda zero: (zero,),
        lambda zero: zero[:1],
        lambda zero: zero[..., :1],
        lambda zero: zero[0],
        lambda zero: zero.long(),
        lambda zero: zero.double(),
        lambda zero: zero.to_sparse(),
    ]
)


def parts(**changes):
    images = Images(PIXELS, LABELS)
    return {"name": "mine", "train": images, "validation": images, "test": images, **changes}


def attack(**options):
    Attack(FGSM(step_size=0.1), LinfBall(0.1))(**options)


def of_loss(loss):
    right = {"logits": torch.rand(6, 4), next(iter(set(names(loss)) - {"logits"})): LABELS}
    labels = next(name for name in right if name != "logits")
    return Door(
        loss.__name__,
        loss,
        lambda: right,
        {
            "logits": wrong.not_a(torch.Tensor)
            | st.sampled_from([PIXELS, LABELS, torch.rand(6), torch.rand(6, 1), torch.ones(6, 4).long()]),
            labels: wrong.not_a(torch.Tensor)
            | st.sampled_from([LABELS[:1], LABELS[:, None], LABELS.float(), LABELS > 1, LABELS.int()]),
        },
        {labels: "labels"},
    )


def of_network(network, own):
    smallest = {"depth": 10, "widen": 1} if network is WideResNet else {}
    counts = {name: wrong.not_a_count(1) for name in ("channels", "classes")}
    return Door(
        network.__name__,
        network,
        lambda: {"channels": 3, "mean": [0.5] * 3, "std": [0.5] * 3, **smallest},
        {**counts, **own, "mean": NO_NUMBERS, "std": NO_NUMBERS},
    )


def names(function):
    return function.__code__.co_varnames[: function.__code__.co_argcount]


ATTACK = {"classifier": net, "images": lambda: PIXELS.clone(), "labels": lambda: LABELS, "batch_size": lambda: 4}
TASK = {
    "classifier": NO_CLASSIFIER | st.builds(net, st.integers(1, 3)),
    "data": NO_SOURCE.filter(lambda source: source is not UNEVEN)
    | NO_IMAGES.map(lambda images: (images, LABELS))
    | NO_LABELS.map(lambda one: (PIXELS, one)),
    "threat": NO_THREAT,
    "validation": NO_SOURCE.filter(lambda source: source is not None) | OUTSIDE.map(lambda one: (PIXELS, one)),
    "validation_images": wrong.not_a_count(1).filter(lambda count: count is not None),
    "loss": NO_LOSS,
    "outer_loss": wrong.given(NO_LOSS),
    "epochs": wrong.not_a_count(),
    "batch_size": wrong.not_a_count(1).filter(lambda count: count is not None),
    "learning_rate": wrong.not_a_number(lambda number: number > 0),
    "momentum": wrong.not_a_number(lambda number: 0 <= number <= 1),
    "weight_decay": wrong.not_a_number(lambda number: number >= 0),
    "augment": NO_AUGMENT,
    "query_mode": wrong.not_one_of("eval", "train", "tracked"),
    "remembers": wrong.not_a_flag(),
    "start": wrong.given(wrong.not_a()),
    "replays": wrong.not_a_count(1),
    "validated_at": wrong.given(NO_THREAT),
    "seed": NO_SEED,
}
MEASURE = {
    "classifier": NO_CLASSIFIER,
    "images": NO_SOURCE,
    "threat": NO_THREAT,
    "seed": NO_SEED,
    "batch_size": wrong.not_a_count(1),
}
WORDS = dict.fromkeys(("source", "data", "validation", "images"), "images|labels|data set|data") | {
    "threat": "radius",
    "validated_at": "radius|validated_at",
}
RIGHT = {"classifier": net(), "images": (PIXELS, LABELS), "threat": LinfBall(0.1)}

DOORS = [
    Door(
        "Images", Images, lambda: {"images": PIXELS, "labels": LABELS}, {"images": NO_IMAGES, "labels": NO_LABELS}
    ),
    Door(
        "as_images", as_images, lambda: {"source": (BYTES.numpy(), LABELS.tolist())}, {"source": NO_SOURCE}, WORDS
    ),
    Door(
        "ImageData",
        ImageData,
        parts,
        {
            "name": NO_NAME,
            **{part: wrong.not_a(Images) for part in ("train", "validation", "test")},
            "classes": wrong.not_a_count(4).filter(lambda count: count is not None),
            "sha256": NO_NAME.filter(lambda name: name is not None),
        },
    ),
    Door(
        "from_npz",
        from_npz,
        lambda: {"path": archive()},
        {
            "path": wrong.not_a(str) | st.sampled_from(["nowhere.npz", ".", "a\nb"]),
            "classes": wrong.not_a_count(4).filter(lambda count: count is not None),
        },
        {"path": "file"},
    ),
    *map(
        of_network,
        (SmallResNet, SmallCNN, WideResNet, ResNet18, PreActResNet18),
        (
            {"width": wrong.not_a_count(1)},
            {
                "height": wrong.not_a_count(16),
                "width": wrong.not_a_count(16),
                "dropout": wrong.not_a_number(lambda number: 0 <= number <= 1),
            },
            {
                "depth": wrong.not_a_count(10) | st.integers(11, 10**6).filter(lambda depth: depth % 6 != 4),
                "widen": wrong.not_a_count(1),
            },
            {},
            {},
        ),
    ),
    Door(
        "from_folder",
        from_folder,
        lambda: {"path": "pets"},
        {
            "path": wrong.not_a(str) | st.sampled_from(["nowhere", "afile", ".", "a\nb"]),
            "size": wrong.not_a_count(1).filter(lambda size: size is not None)
            | st.sampled_from([(8,), (8, 8, 8), (8, 0), (8, "8"), (None, 8), [], 2.5]),
        },
        {"path": "folder"},
    ),
    Door(
        "public_data",
        public_data,
        lambda: {"name": "mnist", "folder": "public"},
        {
            "name": wrong.not_one_of(*PUBLIC),
            "folder": wrong.not_a(str) | st.sampled_from(["nowhere", "afile", ".", "pets", "a\nb"]),
            "download": wrong.not_a_flag(),
        },
    ),
    Door(
        "read_data",
        read_data,
        lambda: {"path": "pets"},
        {
            "path": wrong.not_a(str) | st.sampled_from(["nowhere", "afile", ".", "a\nb"]),
            "name": wrong.not_one_of(*PUBLIC).filter(lambda name: name is not None),
        },
        {"path": "file|folder|holds"},
    ),
    Door("CropAndFlip", CropAndFlip, dict, {"padding": wrong.not_a_count(), "flip": wrong.not_a_flag()}),
    Door(
        "Normalise",
        Normalise,
        lambda: {"mean": [0.5] * 3, "std": [0.5] * 3},
        {"mean": NO_NUMBERS, "std": NO_NUMBERS | st.sampled_from([[0.0] * 3, [-1.0] * 3])},
    ),
    Door(
        "classifier_named",
        classifier_named,
        lambda: {"name": "small-resnet-1", "shape": (1, 8, 8), "classes": 4},
        {
            "name": wrong.not_a(str)
            | st.text().filter(lambda name: ":" not in name and name not in NAMES)
            | st.sampled_from(
                ["wrn-9-1", "small-cnn", "no_such_module:make", "math:pi", "math:sqrt", "json:loads"]
            ),
            "shape": NO_SHAPE,
            "classes": wrong.not_a_count(1),
        },
        {"name": "classifier|depth|height"},
    ),
    Door("smoothed", smoothed, lambda: {"smoothing": 0.1}, {"smoothing": NO_FRACTION}),
    Door("OnAttacked", OnAttacked, lambda: {"loss": smoothed(0.1)}, {"loss": wrong.not_callable()}),
    Door("Trades", Trades, dict, {"beta": NO_WEIGHT, "loss": wrong.not_callable()}),
    Door("Mart", Mart, dict, {"beta": NO_WEIGHT}),
    Door(
        "OuterLoss",
        lambda losses: play(outer_loss=OwnLoss(losses)),
        lambda: {"losses": Losses},
        {"losses": NO_LOSSES},
    ),
    Door(
        "Start",
        lambda initial: play(start=OwnStart(initial)),
        lambda: {"initial": lambda zero: zero},
        {"initial": NO_START},
        {"initial": "inner variable|y of shape|tensor|bounds"},
    ),
    Door("UniformStart", UniformStart, lambda: {"radius": 0.1}, {"radius": NO_RADIUS}),
    Door("CarriedStart", CarriedStart, dict, {"step_size": wrong.given(NO_RADIUS)}),
    Door(
        "WeightPerturbation",
        WeightPerturbation,
        lambda: {"task": AdversarialTraining(**TASK_RIGHT)},
        {"task": wrong.not_a(AdversarialTraining), "gamma": NO_RADIUS},
    ),
    Door("LogitPairing", LogitPairing, lambda: {"weight": 10.0}, {"weight": NO_WEIGHT, "of": wrong.not_callable()}),
    Door(
        "step_cost",
        step_cost,
        lambda: {"task": AdversarialTraining(**TASK_RIGHT), "optimizer": FGSM(step_size=0.1)},
        {
            "task": wrong.not_a(AdversarialTraining),
            "optimizer": wrong.not_a(FGSM),
            "play": wrong.not_one_of("joint", "alternating"),
        },
    ),
    Door(
        "published",
        published_game,
        lambda: {**TASK_RIGHT, "width": 1, "augment": None},
        {
            **{name: TASK[name] for name in ("classifier", "data", "epochs", "batch_size", "augment", "seed")},
            "threat": wrong.given(NO_THREAT),
            "attacker": wrong.not_one_of("naive", "grad", "two-step"),
            "width": wrong.not_a_count(1),
        },
        WORDS,
    ),
    Door(
        "published_attacker",
        published_attacker,
        lambda: {"width": 1},
        {
            "attacker": wrong.not_one_of("naive", "grad", "two-step"),
            "channels": wrong.not_a_count(1),
            "width": wrong.not_a_count(1),
        },
    ),
    Door(
        "multi_step",
        multi_step,
        lambda: {"optimizer": torch.optim.SGD(net().parameters(), lr=0.1), "steps": 9},
        {
            "optimizer": wrong.not_a(torch.optim.Optimizer),
            "steps": wrong.not_a_count(),
            "at": st.sampled_from([None, 0.5, "half", (0.0,), (1.0,), (0.5, 30), (None,), ("a",), (math.nan,)]),
            "factor": wrong.not_a_number(lambda number: number > 0),
        },
    ),
    *map(of_loss, (cross_entropy, margin, towards)),
    Door(
        "PerturbationProblem",
        PerturbationProblem,
        lambda: {"classifier": net(), "images": PIXELS, "labels": LABELS, "threat": LinfBall(0.1)},
        {
            "classifier": wrong.not_a(nn.Module),
            "images": wrong.not_a(torch.Tensor) | st.sampled_from([PIXELS[0], BYTES, PIXELS.to(torch.complex64)]),
            "labels": wrong.not_a(torch.Tensor) | st.sampled_from([LABELS[:1], LABELS[:, None], LABELS + 0.1]),
            "threat": wrong.not_a(LinfBall, L2Ball) | st.builds(LinfBall, TOO_LONG) | st.builds(L2Ball, TOO_LONG),
            "loss": wrong.not_callable(),
            "query_mode": wrong.not_one_of("eval", "train", "tracked"),
            "indices": st.sampled_from([[1], 3, "all", LABELS[:1], LABELS.float(), LABELS[None], LABELS > 1]),
            "seed": wrong.not_a_count(),
            "step": wrong.not_a_count(),
            "start": wrong.given(wrong.not_a()),
            "placement": wrong.not_a().filter(lambda placement: placement is not None),
        },
        {"threat": "radius"},
    ),
    Door(
        "Attack",
        Attack,
        lambda: {"optimizer": FGSM(step_size=0.1), "threat": LinfBall(0.1)},
        {
            "optimizer": wrong.not_a(FGSM),
            "threat": wrong.not_a(LinfBall, L2Ball),
            "loss": wrong.not_callable(),
            "seed": NO_SEED,
        },
    ),
    Door(
        "Attack()",
        attack,
        lambda: {name: make() for name, make in ATTACK.items()},
        {
            "classifier": NO_CLASSIFIER,
            "images": NO_IMAGES,
            "labels": NO_LABELS | OUTSIDE,
            "batch_size": wrong.not_a_count(1),
        },
    ),
    Door(
        "Attack.save_pretrained",
        Attack(FGSM(step_size=0.1), LinfBall(0.1)).save_pretrained,
        lambda: {"folder": "attack"},
        {
            "folder": wrong.not_a(str) | st.sampled_from(["afile", "afile/attack", "arun", "saved"]),
            "overwrite": wrong.not_a(bool),
        },
        {"folder": "arun"},
    ),
    Door(
        "Attack.from_pretrained",
        Attack.from_pretrained,
        lambda: {"folder": "saved"},
        {
            "folder": wrong.not_a(str) | st.sampled_from(["afile", "afile/attack", "nowhere", "arun"]),
            **{
                name: st.sampled_from(["PGM", 3, None, {"PGM": 1}, [3], ["PGM"], object()])
                for name in ("losses", "optimizers", "updaters", "features")
            },
        },
        {"folder": "attack"},
    ),
    Door("AdversarialTraining", AdversarialTraining, lambda: TASK_RIGHT, TASK, WORDS),
    Door(
        "solve",
        play,
        dict,
        {"optimizer": NO_OPTIMIZER.filter(lambda one: one is not None), "schedule": NO_SCHEDULE},
    ),
    Door(
        "withstands",
        withstands,
        lambda: {**RIGHT, "optimizer": FGSM(step_size=0.1)},
        {**MEASURE, "optimizer": wrong.not_a(FGSM), "loss": NO_LOSS},
        WORDS,
    ),
    Door(
        "evaluate",
        evaluate,
        lambda: {**RIGHT, "tier": "quick"},
        {
            **MEASURE,
            "tier": wrong.not_one_of("quick", "standard"),
            "own": wrong.not_a(FGSM).filter(lambda own: own is not None),
            "kept_in": wrong.not_a(str).filter(lambda name: name is not None)
            | st.sampled_from([".", "afile/parts.json"]),
            "announce": wrong.not_callable(),
        },
        WORDS,
    ),
]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "afile").write_text("precious")
    (tmp_path / "arun").mkdir()
    pictures(tmp_path / "pets")
    published("mnist", tmp_path / "public", monkeypatch)
    (tmp_path / "arun" / "config.json").write_text("{}")
    Attack(FGSM(step_size=0.1), LinfBall(0.1)).save_pretrained("saved")


@pytest.mark.parametrize(("door", "argument"), knocks(*DOORS), ids=str)
@given(data=st.data())
@pytest.mark.usefixtures("folder")
def test_wrong_values_are_refused(door, argument, data):
    knock(door, argument, data.draw(door.wrong[argument]))


@pytest.mark.parametrize("door", DOORS, ids=str)
@pytest.mark.usefixtures("folder")
def test_right_values_are_taken(door):
    door.open(**door.right())
