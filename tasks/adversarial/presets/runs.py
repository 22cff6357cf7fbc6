"""Runs of adversarial training: from settings to a game, from a folder to its row and curves."""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError

from minimax_l2l import DamagedRunError, InnerOptimizer, LearnedOptimizer, LinfBall, Status
from minimax_l2l.errors import require_choice, require_count, require_positive
from minimax_l2l.families import Game, Settings
from minimax_l2l.training.environment import describe_environment
from minimax_l2l.training.folder import RunFolder
from tasks.adversarial.data import ImageData, Images, digits, from_npz
from tasks.adversarial.evaluation.autoattack import Tier
from tasks.adversarial.evaluation.flops import training_flops
from tasks.adversarial.evaluation.robustness import accuracy_against_eps, accuracy_against_steps, evaluate
from tasks.adversarial.models.small_resnet import SmallResNet
from tasks.adversarial.presets.methods import METHODS, Method
from tasks.adversarial.task import AdversarialTraining

# Chosen on validation images, from hand-designed methods alone; docs/tuning.md shows the trials.
DIGITS_EPS = 0.15
DIGITS_EPOCHS = 80
DIGITS_WEIGHT_DECAY = 2e-3
CONFIG_FIELDS = ("preset", "method", "seed", "data", "data_sha256", "eps", "epochs", "inner_steps")


@dataclass(frozen=True)
class LoadedRun:
    """A run read back from its folder.

    Attributes:
        config: its `config.json`.
        method: the row it belongs to.
        classifier: theta, in eval mode.
        optimizer: the attacker it was trained with, phi as it ended.
        data: the images it was trained on.
        eps: radius of its threat.
    """

    config: dict[str, Any]
    method: Method
    classifier: SmallResNet
    optimizer: InnerOptimizer
    data: ImageData
    eps: float


