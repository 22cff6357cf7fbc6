"""What a report says of adversarial runs: the table, the curves, the perturbations, the training, the cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from math import sqrt
from pathlib import Path
from typing import Any

import torch

from minimax_l2l import FGSM, PGM, DamagedRunError, LinfBall, RunFolder
from minimax_l2l.lab import Section, environment_section, preset_of, read_whole
from minimax_l2l.lab.advice import evaluating
from tasks.adversarial.attack import Attack
from tasks.adversarial.presets import FAMILY, figures
from tasks.adversarial.presets.figures import Line
from tasks.adversarial.presets.methods import METHODS
from tasks.adversarial.presets.runs import data_of, load_run
from tasks.adversarial.presets.training import TrainingPreset

COLUMNS = {
    "clean": "clean",
    "fgsm": "FGSM",
    "pgm_20": "PGM-20",
    "pgm_100": "PGM-100",
    "cw_100": "CW-100",
    "own_attacker": "own\nattacker",
    "autoattack_quick": "APGD-CE\n+ APGD-T",
    "autoattack": "AutoAttack",
    "worst_case": "worst\ncase",
}
BRIEF = {
    "clean": "clean",
    "pgm_20": "PGM-20",
    "autoattack_quick": "APGD-CE\n+ APGD-T",
    "autoattack": "Auto-\nAttack",
    "worst_case": "worst\ncase",
}
COUNTS = ("forward_passes", "input_gradient_passes", "weight_gradient_passes")
ROW_FIELDS = {"method", "data", "eps", "images", "clean", "worst_case", "train_seconds", *COUNTS}
ROBUST = ("autoattack", "autoattack_quick", "worst_case")


def sections(folders: Sequence[Path], *, data: Path | None = None) -> list[Section]:
    """A page about some runs on one data set that have been evaluated.

    Args:
        folders: of the runs.
        data: what they were trained on, if that is the user's own.

    Raises:
        DamagedRunError: if one of them has not been evaluated, or is damaged.
        ValueError: if they differ in their data, their radius or the number of their test images, or were trained
            on data that are not given, or on others than are given.
    """
    evaluations = {folder: _evaluation(folder) for folder in folders}
    configs = {folder: read_whole(folder, "config.json", ("data", "data_sha256")) for folder in folders}
    _require_comparable(evaluations, configs)
    presets = {folder: _preset(folder, data) for folder in folders}
    data_of(presets[folders[0]], configs[folders[0]])
    lines = _lines(presets)
    rows = {lines[folder]: evaluation["rows"][0] for folder, evaluation in evaluations.items()}
    curves = {lines[folder]: content["curves"] for folder, content in evaluations.items() if "curves" in content}
    histories = {lines[folder]: RunFolder(folder).read_metrics() for folder in folders}
    robust = next(field for field in ROBUST if all(field in row for row in rows.values()))
    first = next(iter(rows.values()))
    intervals = {line: interval(row[robust], row["images"]) for line, row in rows.items()}
    attack = COLUMNS[robust].replace("\n", " ")
    page = [
        Section(
            "Result",
            _result(rows, intervals, robust, attack),
            table=(
                ["method", "per cent\nrobust", "95 %\ninterval"],
                [
                    [
                        line.title,
                        f"{100 * row[robust]:.1f}",
                        "{:.1f} to {:.1f}".format(*(100 * end for end in intervals[line])),
                    ]
                    for line, row in rows.items()
                ],
            ),
        ),
        Section(
            "Robustness",
            f"Per cent of {first['images']} test images of {first['data']} classified correctly under "
            f"perturbations of at most {first['eps']} per pixel in [0, 1]. The worst case counts an image only if "
            "it withstands every attack of its row. Seconds and passes (forward, input gradient, weight gradient) "
            "are those of the training.",
            table=table(rows),
            brief=brief(rows),
        ),
        Section(
            "Robustness against cost",
            f"Per cent that withstand {attack}, against the training's seconds and passes. Higher and further left "
            "is better. Bars are the 95 % intervals above.",
            figure=figures.robustness_against_cost(rows, intervals, robust),
        ),
    ]
    if curves:
        page += [
            Section(
                "Accuracy against eps",
                "PGM-20 at each radius. As the radius goes to 1 no image should survive. If one does, the "
                "classifier hides its gradient from the attack instead of withstanding it.",
                figure=figures.accuracy_curves(curves, "eps", "eps"),
            ),
            Section(
                "Accuracy against attack steps",
                "PGM with k steps of 2.5 eps / k. If a curve still falls at its end, more steps would "
                "break more images.",
                figure=figures.accuracy_curves(curves, "steps", "steps", log=True),
            ),
        ]
    learned = [folder for folder, preset in presets.items() if preset.row.learns]
    if learned:
        most = max(learned, key=lambda folder: presets[folder].steps)
        page.append(_perturbations(most, presets[most]))
    page.append(
        Section(
            "Training",
            "First, validation accuracy under PGM-10. Second, how strong each run's own attacker is: the mean "
            "validation loss that it causes, divided by the one that PGM-10 causes. An attacker near zero has "
            "stopped attacking.",
            figure=figures.training_curves(histories),
        )
    )
    page.append(environment_section(next(iter(evaluations.values()))["environment"]))
    return page


def _result(
    rows: Mapping[Line, Mapping[str, Any]],
    intervals: Mapping[Line, tuple[float, float]],
    robust: str,
    attack: str,
) -> str:
    """In words: the best learned and the best hand-designed run, and whether they can be told apart."""
    images = next(iter(rows.values()))["images"]
    said, best = [], []
    for learns, kind in ((True, "learned"), (False, "hand-designed")):
        if own := [line for line in rows if METHODS[line.method].learns == learns]:
            best.append(max(own, key=lambda line: rows[line][robust]))
            share = 100 * rows[best[-1]][robust]
            said.append(f"With the best {kind} attacker, {best[-1].title}, it is {share:.1f} %.")
    if len(best) == 2:
        (low, high), (other_low, other_high) = (intervals[line] for line in best)
        apart = high < other_low or other_high < low
        said.append(
            "The intervals do not overlap." if apart else "The intervals overlap: the two are not told apart."
        )
    return " ".join(
        [
            f"The share of {images} test images that a classifier still gets right under {attack}.",
            *said,
            "Each row is one run with one seed. Its interval says what other test images might give; another seed "
            "would move the figures too.",
        ]
    )


def interval(share: float, count: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share of `count` images."""
    z2 = 1.96**2
    centre = (share + z2 / (2 * count)) / (1 + z2 / count)
    half = 1.96 * sqrt(share * (1 - share) / count + z2 / (4 * count**2)) / (1 + z2 / count)
    return centre - half, centre + half


