"""The paper's tables of adversarial training and the cheap rivals of today, at the size that a machine carries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from minimax_l2l import LinfBall, RunFolder
from minimax_l2l.errors import require_choice
from minimax_l2l.lab import EVERY_CORE, Announce, Row, fill, play
from tasks.adversarial.evaluation.autoattack import Tier
from tasks.adversarial.evaluation.curves import accuracy_against_eps, accuracy_against_steps
from tasks.adversarial.evaluation.robustness import evaluate
from tasks.adversarial.experiments.paper_runs import PARTS, PaperRun, runs_of
from tasks.adversarial.experiments.paper_transfer import paper_transfer
from tasks.adversarial.presets.images import Scale
from tasks.adversarial.presets.runs import evaluate_run, load_run

RADII = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0)  # of eps; the last point of the curve is 1


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


MEASURES: Mapping[Scale, Measures] = {
    "cpu": Measures("quick", images=1000, drawn=100, standard=500, curve=200),
    "gpu": Measures(),
    "paper": Measures(),
}


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
        out: folder of `paper-tables.json` and `paper-tables-transfer.json`; at the other scales
            `paper-tables-SCALE.json` and `paper-tables-SCALE-transfer.json`.
        announce: called with a few words before each piece of work.
        workers: see `play_all`.
        data: folder that holds each data set as a NumPy archive of its name, or as torchvision keeps it.
        scale: `"cpu"`, `"gpu"` or `"paper"`.
        device: where it is played.
        runs: folder of the runs themselves.

    Returns:
        The first file.

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

    announce("reading the data")
    read = {run.data: run.preset for run in every}
    checksums = {name: preset.images().sha256 for name, preset in read.items()}
    fill(file, every, measure, announce=announce, workers=workers, order=order, data=checksums)
    paper_transfer(
        file.with_stem(f"{file.stem}-transfer"),
        every,
        images=MEASURES[scale].images,
        device=device,
        announce=announce,
        workers=workers,
    )
    return file


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
        keep_pieces=True,  # the row is written after the closer look alone
    )["rows"][0]
    row |= {"status": RunFolder(run.folder).read_json("solution.json")["status"]}
    if run.turn == 0:
        row |= _closely(run, measures, device)
    return {name: value for name, value in row.items() if name not in run.identity}


def _closely(run: PaperRun, measures: Measures, device: str) -> Row:
    """Standard AutoAttack on some images, and the curves of figures 4 and 9."""
    loaded, threat = load_run(run.preset, run.folder, device=device), LinfBall(run.preset.radius)
    test, found = loaded.data.test, {}
    if measures.standard:
        parts = run.folder / "standard.parts.json"
        some = evaluate(loaded.classifier, test.some(measures.standard), threat, kept_in=parts).accuracies()
        found = {"standard_images": measures.standard, "autoattack": some["autoattack"]}
    seen = test.some(measures.curve)
    radii = [*(threat.eps * share for share in RADII), 1.0]
    return found | {
        "curve_images": len(seen),
        "against_eps": accuracy_against_eps(loaded.classifier, seen, radii),
        "against_steps": accuracy_against_steps(loaded.classifier, seen, threat),
    }
