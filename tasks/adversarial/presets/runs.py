"""Runs of presets: from a folder to its row and curves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import nn

from minimax_l2l import InnerOptimizer, LearnedOptimizer, LinfBall, RunFolder, Runtime
from minimax_l2l.errors import require_choice, require_count
from minimax_l2l.lab import Announce, describe_environment, read_solution, read_whole
from minimax_l2l.own_code import warn_if_parts_changed
from minimax_l2l.training.description import describe
from tasks.adversarial.attack import BATCH
from tasks.adversarial.data.images import Images
from tasks.adversarial.data.parts import ImageData
from tasks.adversarial.evaluation.audit import audit
from tasks.adversarial.evaluation.autoattack import Tier
from tasks.adversarial.evaluation.cost import training_flops
from tasks.adversarial.evaluation.curves import accuracy_against_eps, accuracy_against_steps
from tasks.adversarial.evaluation.robustness import AUTOATTACK_FIELD, evaluate
from tasks.adversarial.models.named import classifier_named
from tasks.adversarial.task import AdversarialTraining

if TYPE_CHECKING:
    from tasks.adversarial.presets.training import TrainingPreset


@dataclass(frozen=True)
class LoadedRun:
    """A run read back from its folder.

    Attributes:
        classifier: theta, in eval mode.
        optimizer: the attacker it was trained with, phi as it ended.
        data: the images it was trained on.
    """

    classifier: nn.Module
    optimizer: InnerOptimizer
    data: ImageData


def load_run(preset: TrainingPreset, folder: Path, *, device: str = "cpu") -> LoadedRun:
    """Read a run of a preset back; a warning says so if the code of its classifier has changed.

    Raises:
        DamagedRunError: if a file of it is missing or damaged.
        TypeError: if its classifier's factory makes no module any more.
        ValueError: if it was trained on data that are not given, or on others than are given; or if its classifier
            cannot be made any more, or is another now.
    """
    place = Runtime(device).device
    config = read_whole(folder, "config.json", ("data", "data_sha256"))
    data, files = data_of(preset, config), RunFolder(folder)
    classifier = classifier_named(preset.classifier, data.shape, data.classes)
    _require_layers(folder, preset.classifier, classifier, config)
    warn_if_parts_changed(folder, config.get("own_code", {}), classifier)
    files.read_weights(preset.weights, classifier)
    optimizer = preset.attacker_for(data.shape)
    if isinstance(optimizer, LearnedOptimizer):
        optimizer = files.read_module("optimizer", type(optimizer))
    return LoadedRun(classifier.eval().to(place), optimizer.eval().to(place), data)


def _require_layers(folder: Path, name: str, classifier: nn.Module, config: Mapping[str, Any]) -> None:
    """Refuse a network that takes the run's weights and is another, with ReLU where that had Tanh, for instance."""
    then = config.get("game", {}).get("task", {}).get("classifier", {}).get("layers", {})
    for part, now in describe(classifier)["layers"].items():
        if then and then.get(part) != now:
            raise ValueError(
                f"classifier={name!r} makes another network than the one of {folder}: {part} is {now}, and was "
                f"{then.get(part, 'not there')}; bring back the code of then, or train again."
            )


