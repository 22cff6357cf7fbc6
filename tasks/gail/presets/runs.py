"""Runs of presets of imitation, read back from their folders and measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minimax_l2l import DamagedRunError, RunFolder, Status
from minimax_l2l.lab import Announce, as_left, describe_environment, read_solution, read_whole
from tasks.gail.demonstrations.demonstrations import Demonstrations
from tasks.gail.measures.measurement import LAST, measure
from tasks.gail.task import GAIL

if TYPE_CHECKING:
    from tasks.gail.presets.imitation import Imitation


def load_task(preset: Imitation, folder: Path, shown: Demonstrations) -> GAIL:
    """The task as a run left it, read from its checkpoint, which holds tensors and plain values alone.

    Raises:
        DamagedRunError: if a file of it is missing or damaged.
        ValueError: if it imitated demonstrations that are not given, or others than are given.
    """
    config = read_whole(folder, "config.json", ("data", "data_sha256"))
    if preset.data is None and config["data"] != preset.data_name:
        raise ValueError(f"this run imitated {config['data']!r}; name its folder with --data.")
    if shown.sha256 != config["data_sha256"]:
        raise ValueError(
            f"this run imitated other demonstrations than {preset.data_name!r} as they are now (their checksums "
            "differ); name those it was given with --data."
        )
    return as_left(folder, lambda: preset.task(shown))


def to_the_end(preset: Imitation, history: Sequence[Mapping[str, float]]) -> list[Mapping[str, float]]:
    """The history of a run that diverged, its missing evaluations those of random actions.

    Raises:
        ValueError: if it diverged before it was ever evaluated.
    """
    if not any("return_mean" in row for row in history):
        raise ValueError(
            "the run diverged before its first evaluation, so there is nothing to measure; take another seed or "
            "method."
        )
    last, every = history[-1], preset.evaluated_every
    missing = range(int(last["step"]) // every * every + every, preset.iterations + 1, every)
    return [*history, *({**last, "step": step, "return_mean": preset.expert.random_return} for step in missing)]


def measure_run(
    preset: Imitation, task: GAIL, shown: Demonstrations, history: Sequence[Mapping[str, float]], *, expert: float
) -> dict[str, Any]:
    """What `measure` says of a run of a preset; `expert` is the expert's mean return."""
    return measure(
        task,
        history,
        preset.split(shown)[1],
        random=preset.expert.random_return,
        expert=expert,
        episodes=preset.final_episodes,
    )


def evaluate_run(preset: Imitation, folder: Path, announce: Announce) -> dict[str, Any]:
    """Measure a run's policy on fixed-seed episodes: `{"environment": ..., "rows": [row], "curves": ...}`.

    Arguments and errors are those of `Preset.evaluate`.
    """
    files, shown = RunFolder(folder), preset.demonstrations()
    task = load_task(preset, folder, shown)
    solution = read_solution(folder)
    history: Sequence[Mapping[str, float]] = files.read_metrics()
    expert = _expert_return(preset, shown)
    diverged = solution["status"] == Status.DIVERGED.name.lower()
    if diverged:
        history = to_the_end(preset, history)
    announce(f"playing {preset.final_episodes} episodes")
    try:
        measured = measure_run(preset, task, shown, history, expert=expert)
    except (LookupError, ValueError) as error:  # lines that are missing, or numbers in them
        raise DamagedRunError(
            f"{files.metrics_file} is not of a whole run ({error}); solve it again in another folder."
        ) from error
    curve, accuracies = measured.pop("curve"), measured.pop("accuracies")
    row = {
        "setting": preset.setting,
        "method": preset.method,
        "seed": preset.seed,
        "data": preset.data_name,
        "environment": preset.expert.environment_id,
        "stress": "none",
        "epochs": preset.iterations,
        "inner_steps": preset.turned.steps,
        "random_return": preset.expert.random_return,
        "expert_return": expert,
        **measured,
        "diverged": solution["steps"] if diverged else None,
        "train_seconds": round(solution["seconds"], 2),
        **solution["passes"],
    }
    return {
        "environment": describe_environment({preset.data_name: shown.sha256}),
        "rows": [row],
        "curves": {**curve, **{name: accuracies[name] for name in LAST}},
    }


def _expert_return(preset: Imitation, shown: Demonstrations) -> float:
    """What scores call 1: one's own expert's mean return if it is known, else that of the expert that ships."""
    setting = preset.expert
    if preset.data is None or any(one.rewards is None for one in shown.trajectories):
        return setting.expert_return
    own = float(shown.returns.mean())
    if own <= setting.random_return:
        raise ValueError(
            f"the demonstrations in {preset.data} return {own:.1f} on average and random actions "
            f"{setting.random_return:g}, so no score can be measured between them; give a better expert's."
        )
    return own
