"""What a report says of adversarial runs: the table, the curves, the perturbations, the training, the cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from minimax_l2l import DamagedRunError, RunFolder
from minimax_l2l.lab import Section, environment_section, preset_of, read_whole, wilson_interval
from minimax_l2l.lab.advice import evaluating
from tasks.adversarial.presets import FAMILY, figures
from tasks.adversarial.presets.comparable import require_comparable
from tasks.adversarial.presets.figures import Line
from tasks.adversarial.presets.glossary import glossary
from tasks.adversarial.presets.methods import METHODS
from tasks.adversarial.presets.perturbed import perturbations
from tasks.adversarial.presets.runs import data_of
from tasks.adversarial.presets.training import TrainingPreset

COLUMNS = {
    "clean": "clean",
    "worst_case": "worst\ncase",
    "fgsm": "FGSM",
    "pgm_20": "PGM-20",
    "pgm_100": "PGM-100",
    "cw_100": "CW-100",
    "autoattack_quick": "APGD-CE\n+ APGD-T",
    "autoattack": "AutoAttack",
    "own_attacker": "own\nattacker",
}
BRIEF = {
    "clean": "clean",
    "worst_case": "worst\ncase",
    "pgm_20": "PGM-20",
    "autoattack_quick": "APGD-CE\n+ APGD-T",
    "autoattack": "Auto-\nAttack",
}
COUNTS = ("forward_passes", "input_gradient_passes", "weight_gradient_passes")
ROW_FIELDS = {"method", "data", "eps", "images", "clean", "worst_case", "train_seconds", *COUNTS}
REFERENCE = "pgm-10"  # whose curve the others are compared with
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
    require_comparable(evaluations, configs)
    presets = {folder: _preset(folder, data) for folder in folders}
    data_of(presets[folders[0]], configs[folders[0]])
    lines = _lines(presets)
    rows = {lines[folder]: evaluation["rows"][0] for folder, evaluation in evaluations.items()}
    curves = {lines[folder]: content["curves"] for folder, content in evaluations.items() if "curves" in content}
    histories = {lines[folder]: RunFolder(folder).read_metrics() for folder in folders}
    learned = [folder for folder, preset in presets.items() if preset.row.learns]
    most = max(learned, key=lambda folder: presets[folder].steps, default=None)
    shown = perturbations(most, presets[most]) if most is not None else []  # reads weights, so it comes first
    robust = next(field for field in ROBUST if all(field in row for row in rows.values()))
    first = next(iter(rows.values()))
    intervals = {line: interval(row, robust) for line, row in rows.items()}
    warned = list(_warned(lines))
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
            f"perturbations of at most {first['eps']:.4g} per pixel in [0, 1]. The worst case counts an image only "
            "if it withstands every attack of its row. Seconds and passes (forward, input gradient, weight "
            "gradient) are those of the training.",
            table=table(rows),
            brief=brief(rows),
            notes=["Below each figure is its 95 % interval.", *warned],
        ),
        Section("Terms", terms=glossary({line.method for line in rows}, _columns(rows, COLUMNS), warned)),
        Section(
            "Robustness against cost",
            f"Per cent that withstand {attack}, against the training's seconds and passes. Higher and further left "
            "is better. Bars are the 95 % intervals above.",
            figure=figures.robustness_against_cost(rows, intervals, robust),
        ),
    ]
    if curves:
        compared = [line for line in curves if line.method == REFERENCE] if len(curves) > 1 else []
        reference = compared[0] if compared else None
        page += [
            Section(
                "Accuracy against eps",
                "PGM-20 at each radius. As the radius goes to 1 no image should survive. If one does, the "
                "classifier hides its gradient from the attack instead of withstanding it.",
                figure=figures.accuracy_curves(curves, "eps", "eps", reference=reference),
            ),
            Section(
                "Accuracy against attack steps",
                "PGM from a random start with steps of eps / 10. If a curve still falls at its end, more steps "
                "would break more images.",
                figure=figures.accuracy_curves(curves, "steps", "steps", log=True, reference=reference),
            ),
        ]
    page += shown
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
        attacked = [line for line in rows if line.method != "plain"]
        if own := [line for line in attacked if METHODS[line.method].learns == learns]:
            best.append(max(own, key=lambda line: rows[line][robust]))
            worst = min(own, key=lambda line: rows[line][robust])
            share, least = (100 * rows[line][robust] for line in (best[-1], worst))
            said.append(
                f"With the best {kind} attacker, {best[-1].title}, it is {share:.1f} %"
                + (f"; with the worst, {worst.title}, it is {least:.1f} %." if least < share else ".")
            )
    if plain := [line for line in rows if line.method == "plain"]:
        said.append(f"Trained with no attacker, it is {100 * max(rows[line][robust] for line in plain):.1f} %.")
    if len(best) == 2:
        (low, high), (other_low, other_high) = (intervals[line] for line in best)
        apart = high < other_low or other_high < low
        said.append(
            "The intervals of these two best do not overlap."
            if apart
            else "The intervals of these two best overlap: they are not told apart."
        )
    return " ".join(
        [
            f"The share of {images} test images that a classifier still gets right under {attack}.",
            *said,
            "Each row is one run with one seed. Its interval says what other test images might give; another seed "
            "would move the figures too.",
        ]
    )


def interval(row: Mapping[str, Any], field: str) -> tuple[float, float]:
    """The 95 % interval of an accuracy of a row."""
    return wilson_interval(round(row[field] * row["images"]), row["images"])


def table(rows: Mapping[Line, Mapping[str, Any]]) -> tuple[list[str], list[list[str]]]:
    """Result rows as column titles and cells: per cent over intervals, seconds, passes per batch."""
    return _table(rows, COLUMNS, intervals=True)


def brief(rows: Mapping[Line, Mapping[str, Any]]) -> tuple[list[str], list[list[str]]]:
    """The same with fewer attacks and no intervals, so that a terminal's 80 columns hold it."""
    return _table(rows, BRIEF, intervals=False)


def _table(
    rows: Mapping[Line, Mapping[str, Any]], columns: Mapping[str, str], *, intervals: bool
) -> tuple[list[str], list[list[str]]]:
    fields = _columns(rows, columns)
    titles = ["method", *fields.values(), "seconds", "passes\nper batch"]
    cells = [
        [
            line.title,
            *(_per_cent(row, field, intervals) if field in row else "-" for field in fields),
            f"{row['train_seconds']:.1f}",
            "/".join(f"{row[name] / row.get('train_steps', row['weight_gradient_passes']):g}" for name in COUNTS),
        ]
        for line, row in rows.items()
    ]
    return titles, cells


def _columns(rows: Mapping[Line, Mapping[str, Any]], columns: Mapping[str, str]) -> dict[str, str]:
    """Those of which some row has a figure."""
    return {field: title for field, title in columns.items() if any(field in row for row in rows.values())}


def _warned(lines: Mapping[Path, Line]) -> Iterator[str]:
    """What was warned of during the training of each run."""
    for folder, line in lines.items():
        for words in read_whole(folder, "solution.json", ("warned",))["warned"]:
            yield f"A warning from the training of {line.title}: {words}"


def _per_cent(row: Mapping[str, Any], field: str, with_interval: bool) -> str:
    ends = "\n{:.1f} to {:.1f}".format(*(100 * end for end in interval(row, field))) if with_interval else ""
    return f"{100 * row[field]:.1f}{ends}"


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