def evaluate_run(
    preset: TrainingPreset,
    folder: Path,
    *,
    device: str = "cpu",
    batch_size: int = BATCH,
    announce: Announce = lambda _: None,
    tier: Tier = "standard",
    images: int | None = None,
    random_draws: int = 0,
    random_images: int | None = None,
    curves: bool = True,
    keep_pieces: bool = False,
) -> dict[str, Any]:
    """Measure a run of a preset on its test images.

    Args:
        preset: with the settings that the run was made with.
        folder: of the run.
        device: where it is measured.
        batch_size: images attacked at a time.
        announce: called with each attack's name and how far it is.
        tier: of AutoAttack.
        images: how many test images at most, chosen at random, the same ones every time; all if None.
        random_draws: of random search on each image; 0 for none. See `evaluate`.
        random_images: how many images it is tried on; all if None.
        curves: also measure accuracy against eps and against steps, on 180 of them.
        keep_pieces: keep what an interrupted evaluation goes on from after the end as well, so that the next one
            attacks nothing again unless something has changed.

    Returns:
        `{"environment": ..., "measured": ..., "rows": [row], "intervals": ..., "flags": ..., "curves": ...}`, where
        intervals are Wilson's of each accuracy, at 95 %.

    Raises:
        ValueError: see `load_run`; or if there is no such tier.
    """
    require_choice("tier", tier, AUTOATTACK_FIELD)
    run = load_run(preset, folder, device=device)
    solution = read_solution(folder)
    test = run.data.test if images is None else run.data.test.some(require_count("images", images, least=1))
    threat = LinfBall(preset.radius)
    own = run.optimizer if run.optimizer.steps else None
    parts = folder / "evaluation.parts.json"  # what an interrupted evaluation goes on from
    evaluation = evaluate(
        run.classifier,
        test,
        threat,
        tier=tier,
        own=own,
        random_draws=random_draws,
        random_images=random_images,
        batch_size=batch_size,
        kept_in=parts,
        announce=announce,
    )
    row = {
        "method": preset.method,
        "seed": preset.seed,
        "data": run.data.name,
        "classifier": preset.classifier,
        "attacker": type(run.optimizer).__name__,
        "epochs": preset.epochs,
        "eps": preset.radius,
        "images": len(test),
        **evaluation.accuracies(),
        "train_seconds": round(solution["seconds"], 2),
        "train_steps": solution["steps"],
        **solution["passes"],
        "flops": _flops(preset),
    }
    result: dict[str, Any] = {
        "environment": describe_environment({run.data.name: run.data.sha256}),
        "measured": {"tier": tier, "images": len(test), "of": len(run.data.test)},
        "rows": [row],
        "intervals": {name: list(ends) for name, ends in evaluation.intervals().items()},
        "flags": list(evaluation.flags),
    }
    if curves:
        announce("accuracy curves")
        result["curves"] = _curves(run.classifier, test.some(180), threat)
    if not keep_pieces:
        parts.unlink(missing_ok=True)
    return result


def audit_run(
    preset: TrainingPreset,
    folder: Path,
    *,
    device: str = "cpu",
    batch_size: int = BATCH,
    images: int = 200,
    announce: Announce = lambda _: None,
    tier: Tier = "standard",
) -> dict[str, Any]:
    """Audit a run of a preset on test images drawn at random, the same every time; see `audit`.

    Args:
        preset: with the settings that the run was made with.
        folder: of the run.
        device: where it is attacked.
        batch_size: images attacked at a time.
        images: how many test images, at most.
        announce: called with a few words before each piece of work.
        tier: of AutoAttack.

    Returns:
        `{"environment": ..., "eps": ..., "images": ..., "items": [...], "accuracies": ..., "flags": [...]}`.
    """
    run = load_run(preset, folder, device=device)
    read_solution(folder)  # says so if the run was interrupted
    test = run.data.test.some(images)
    found = audit(
        run.classifier,
        test,
        LinfBall(preset.radius),
        own=run.optimizer if run.optimizer.steps else None,
        train=run.data.train,
        tier=tier,
        batch_size=batch_size,
        kept_in=folder / "audit.parts.json",
        announce=announce,
    )
    return {
        "environment": describe_environment({run.data.name: run.data.sha256}),
        "eps": preset.radius,
        "images": len(test),
        "items": [asdict(item) for item in found.items],
        "accuracies": found.evaluation.accuracies(),
        "flags": list(found.evaluation.flags),
    }


def _flops(preset: TrainingPreset) -> int:
    again = preset.build()
    assert isinstance(again.task, AdversarialTraining)
    return training_flops(again.task, again.optimizer, play=again.play)


def _curves(classifier: nn.Module, images: Images, threat: LinfBall) -> dict[str, Any]:
    radii = [round(threat.eps * share, 4) for share in (0, 0.25, 0.5, 0.75, 1, 1.5, 2, 3)] + [1.0]
    steps = [1, 2, 5, 10, 20, 50, 100]
    return {
        "eps": {"x": radii, "accuracy": accuracy_against_eps(classifier, images, radii)},
        "steps": {"x": steps, "accuracy": accuracy_against_steps(classifier, images, threat, steps)},
    }


def data_of(preset: TrainingPreset, config: Mapping[str, Any]) -> ImageData:
    """The images that a run was trained on.

    Args:
        preset: with the settings that the run was made with.
        config: the run's `config.json`.

    Raises:
        ValueError: if it was trained on data that are not given, or on others than are given.
    """
    if preset.data is None and config["data"] != "digits":
        raise ValueError(f"this run was trained on {config['data']!r}; name its file or folder with --data.")
    data = preset.images()
    if data.sha256 != config["data_sha256"]:
        raise ValueError(
            f"this run was trained on other data than {data.name!r} as it is now (their checksums differ); "
            "name the file or folder it was trained on with --data."
        )
    return data