def table(rows: Mapping[Line, Mapping[str, Any]]) -> tuple[list[str], list[list[str]]]:
    """Result rows as column titles and cells: accuracies in per cent, seconds, passes per batch."""
    return _table(rows, COLUMNS)


def brief(rows: Mapping[Line, Mapping[str, Any]]) -> tuple[list[str], list[list[str]]]:
    """The same with fewer attacks, so that a terminal's 80 columns hold it."""
    return _table(rows, BRIEF)


def _table(rows: Mapping[Line, Mapping[str, Any]], columns: Mapping[str, str]) -> tuple[list[str], list[list[str]]]:
    fields = [field for field in columns if any(field in row for row in rows.values())]
    titles = ["method", *(columns[field] for field in fields), "seconds", "passes\nper batch"]
    cells = [
        [
            line.title,
            *(f"{100 * row[field]:.1f}" if field in row else "-" for field in fields),
            f"{row['train_seconds']:.1f}",
            "/".join(f"{row[name] / row.get('train_steps', row['weight_gradient_passes']):g}" for name in COUNTS),
        ]
        for line, row in rows.items()
    ]
    return titles, cells


def _lines(presets: Mapping[Path, TrainingPreset]) -> dict[Path, Line]:
    """Each run named by its method; by its seed too where a method occurs twice, by its folder if need be."""
    titles = {folder: preset.row.title for folder, preset in presets.items()}
    for addition in ({f: f"seed {preset.seed}" for f, preset in presets.items()}, {f: f.name for f in presets}):
        often = Counter(titles.values())
        titles = {f: f"{title}, {addition[f]}" if often[title] > 1 else title for f, title in titles.items()}
    return {folder: Line(title, presets[folder].method) for folder, title in titles.items()}


def _preset(folder: Path, data: Path | None) -> TrainingPreset:
    embedded = RunFolder(folder).read_json("config.json")["settings"].get("data") is None
    preset, _ = preset_of(folder, {"adversarial": FAMILY}, data=None if embedded else data)
    assert isinstance(preset, TrainingPreset)
    return preset


def _evaluation(folder: Path) -> dict[str, Any]:
    file = folder / "evaluation.json"
    if not file.is_file():
        raise DamagedRunError(f"{folder} has not been evaluated; run `{evaluating(folder)}` first.")
    content = RunFolder(folder).read_json(file.name)
    rows = content.get("rows")
    whole = isinstance(rows, list) and rows and all(row.keys() >= ROW_FIELDS for row in rows)
    if not whole or "environment" not in content:
        raise DamagedRunError(f"{file} lacks what a report needs; run `{evaluating(folder)}` again.")
    return content


def _require_comparable(
    evaluations: Mapping[Path, Mapping[str, Any]], configs: Mapping[Path, Mapping[str, Any]]
) -> None:
    """What a page states of one run it states of all."""
    first, *others = evaluations
    for other in others:
        one, two = (configs[folder]["data"] for folder in (first, other))
        if configs[first]["data_sha256"] != configs[other]["data_sha256"]:
            alike = " (their checksums differ)" if one == two else ""
            raise ValueError(
                f"{first} was trained on {one!r} and {other} on other data, {two!r}{alike}; write one report for "
                "each data set."
            )
        own, its = (evaluations[folder]["rows"][0] for folder in (first, other))
        for field, how in {"eps": "with eps={}", "images": "on {} test images"}.items():
            if own[field] != its[field]:
                raise ValueError(
                    f"{first} was measured {how.format(own[field])} and {other} {how.format(its[field])}, so their "
                    "rows cannot be compared; write one report for each."
                )


def _perturbations(folder: Path, preset: TrainingPreset) -> Section:
    run = load_run(preset, folder)
    images = run.data.test.first(6)
    pixels, threat = images.pixels(), LinfBall(preset.radius)
    attackers = {
        "FGSM": FGSM(step_size=preset.radius),
        "PGM-20": PGM(steps=20, step_size=preset.radius / 10),
        preset.row.title: run.optimizer,
    }
    found = {}
    for name, attacker in attackers.items():
        attacked = Attack(attacker, threat)(run.classifier, pixels, images.labels)
        with torch.no_grad():
            found[name] = attacked, run.classifier(attacked).argmax(1)
    return Section(
        "Perturbations",
        f"What three attackers make of six test images, against the classifier trained with {preset.row.title}. "
        "The number above an attacked image is the class that the classifier sees in it, red if it is wrong. "
        "Below is the change, enlarged: grey is none, white and black are plus and minus eps.",
        figure=figures.perturbation_grid(pixels, images.labels, found, preset.radius),
    )
