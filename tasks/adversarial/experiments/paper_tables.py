"""The paper's tables of adversarial training and the cheap rivals of today, at the size that a machine carries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, Literal

from minimax_l2l import LinfBall, RunFolder
from minimax_l2l.errors import require_choice
from minimax_l2l.lab import EVERY_CORE, Announce, Row, fill, play
from tasks.adversarial.evaluation.autoattack import Tier
from tasks.adversarial.evaluation.curves import accuracy_against_eps, accuracy_against_steps
from tasks.adversarial.evaluation.robustness import evaluate
from tasks.adversarial.experiments.trained import Trained
from tasks.adversarial.presets.images import Scale, images_preset
from tasks.adversarial.presets.methods import METHODS
from tasks.adversarial.presets.runs import evaluate_run, load_run

CHEAP = ("fgsm-rs", "n-fgsm", "remembered-fgsm", "grad-l2l", "two-step-l2l", "remembered-grad-l2l")
PAPER = ("plain", "fgsm", "pgm-10", "naive-l2l", "grad-l2l", "two-step-l2l")
ALL = (*PAPER, "fgsm-rs", "n-fgsm", "free-4", "pgm-2", "trades-10", "remembered-fgsm", "fgsm-mep")
RECIPE = {"label_smoothing": 0.0, "weight_averaging": 0.0, "early_stopping": False}  # the same for every method
NARROW = {"attacker_width": 8}  # a generator as cheap beside this classifier as the published one beside theirs
RADII = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0)  # of eps; the last point of the curve is 1


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


@dataclass(frozen=True)
class Measures:
    """How much a scale measures.

    Attributes:
        tier: of AutoAttack in every row.
        images: test images of every row; None is all.
        draws: random perturbations of each image.
        drawn: how many images they are tried on; None is all.
        standard: images that the first seed is attacked on by AutoAttack's standard version as well; 0 for none.
        curve: images of the curves, which the first seed has.
    """

    tier: Tier = "standard"
    images: int | None = None
    draws: int = 10_000
    drawn: int | None = None
    standard: int = 0
    curve: int = 1000


PARTS: Mapping[Scale, Sequence[Part]] = {
    "cpu": (
        Part("fashion-mnist", (*ALL, "remembered-grad-l2l"), (0, 1, 2)),
        Part("fashion-mnist", ("fgsm-sdi",), (0, 1, 2), NARROW),
        Part(
            "cifar10",
            ("plain", "pgm-10", "trades-10", *CHEAP),
            (0,),
            {"classifier": "strided-cnn-32", "crop": 4},
        ),
        Part("fashion-mnist", ("pgm-10", "fgsm", "fgsm-mep", *CHEAP), (0,), {"eps": 0.2}),
        Part("fashion-mnist", ("fgsm-sdi",), (0,), {"eps": 0.2, **NARROW}),
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
MEASURES: Mapping[Scale, Measures] = {
    "cpu": Measures("quick", images=1000, drawn=100, standard=500, curve=200),
    "gpu": Measures(),
    "paper": Measures(),
}


@dataclass(frozen=True)
class PaperRun(Trained):
    """A run of the tables.

    Attributes:
        data: the data set's name, whatever its file is called.
        first: whether it is the part's first seed, which is measured more closely.
    """

    data: str
    first: bool

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
                yield PaperRun(f"adversarial/images-{method}-{scale}", preset, runs / name, part.data, turn == 0)


def paper_tables(
    out: Path,
    *,
    announce: Announce,
    workers: int = EVERY_CORE,
    data: Path | None = None,
    scale: Literal["cpu", "gpu", "paper"] = "cpu",
    device: str = "cpu",
    runs: Path = Path("runs/benchmark/paper-tables"),
) -> Path:
    """Train and measure every row; what is done already is kept, a run that was interrupted goes on.

    Args:
        out: folder of `paper-tables.json`; at the other scales `paper-tables-SCALE.json`.
        announce: called with a few words before each piece of work.
        workers: see `play_all`.
        data: folder that holds each data set as a NumPy archive of its name, or as torchvision keeps it.
        scale: `"cpu"`, `"gpu"` or `"paper"`.
        device: where it is played.
        runs: folder of the runs themselves.

    Returns:
        The file.

    Raises:
        ValueError: if there is no such scale, or a data set is not there.
    """
    require_choice("scale", scale, PARTS)
    if data is None:
        raise ValueError(
            f"the paper's tables need real images; name a folder that holds "
            f"{' and '.join(sorted({part.data for part in PARTS[scale]}))} with --data."
        )
    every = list(runs_of(scale, data, runs / scale))
    measure = partial(trained_and_measured, measures=MEASURES[scale], device=device)
    file = out / ("paper-tables.json" if scale == "cpu" else f"paper-tables-{scale}.json")
    places = {tuple(run.identity.values()): place for place, run in enumerate(every)}

    def order(row: Row) -> int:
        return places.get(tuple(row[name] for name in every[0].identity), len(places))

    return fill(file, every, measure, announce=announce, workers=workers, order=order)


def trained_and_measured(run: PaperRun, *, measures: Measures, device: str) -> Row:
    """Train a run, or finish it, attack it, and return its row."""
    if not run.completed:
        play(run.name, run.preset, run.folder, resume=run.folder.exists(), device=device, on_interrupt="raise")
    row: Row = evaluate_run(
        run.preset,
        run.folder,
        device=device,
        tier=measures.tier,
        images=measures.images,
        random_draws=measures.draws,
        random_images=measures.drawn,
        curves=False,
    )["rows"][0]
    row |= {"status": RunFolder(run.folder).read_json("solution.json")["status"]}
    if run.first:
        row |= _closely(run, measures, device)
    return {name: value for name, value in row.items() if name not in run.identity}


def _closely(run: PaperRun, measures: Measures, device: str) -> Row:
    """Standard AutoAttack on some images, and the curves of figures 4 and 9."""
    loaded, threat = load_run(run.preset, run.folder, device=device), LinfBall(run.preset.radius)
    test, found = loaded.data.test, {}
    if measures.standard:
        parts = run.folder / "standard.parts.json"
        some = evaluate(loaded.classifier, test.first(measures.standard), threat, kept_in=parts).accuracies()
        found = {"standard_images": measures.standard, "autoattack": some["autoattack"]}
    seen = test.first(measures.curve)
    radii = [*(threat.eps * share for share in RADII), 1.0]
    return found | {
        "curve_images": len(seen),
        "against_eps": accuracy_against_eps(loaded.classifier, seen, radii),
        "against_steps": accuracy_against_steps(loaded.classifier, seen, threat),
    }


def _found(folder: Path, name: str) -> Mapping[str, Any]:
    """The settings that read a data set from a folder: an archive of its name, or torchvision's files."""
    spelled = (name, name.replace("-", "_"), name.replace("-", ""))
    for stem, kind in product(spelled, (".npz", "")):
        if (place := folder / f"{stem}{kind}").exists():
            return {"data": place, "dataset": None if kind else name}
    return {"data": folder, "dataset": name}