def build_game(preset: str, settings: Settings) -> Game:
    """A preset `adversarial/digits-METHOD` made ready: classifier, task, attacker.

    Raises:
        ValueError: on settings that make no sense.
    """
    method = METHODS[preset.removeprefix("adversarial/digits-")]
    data = from_npz(settings.data) if settings.data is not None else digits()
    eps = require_positive("eps", settings.eps if settings.eps is not None else DIGITS_EPS)
    epochs = require_count("epochs", settings.epochs if settings.epochs is not None else DIGITS_EPOCHS, least=1)
    steps = settings.inner_steps if settings.inner_steps is not None else method.steps
    require_count("--inner-steps", steps, least=min(method.steps, 1))  # with none it would be plain training
    if method.steps == 0 and steps:
        raise ValueError(f"{preset} takes no inner steps, got {steps}; choose another method to attack with.")
    torch.manual_seed(settings.seed)
    channels = data.shape[0]
    task = AdversarialTraining(
        SmallResNet(channels, data.classes),
        data,
        LinfBall(eps),
        epochs=epochs,
        weight_decay=DIGITS_WEIGHT_DECAY,
        query_mode="train",
        remembers=method.remembers,
        seed=settings.seed,
    )
    optimizer = method.make(eps, steps, channels)
    if optimizer.learns:
        _require_even(data)
    if optimizer.steps != steps:
        raise ValueError(
            f"{preset} always takes {optimizer.steps} inner steps, got {steps}; leave --inner-steps out."
        )
    return Game(
        task,
        optimizer,
        config={
            "method": method.name,
            "data": data.name,
            "data_sha256": data.sha256,
            "eps": eps,
            "epochs": epochs,
            "inner_steps": steps,
        },
        validate_every=max((task.iterations or 1) // 10, 1),
    )


def load_run(folder: Path, settings: Settings) -> LoadedRun:
    """Read a run back.

    Raises:
        DamagedRunError: if a file of it is missing or damaged.
        ValueError: if it was trained on data that are not given, or on others than are given.
    """
    files = RunFolder(folder) if folder.is_dir() else None
    if files is None:
        raise DamagedRunError(f"there is no folder {folder}; give one that `minimax-l2l solve` wrote.")
    config = files.read_json("config.json")
    _require_fields(folder / "config.json", config, CONFIG_FIELDS)
    method = METHODS[require_choice("method", str(config["method"]), METHODS)]
    learns = method.name.endswith("-l2l")
    for part in ("model", "optimizer") if learns else ("model",):
        if not (folder / part).is_dir():  # a name that is no folder would be looked for on the Hugging Face Hub
            raise DamagedRunError(
                f"{folder} holds no {part}; finish the run with `minimax-l2l solve ... --resume`, or solve it anew."
            )
    data = _data_of(config, settings)
    try:
        with redirect_stdout(io.StringIO()):  # the hub's mixin prints where weights come from
            classifier = SmallResNet.from_pretrained(folder / "model", strict=True).eval()
        optimizer: InnerOptimizer
        if learns:
            optimizer = LearnedOptimizer.from_pretrained(folder / "optimizer")
        else:
            optimizer = method.make(config["eps"], config["inner_steps"], data.shape[0])
    except DamagedRunError:
        raise
    except (LookupError, OSError, SafetensorError, RuntimeError, TypeError, ValueError, AttributeError) as error:
        raise DamagedRunError(
            f"{folder} holds a damaged run ({type(error).__name__} in reading its weights); solve it again in "
            "another folder."
        ) from error
    return LoadedRun(config, method, classifier, optimizer.eval(), data, config["eps"])


def evaluate_run(
    folder: Path,
    settings: Settings,
    announce: Callable[[str], None] = lambda _: None,
    *,
    tier: Tier = "standard",
    images: int | None = None,
    curves: bool = True,
) -> dict[str, Any]:
    """Measure a run on its test images and write `evaluation.json`.

    Args:
        folder: of the run.
        settings: `data`, if it was trained on data of one's own.
        announce: called with each attack's name before it runs.
        tier: of AutoAttack.
        images: how many test images; all if None.
        curves: also measure accuracy against eps and against steps, on the first 180 of them.

    Returns:
        `{"environment": ..., "rows": [row], "curves": ...}`.
    """
    run = load_run(folder, settings)
    solution = RunFolder(folder).read_json("solution.json")
    _require_fields(folder / "solution.json", solution, ("status", "steps", "seconds", "passes"))
    if solution["status"] == Status.INTERRUPTED.name.lower():
        raise ValueError(
            f"{folder} holds a run that was interrupted after {solution['steps']} steps; finish it with "
            "`minimax-l2l solve ... --resume` first."
        )
    test = run.data.test.first(images) if images is not None else run.data.test
    threat = LinfBall(run.eps)
    own = run.optimizer if run.optimizer.steps else None
    evaluation = evaluate(run.classifier, test, threat, tier=tier, own=own, announce=announce)
    row = {
        "method": run.method.name,
        "seed": run.config["seed"],
        "data": run.data.name,
        "attacker": type(run.optimizer).__name__,
        "epochs": run.config["epochs"],
        "eps": run.eps,
        "images": len(test),
        **evaluation.accuracies(),
        "train_seconds": round(solution["seconds"], 2),
        **solution["passes"],
        "flops": _flops(run, settings),
    }
    result: dict[str, Any] = {
        "environment": describe_environment({run.data.name: run.data.sha256}),
        "rows": [row],
        "flags": list(evaluation.flags),
    }
    if curves:
        announce("accuracy curves")
        result["curves"] = _curves(run, test.first(180), threat)
    RunFolder(folder).write_json("evaluation.json", result)
    return result


def _flops(run: LoadedRun, settings: Settings) -> int:
    config = run.config
    again = build_game(
        config["preset"],
        Settings(config["seed"], settings.data, config["eps"], config["epochs"], config["inner_steps"]),
    )
    assert isinstance(again.task, AdversarialTraining)
    return training_flops(again.task, again.optimizer)


def _curves(run: LoadedRun, images: Images, threat: LinfBall) -> dict[str, Any]:
    radii = [round(run.eps * share, 4) for share in (0, 0.25, 0.5, 0.75, 1, 1.5, 2, 3)] + [1.0]
    steps = [1, 2, 5, 10, 20, 50, 100]
    return {
        "eps": {"x": radii, "accuracy": accuracy_against_eps(run.classifier, images, radii)},
        "steps": {"x": steps, "accuracy": accuracy_against_steps(run.classifier, images, threat, steps)},
    }


def _require_fields(file: Path, content: dict[str, Any], fields: tuple[str, ...]) -> None:
    missing = [name for name in fields if name not in content]
    if missing:
        raise DamagedRunError(
            f"{file} lacks {', '.join(missing)}, so it is not of a whole run; solve it again in another folder."
        )


def _data_of(config: dict[str, Any], settings: Settings) -> ImageData:
    if settings.data is None and config["data"] != "digits":
        raise ValueError(f"this run was trained on {config['data']!r}; name its file with --data.")
    data = from_npz(settings.data) if settings.data is not None else digits()
    if data.sha256 != config["data_sha256"]:
        raise ValueError(
            f"this run was trained on other data than {data.name!r} as it is now (their checksums differ); "
            "name the file it was trained on with --data."
        )
    return data


def _require_even(data: ImageData) -> None:
    _, height, width = data.shape
    if height % 2 or width % 2:
        raise ValueError(
            f"the light attacker halves images, so their height and width must be even, got {height} x {width}; "
            "pad them by one pixel."
        )
