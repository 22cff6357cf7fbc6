"""What the paper's tables are made of: methods, data sets and seeds at three scales, as runs of presets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Any

from tasks.adversarial.experiments.trained import Trained
from tasks.adversarial.presets.images import Scale, images_preset
from tasks.adversarial.presets.methods import METHODS

CHEAP = ("fgsm-rs", "n-fgsm", "remembered-fgsm", "grad-l2l", "two-step-l2l", "remembered-grad-l2l")
PAPER = ("plain", "fgsm", "pgm-10", "naive-l2l", "grad-l2l", "two-step-l2l")
ALL = (*PAPER, "fgsm-rs", "n-fgsm", "free-4", "pgm-2", "trades-10", "remembered-fgsm", "fgsm-mep")
RECIPE = {"label_smoothing": 0.0, "weight_averaging": 0.0, "early_stopping": False}  # the same for every method
NARROW = {"attacker_width": 8}  # a generator as cheap beside this classifier as the published one beside theirs
LARGE = {"eps": 0.2, "warm_up": 0.25}  # where PGM-10 learns nothing if it begins at the whole radius


@dataclass(frozen=True)
class Part:
    """Some methods on one data set.

    Attributes:
        data: its name.
        methods: names in `METHODS`.
        seeds: that each is trained with.
        settings: of the presets, where the scale's are not meant.
    """

    data: str
    methods: Sequence[str]
    seeds: Sequence[int]
    settings: Mapping[str, Any] = field(default_factory=dict)


PARTS: Mapping[Scale, Sequence[Part]] = {
    "cpu": (
        Part("fashion-mnist", (*ALL, "remembered-grad-l2l"), (0, 1, 2)),
        Part("fashion-mnist", ("fgsm-sdi",), (0, 1, 2), NARROW),
        Part(
            "cifar10",
            ("plain", "pgm-10", "trades-10", *CHEAP),
            (0,),
            {"classifier": "small-resnet", "crop": 4, "learning_rate": 0.1},
        ),
        Part("fashion-mnist", ("pgm-10", "fgsm", "fgsm-mep", *CHEAP), (0,), LARGE),
        Part("fashion-mnist", ("fgsm-sdi",), (0,), {**LARGE, **NARROW}),
        Part("fashion-mnist", ("grad-l2l", "two-step-l2l"), (0,), {"attacker": "slim", "attacker_width": 16}),
    ),
    "gpu": (
        Part("cifar10", ("plain", "n-fgsm", "pgm-10", "grad-l2l", "two-step-l2l", "remembered-grad-l2l"), (0,)),
    ),
    "paper": (
        *(Part(data, PAPER, (0, 1, 2, 3, 4)) for data in ("cifar10", "cifar100", "svhn")),
        *(
            Part(data, ("grad-l2l", "two-step-l2l"), (0, 1, 2, 3, 4), {"attacker": "slim"})
            for data in ("cifar10", "cifar100")
        ),
    ),
}


@dataclass(frozen=True)
class PaperRun(Trained):
    """A run of the tables.

    Attributes:
        data: the data set's name, whatever its file is called.
        turn: which of its part's seeds it has, from 0; the first is measured more closely.
        usual: whether its radius and its attacker are the usual ones.
    """

    data: str
    turn: int
    usual: bool

    @property
    def identity(self) -> Mapping[str, Any]:
        """What tells its row from others."""
        about = {"data": self.data, "eps": round(self.preset.radius, 4), "method": self.preset.method}
        return {**about, "attacker": getattr(self.preset, "attacker", None), "seed": self.preset.seed}


def runs_of(scale: Scale, data: Path, runs: Path) -> Iterator[PaperRun]:
    """Every run of a scale, the first seeds first.

    Args:
        scale: which.
        data: the folder that holds the data sets.
        runs: where runs are kept.

    Raises:
        ValueError: if a data set is not there.
    """
    parts = PARTS[scale]
    for turn in range(max(len(part.seeds) for part in parts)):
        for part in parts:
            for method in part.methods if turn < len(part.seeds) else ():
                settings = {**_found(data, part.data), **RECIPE, **part.settings, "seed": part.seeds[turn]}
                preset = replace(images_preset(METHODS[method], scale), **settings)
                attacker = f"-{part.settings['attacker']}" if "attacker" in part.settings else ""
                name = f"{part.data}-{preset.radius:.3f}-{method}{attacker}-{preset.seed}"
                yield PaperRun(
                    f"adversarial/images-{method}-{scale}",
                    preset,
                    runs / name,
                    part.data,
                    turn,
                    not part.settings.keys() & {"eps", "attacker"},
                )


def _found(folder: Path, name: str) -> Mapping[str, Any]:
    """The settings that read a data set from a folder: an archive of its name, or torchvision's files."""
    spelled = (name, name.replace("-", "_"), name.replace("-", ""))
    for stem, kind in product(spelled, (".npz", "")):
        if (place := folder / f"{stem}{kind}").exists():
            return {"data": place, "dataset": None if kind else name}
    return {"data": folder, "dataset": name}
