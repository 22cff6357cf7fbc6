"""The presets `adversarial/digits-METHOD`: a small classifier of the embedded digits, and its attacker."""

from __future__ import annotations

from tasks.adversarial.presets.methods import METHODS
from tasks.adversarial.presets.training import TrainingPreset, preset_of

DIGITS: dict[str, TrainingPreset] = {
    f"adversarial/digits-{name}": preset_of(method) for name, method in METHODS.items()
}
