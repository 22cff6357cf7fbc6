"""What a report says of adversarial runs: the table, the curves, the perturbations, the training, the cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from minimax_l2l import FGSM, PGM, DamagedRunError, LinfBall, RunFolder
from minimax_l2l.lab import Section, environment_section, preset_of
from tasks.adversarial.attack import Attack
from tasks.adversarial.presets import FAMILY, figures
from tasks.adversarial.presets.digits import DigitsPreset
from tasks.adversarial.presets.figures import Line
from tasks.adversarial.presets.runs import load_run

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
    "cw_100": "CW-100",
    "autoattack_quick": "APGD-CE\n+ APGD-T",
    "autoattack": "Auto-\nAttack",
}
COUNTS = ("forward_passes", "input_gradient_passes", "weight_gradient_passes")
ROW_FIELDS = {"method", "data", "eps", "images", "clean", "worst_case", "train_seconds", *COUNTS}
ROBUST = ("autoattack", "autoattack_quick", "worst_case")


def sections(folders: Sequence[Path], *, data: Path | None = None) -> list[Section]:
    """A page about some runs that have been evaluated.

    Args:
        folders: of the runs.
        data: what some were trained on, if that is the user's own.

    Raises:
        DamagedRunError: if one of them has not been evaluated, or is damaged.
    """
    evaluations = {folder: _evaluation(folder) for folder in folders}
    presets = {folder: _preset(folder, data) for folder in folders}
    lines = _lines(presets)
    rows = {lines[folder]: evaluation["rows"][0] for folder, evaluation in evaluations.items()}
    curves = {lines[folder]: content["curves"] for folder, content in evaluations.items() if "curves" in content}
    histories = {lines[folder]: RunFolder(folder).read_metrics() for folder in folders}
    robust = next(field for field in ROBUST if all(field in row for row in rows.values()))
    first = next(iter(rows.values()))
    page = [
        Section(
            "Robustness",
            f"Per cent of {first['images']} test images of {first['data']} classified rightly under perturbations "
            f"of at most {first['eps']} a pixel in [0, 1]. The worst case counts an image only if it withstands "
            "every attack of its row. Seconds and passes (forward, input gradient, weight gradient) are the "
            "training's.",
            table=table(rows),
            brief=brief(rows),
        ),
        Section(
            "Robustness against cost",
            figure=figures.robustness_against_cost(rows, robust),
        ),
    ]
    if curves:
        page += [
            Section(
                "Accuracy against eps",
                "PGM-20 at each radius. As the radius goes to 1 nothing should survive; if something does, the "
                "attack is being masked, not withstood.",
                figure=figures.accuracy_curves(curves, "eps", "eps"),
            ),
            Section(
                "Accuracy against attack steps",
                "PGM with k steps of 2.5 eps / k. A curve that keeps falling has not been attacked to its end.",
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
            "Left: validation accuracy under PGM-10. Right: how strong each run's own attacker is, as the mean "
            "validation loss it causes over the one PGM-10 causes; an attacker near zero has stopped attacking.",
            figure=figures.training_curves(histories),
        )
    )
    page.append(environment_section(next(iter(evaluations.values()))["environment"]))
    return page


def table(rows: Mapping[Line, Mapping[str, Any]]) -> tuple[list[str], list[list[str]]]:
    """Result rows as column titles and cells: accuracies in per cent, seconds, passes a batch."""
    return _table(rows, COLUMNS)


def brief(rows: Mapping[Line, Mapping[str, Any]]) -> tuple[list[str], list[list[str]]]:
    """The same with fewer attacks, so that a terminal's 80 columns hold it."""
    return _table(rows, BRIEF)


def _table(rows: Mapping[Line, Mapping[str, Any]], columns: Mapping[str, str]) -> tuple[list[str], list[list[str]]]:
    fields = [field for field in columns if any(field in row for row in rows.values())]
    titles = ["method", *(columns[field] for field in fields), "seconds", "passes\na batch"]
    cells = [
        [
            line.title,
            *(f"{100 * row[field]:.1f}" if field in row else "-" for field in fields),
            f"{row['train_seconds']:.1f}",
            "/".join(f"{row[name] / row['weight_gradient_passes']:g}" for name in COUNTS),
        ]
        for line, row in rows.items()
    ]
    return titles, cells


def _lines(presets: Mapping[Path, DigitsPreset]) -> dict[Path, Line]:
    """Each run named by its method; by its seed too where a method occurs twice, by its folder if need be."""
    titles = {folder: preset.row.title for folder, preset in presets.items()}
    for addition in ({f: f"seed {preset.seed}" for f, preset in presets.items()}, {f: f.name for f in presets}):
        often = Counter(titles.values())
        titles = {f: f"{title}, {addition[f]}" if often[title] > 1 else title for f, title in titles.items()}
    return {folder: Line(title, presets[folder].method) for folder, title in titles.items()}


def _preset(folder: Path, data: Path | None) -> DigitsPreset:
    embedded = RunFolder(folder).read_json("config.json").get("data") == "digits"
    preset, _ = preset_of(folder, {"adversarial": FAMILY}, data=None if embedded else data)
    assert isinstance(preset, DigitsPreset)
    return preset


def _evaluation(folder: Path) -> dict[str, Any]:
    file = folder / "evaluation.json"
    if not file.is_file():
        raise DamagedRunError(f"{folder} has not been evaluated; run `minimax-l2l evaluate {folder}` first.")
    content = RunFolder(folder).read_json(file.name)
    rows = content.get("rows")
    whole = isinstance(rows, list) and rows and all(row.keys() >= ROW_FIELDS for row in rows)
    if not whole or "environment" not in content:
        raise DamagedRunError(f"{file} lacks what a report needs; run `minimax-l2l evaluate {folder}` again.")
    return content


def _perturbations(folder: Path, preset: DigitsPreset) -> Section:
    run = load_run(preset, folder)
    images = run.data.test.first(6)
    pixels, threat = images.pixels(), LinfBall(preset.eps)
    attackers = {
        "FGSM": FGSM(step_size=preset.eps),
        "PGM-20": PGM(steps=20, step_size=preset.eps / 10),
        preset.row.title: run.optimizer,
    }
    found = {
        name: Attack(attacker, threat)(run.classifier, pixels, images.labels) - pixels
        for name, attacker in attackers.items()
    }
    return Section(
        "Perturbations",
        f"What three attackers add to test images of the classifier trained with {preset.row.title}, as they "
        "are, five times and thirty times enlarged around grey.",
        figure=figures.perturbation_grid(pixels, found),
    )
