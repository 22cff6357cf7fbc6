"""Runs of presets: from settings to a game, from a folder to its row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from minimax_l2l import DamagedRunError, Status
from minimax_l2l.errors import require_choice, require_count
from minimax_l2l.families import Announce, Game, Settings
from minimax_l2l.training.environment import describe_environment
from minimax_l2l.training.folder import RunFolder
from tasks.gail.demonstrations.demonstrations import Demonstrations
from tasks.gail.demonstrations.own_demonstrations import read_own
from tasks.gail.experiments.pool import EVALUATE_EVERY
from tasks.gail.measures.measurement import LAST, measure, to_the_end
from tasks.gail.presets.methods import METHODS, Knobs
from tasks.gail.presets.runs import PAPER, Conditions, pose, pose_task
from tasks.gail.presets.settings import SETTINGS, Setting
from tasks.gail.task import GAIL

# A run is judged by windows of ten evaluations.
FEWEST = 10
CONFIG_FIELDS = ("setting", "method", "seed", "data", "data_sha256", "epochs", "inner_steps")


@dataclass(frozen=True)
class LoadedRun:
    """A run read back from its folder.

    Attributes:
        config: its `config.json`.
        task: as the run left it.
        expert: the demonstrations it was given.
        held_out: how many of them nothing was trained on.
    """

    config: dict[str, Any]
    task: GAIL
    expert: Demonstrations
    held_out: int


def build_game(preset: str, setting_name: str, method_name: str, settings: Settings) -> Game:
    """A preset made ready: task and optimizer.

    Args:
        preset: its name, for sentences.
        setting_name: in `SETTINGS`.
        method_name: in `METHODS`.
        settings: what to change in it; its epochs are iterations.

    Raises:
        ValueError: on settings that make no sense, or demonstrations of another environment.
    """
    if settings.eps is not None:
        raise ValueError(f"{preset} has no eps, since nothing is perturbed; leave --eps out.")
    steps = settings.inner_steps if settings.inner_steps is not None else PAPER.knobs.steps
    require_count("inner steps", steps, least=1)
    epochs = settings.epochs if settings.epochs is not None else PAPER.iterations
    require_count("epochs", epochs, least=FEWEST)
    setting, method = SETTINGS[setting_name], METHODS[method_name]
    expert = _expert(setting, settings)
    conditions = _conditions(expert, settings, epochs=epochs, steps=steps)
    task, optimizer = pose(setting, method, conditions, seed=settings.seed, expert=expert)
    if settings.inner_steps is not None and optimizer.steps != steps:
        raise ValueError(
            f"{preset} never trains its discriminator, got {steps} inner steps; leave --inner-steps out."
        )
    return Game(
        task,
        optimizer,
        config={
            "setting": setting_name,
            "method": method_name,
            "environment_id": setting.environment_id,
            "data": _data_name(setting, settings),
            "data_sha256": expert.sha256,
            "epochs": epochs,
            "inner_steps": optimizer.steps,
        },
        validate_every=_evaluated_every(epochs),
        on_failure="stop",
    )


def load_run(folder: Path, settings: Settings) -> LoadedRun:
    """Read a run back from its checkpoint, which holds tensors and plain values alone.

    Raises:
        DamagedRunError: if a file of it is missing or damaged.
        ValueError: if it imitated demonstrations that are not given, or others than are given.
    """
    files = RunFolder(folder)
    config = files.read_json("config.json")
    _require_fields(folder / "config.json", config, CONFIG_FIELDS)
    setting = SETTINGS[require_choice("setting", str(config["setting"]), SETTINGS)]
    method = METHODS[require_choice("method", str(config["method"]), METHODS)]
    if settings.data is None and config["data"] != setting.dataset:
        raise ValueError(f"this run imitated {config['data']!r}; name its folder with --data.")
    expert = _expert(setting, settings)
    if expert.sha256 != config["data_sha256"]:
        raise ValueError(
            f"this run imitated other demonstrations than {_data_name(setting, settings)!r} as they are now (their "
            "checksums differ); name those it was given with --data."
        )
    state = files.read_checkpoint()
    try:
        conditions = _conditions(expert, settings, epochs=config["epochs"], steps=config["inner_steps"])
        task = pose_task(setting, method, conditions, seed=config["seed"], expert=expert)
        task.load_state_dict(state["task"])
    except (LookupError, RuntimeError, TypeError, ValueError, AttributeError) as error:
        raise DamagedRunError(
            f"{folder} holds a damaged run ({type(error).__name__} in reading its checkpoint); solve it again in "
            "another folder."
        ) from error
    return LoadedRun(config, task, expert, conditions.held_out)


def evaluate_run(folder: Path, settings: Settings, announce: Announce) -> dict[str, Any]:
    """Measure a run's policy on fixed-seed episodes and write `evaluation.json`.

    Args:
        folder: of the run.
        settings: `data`, if it imitated demonstrations of one's own.
        announce: called with a few words before each piece of work.

    Returns:
        `{"environment": ..., "rows": [row], "curves": ...}`.
    """
    run = load_run(folder, settings)
    files = RunFolder(folder)
    solution = files.read_json("solution.json")
    _require_fields(folder / "solution.json", solution, ("status", "steps", "seconds", "passes"))
    if solution["status"] == Status.INTERRUPTED.name.lower():
        raise ValueError(
            f"{folder} holds a run that was interrupted after {solution['steps']} steps; finish it with "
            "`minimax-l2l solve ... --resume` first."
        )
    setting = SETTINGS[run.config["setting"]]
    history: Sequence[Mapping[str, float]] = files.read_metrics()
    expert_return = _expert_return(setting, settings, run.expert)
    diverged = solution["status"] == Status.DIVERGED.name.lower()
    if diverged:
        epochs = run.config["epochs"]
        history = to_the_end(history, epochs, every=_evaluated_every(epochs), random_return=setting.random_return)
    announce("playing 100 episodes")
    try:
        measured = measure(
            run.task,
            history,
            run.expert.split(run.held_out)[1],
            random=setting.random_return,
            expert=expert_return,
        )
    except (LookupError, ValueError) as error:  # lines that are missing, or numbers in them
        raise DamagedRunError(
            f"{files.metrics_file} is not of a whole run ({error}); solve it again in another folder."
        ) from error
    curve, accuracies = measured.pop("curve"), measured.pop("accuracies")
    row = {
        **{name: run.config[name] for name in ("setting", "method", "seed", "data")},
        "environment": setting.environment_id,
        "stress": "none",
        "epochs": run.config["epochs"],
        "inner_steps": run.config["inner_steps"],
        "random_return": setting.random_return,
        "expert_return": expert_return,
        **measured,
        "diverged": solution["steps"] if diverged else None,
        "train_seconds": round(solution["seconds"], 2),
        **solution["passes"],
    }
    result = {
        "environment": describe_environment({run.config["data"]: run.config["data_sha256"]}),
        "rows": [row],
        "curves": {**curve, **{name: accuracies[name] for name in LAST}},
    }
    files.write_json("evaluation.json", result)
    return result


def _evaluated_every(epochs: int) -> int:
    return min(epochs // FEWEST, EVALUATE_EVERY)


def _expert(setting: Setting, settings: Settings) -> Demonstrations:
    return read_own(settings.data) if settings.data is not None else setting.expert()


def _expert_return(setting: Setting, settings: Settings, expert: Demonstrations) -> float:
    """What scores call 1: one's own expert's mean return if it is known, else that of the expert that ships."""
    if settings.data is None or any(one.rewards is None for one in expert.trajectories):
        return setting.expert_return
    own = float(expert.returns.mean())
    if own <= setting.random_return:
        raise ValueError(
            f"the demonstrations in {settings.data} return {own:.1f} on average and random actions "
            f"{setting.random_return:g}, so no score can be measured between them; give a better expert's."
        )
    return own


def _data_name(setting: Setting, settings: Settings) -> str:
    return settings.data.resolve().name if settings.data is not None else setting.dataset


def _conditions(expert: Demonstrations, settings: Settings, *, epochs: int, steps: int) -> Conditions:
    """The paper's; of demonstrations of one's own a quarter is held out and all others are learned from."""
    conditions = replace(PAPER, iterations=epochs, knobs=Knobs(steps=steps))
    if settings.data is None:
        return conditions
    if len(expert) < 2:
        raise ValueError(
            f"a preset learns from some trajectories and holds others out, {settings.data} has {len(expert)}; "
            "record another one, or use tasks.gail.GAIL, which needs no others."
        )
    held_out = max(len(expert) // 4, 1)
    return replace(conditions, held_out=held_out, trajectories=max(len(expert) - held_out, 1))


def _require_fields(file: Path, content: dict[str, Any], fields: tuple[str, ...]) -> None:
    missing = [name for name in fields if name not in content]
    if missing:
        raise DamagedRunError(
            f"{file} lacks {', '.join(missing)}, so it is not of a whole run; solve it again in another folder."
        )
