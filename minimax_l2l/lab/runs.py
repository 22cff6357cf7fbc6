"""From a preset to a run's folder, and from the folder to its evaluation: resumable to the bit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.util import find_spec
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from minimax_l2l.errors import DamagedRunError
from minimax_l2l.files import require_place
from minimax_l2l.lab.answers import require_audit, require_built, require_evaluation
from minimax_l2l.lab.environment import describe_environment
from minimax_l2l.lab.facts import require_checksum, require_same_data
from minimax_l2l.lab.family import Family, find_preset, load_function, require_own_name
from minimax_l2l.lab.naming import warnings_of
from minimax_l2l.lab.preset import Announce, Preset
from minimax_l2l.lab.reading import read_whole, require_folder

if TYPE_CHECKING:
    from minimax_l2l.training.solution import Solution


def play(
    name: str,
    preset: Preset,
    out: Path | str,
    *,
    resume: bool = False,
    overwrite: bool = False,
    device: str = "auto",
    progress: bool = False,
    tensorboard: bool = False,
    on_interrupt: Literal["return", "raise"] = "return",
) -> Solution:
    """Solve a preset into a folder. Warnings meanwhile begin with the preset's name and the folder.

    Args:
        name: the preset's full name, by which the folder's `config.json` calls it.
        preset: what is played.
        out: the run's folder.
        resume: go on with the run that is there; it must have been made with the same settings, and with the same
            data by their checksum, whatever they are called now. One that was stopped before its first checkpoint
            begins again.
        overwrite: remove the run that is there first.
        device: see `Task.solve`.
        progress: show a progress bar.
        tensorboard: write TensorBoard events as well, if it is installed.
        on_interrupt: what to do once Ctrl-C has ended the run and its folder is whole: return, or go on to raise
            KeyboardInterrupt, which is right where more work would follow.

    Returns:
        The solution.

    Raises:
        TypeError: if `preset` is none, or builds something else than it should.
        ValueError: if an installed family has another preset of that name, by which the run would be evaluated; if
            the folder holds a run already and neither `resume` nor `overwrite` is asked for, or holds somebody
            else's files of a run's names; or if the run to resume was made with other settings.
    """
    from minimax_l2l.training.callbacks import TensorBoard
    from minimax_l2l.training.comparison import require_same
    from minimax_l2l.training.folder import RunFolder
    from minimax_l2l.training.solution import Status

    require_own_name(name, preset)
    folder, settings, begun = RunFolder(out), preset.settings(), False
    require_place("out", folder.path)
    if resume:  # data are read after that, which may take long
        config = folder.read_json("config.json")
        settings = _with_data_as_called_in(config, settings)
        require_same(folder.path, {"preset": name, "settings": settings}, config)
    built = require_built(preset, preset.build())
    require_checksum(preset, built.facts)
    facts = json.loads(json.dumps(dict(built.facts)))  # as they will be read again
    about = {"preset": name, "settings": settings, **facts}
    if resume:
        require_same(folder.path, about, folder.read_json("config.json"))
        begun = folder.begun
    wants_events = tensorboard and find_spec("tensorboard") is not None
    with warnings_of(name, folder.path):
        solution = built.task.solve(
            built.optimizer,
            play=built.play,
            out=out,
            resume=begun,
            overwrite=overwrite or (resume and not begun),
            about={**about, "environment": describe_environment()},
            device=device,
            validate_every=built.validate_every,
            precision=built.precision,
            hooks=built.hooks,
            on_failure=built.on_failure,
            progress=name if progress else None,
            callbacks=[TensorBoard(folder.path / "tensorboard", every=10)] if wants_events else [],
        )
    if on_interrupt == "raise" and solution.status is Status.INTERRUPTED:
        raise KeyboardInterrupt
    return solution


def preset_of(folder: Path, families: Mapping[str, Family], *, data: Path | None = None) -> tuple[Preset, Family]:
    """The preset that a run's folder was made with, its settings included, and the family it belongs to.

    Args:
        folder: of the run.
        families: that it may belong to.
        data: what it was trained on, if that is the user's own.

    Raises:
        DamagedRunError: if the folder holds no run, or its `config.json` is not whole.
        ValueError: if the folder is not there, or no family has the preset.
    """
    config = _config_of_preset(folder)
    preset, family = find_preset(config["preset"], families)
    return preset.again(config["settings"], data=data), family


def own_data(folder: Path) -> str | None:
    """The name of the user's own data that a run was trained on; None if there are none.

    Raises:
        DamagedRunError: if the folder holds no run, or its `config.json` is not whole.
        ValueError: if the folder is not there.
    """
    name: str | None = _config_of_preset(folder)["settings"].get("data")
    return name


def family_of(folder: Path, families: Mapping[str, Family]) -> Family:
    """The family that a run's preset belongs to.

    Raises:
        DamagedRunError: if the folder holds no run, or its `config.json` is not whole.
        ValueError: if the folder is not there, or no family has the preset.
    """
    return find_preset(_config_of_preset(folder)["preset"], families)[1]


def evaluate(
    folder: Path | str,
    families: Mapping[str, Family],
    *,
    data: Path | None = None,
    device: str = "auto",
    batch_size: int = 256,
    tier: str | None = None,
    images: int | None = None,
    random_draws: int | None = None,
    announce: Announce,
) -> dict[str, Any]:
    """Measure a run and write `evaluation.json` into its folder; `evaluation.parts.json` is removed then.

    Args:
        folder: of the run.
        families: that it may belong to.
        data: what it was trained on, if that is the user's own.
        device: `"auto"`, `"cpu"`, `"cuda"` or `"cuda:N"`.
        batch_size: how many instances are measured at a time.
        tier: how thoroughly, of presets whose `evaluate` takes a tier; None is their own choice.
        images: how many test images are taken, of presets whose `evaluate` takes that; None is their own choice.
        random_draws: how many random perturbations are tried, likewise.
        announce: called with a few words before each piece of work.

    Returns:
        What was written.

    Raises:
        DamagedRunError: if a file of the run is missing or damaged.
        TypeError: if the preset measures something that no result file can hold.
        ValueError: if it was trained on data that are not given, or on others than are given; or if its preset
            does not take an option.
    """
    from minimax_l2l.training.folder import RunFolder

    folder = require_folder(folder)
    preset, _ = preset_of(folder, families, data=data)
    asked = {"tier": tier, "images": images, "random_draws": random_draws}
    options = {name: value for name, value in asked.items() if value is not None}
    for name in options:
        if name not in signature(preset.evaluate).parameters:
            raise ValueError(
                f"runs of {_config_of_preset(folder)['preset']} are measured without a choice of {name}; leave "
                f"--{name.replace('_', '-')} out."
            )
    require_same_data(preset, folder)
    measured = preset.evaluate(folder, device=device, batch_size=batch_size, announce=announce, **options)
    result = require_evaluation(preset, measured)
    RunFolder(folder).write_json("evaluation.json", result)
    (folder / "evaluation.parts.json").unlink(missing_ok=True)
    return result


def audit(
    folder: Path | str,
    families: Mapping[str, Family],
    *,
    data: Path | None = None,
    device: str = "auto",
    batch_size: int = 256,
    images: int = 200,
    announce: Announce,
) -> dict[str, Any]:
    """Ask whether what a run seems to be worth is real, and write `audit.json`; `audit.parts.json` is removed then.

    Args:
        folder: of the run.
        families: that it may belong to; its own has to name an `audit`.
        data: what it was trained on, if that is the user's own.
        device: `"auto"`, `"cpu"`, `"cuda"` or `"cuda:N"`.
        batch_size: how many instances are measured at a time.
        images: how many instances are measured, at most.
        announce: called with a few words before each piece of work.

    Returns:
        What was written.

    Raises:
        DamagedRunError: if a file of the run is missing or damaged.
        TypeError: if the family's function returns something else than it should.
        ValueError: if the family has no audit, or the run was trained on data that are not given, or on others than
            are given.
    """
    from minimax_l2l.training.folder import RunFolder

    folder = require_folder(folder)
    preset, family = preset_of(folder, families, data=data)
    name = require_auditable(folder, family)
    require_same_data(preset, folder)
    measured = load_function(name)(
        preset, folder, device=device, batch_size=batch_size, images=images, announce=announce
    )
    result = require_audit(name, measured)
    RunFolder(folder).write_json("audit.json", result)
    (folder / "audit.parts.json").unlink(missing_ok=True)
    return result


def require_auditable(folder: Path, family: Family) -> str:
    """The name of the function that audits a family's runs.

    Raises:
        ValueError: if there is none.
    """
    if family.audit is None:
        raise ValueError(
            f"{folder} holds a run of a family that has no audit; measure it with `minimax-l2l evaluate`, or name "
            "a function in Family(audit=...)."
        )
    return family.audit


def again(name: str, preset: Preset, folder: Path, *, data: Path | None = None) -> Preset:
    """A preset with the settings of its run in a folder.

    Args:
        name: the preset's full name.
        preset: of that name.
        folder: of the run.
        data: what it was trained on, if that is the user's own.

    Raises:
        DamagedRunError: if the folder holds no run, or its `config.json` is not whole.
        ValueError: if the folder is not there, the run is another preset's, or its data are not given.
    """
    config = _config_of_preset(folder)
    if config["preset"] != name:
        raise ValueError(
            f"{folder} was run with preset={config['preset']!r}, not {name!r}; resume it with that one, or choose "
            "another --out."
        )
    return preset.again(config["settings"], data=data)


def _with_data_as_called_in(config: Mapping[str, Any], settings: dict[str, Any]) -> dict[str, Any]:
    """Settings with the user's own data, if both have some, called as they were then: a checksum tells them."""
    before = config.get("settings", {}).get("data")
    renamed = before is not None and settings.get("data") is not None
    return {**settings, "data": before} if renamed else settings


def _config_of_preset(folder: Path) -> dict[str, Any]:
    """A run's config, in which a preset and its settings are named."""
    config = read_whole(folder, "config.json", ())
    if "preset" not in config and "game" in config:
        raise ValueError(
            f"{folder} holds a run of {config['game']['task']['class']} that was started in Python, of no preset, "
            "so it cannot be built again from its folder; measure it in Python, or start presets with "
            "minimax_l2l.lab.play."
        )
    if not isinstance(config.get("preset"), str) or not isinstance(config.get("settings"), dict):
        raise DamagedRunError(
            f"{folder / 'config.json'} names no preset with its settings, so it is not of a whole run; solve it "
            "again in another folder."
        )
    return config
