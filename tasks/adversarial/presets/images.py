"""The presets `adversarial/images-METHOD-SCALE`: the table's methods on images of your own, at three sizes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from tasks.adversarial.presets.methods import METHODS, Method
from tasks.adversarial.presets.training import TrainingPreset, preset_of

Scale = Literal["cpu", "gpu", "paper"]
SCALES: Mapping[Scale, Mapping[str, Any]] = {
    # Two cores carry a table of these: 10,000 images, 20 passes. At a learning rate of 0.1 FGSM's ReLUs die.
    "cpu": {
        "classifier": "strided-cnn",
        "train_images": 10_000,
        "crop": 2,
        "flip": True,
        "epochs": 20,
        "batch_size": 128,
        "learning_rate": 0.03,
        "weight_decay": 5e-4,
    },
    # The recipe of most tables of fast adversarial training: 30 passes, one cycle, half precision.
    "gpu": {
        "classifier": "resnet-18",
        "crop": 4,
        "flip": True,
        "epochs": 30,
        "batch_size": 128,
        "learning_rate": 0.2,
        "weight_decay": 5e-4,
        "precision": "bf16-mixed",
    },
    # The paper's own: its classifier, its attacker, its schedule.
    "paper": {
        "classifier": "wrn-34-10",
        "eps": 0.031,
        "crop": 4,
        "flip": True,
        "epochs": 100,
        "batch_size": 128,
        "weight_decay": 2e-4,
        "schedule": "multi-step",
    },
}
PAPER_STEP = 0.007 / 0.031  # of PGM, in units of eps


def images_preset(method: Method, scale: Scale) -> TrainingPreset:
    """A method at a scale."""
    settings: dict[str, Any] = {"embedded": False, **SCALES[scale]}
    if scale == "paper":
        if method.learns and not method.fixed_steps:
            settings["attacker"] = "wide"
        if method.name.startswith("pgm-"):
            settings["step_size"] = PAPER_STEP
    return preset_of(method, **settings)


IMAGES: dict[str, TrainingPreset] = {
    f"adversarial/images-{name}-{scale}": images_preset(method, scale)
    for scale in SCALES
    for name, method in METHODS.items()
}
