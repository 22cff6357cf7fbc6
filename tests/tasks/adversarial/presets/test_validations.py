"""Validations of a preset: how often, and what they cost."""

import json
from dataclasses import replace

import pytest
from own_images import archive

from minimax_l2l.lab.runs import play
from minimax_l2l.meter import Meter
from tasks.adversarial.attack import BATCH
from tasks.adversarial.presets.digits import DIGITS
from tasks.adversarial.problem import PerturbationProblem

NAMES = ("plain", "fgsm-rs", "pgm-10", "two-step-l2l", "free-4", "trades-10")


@pytest.mark.parametrize("epochs", [None, 20])
@pytest.mark.parametrize("name", NAMES)
def test_they_cost_at_most_a_tenth_of_a_run(name, epochs, monkeypatch):
    """Passes of images, of a whole run: the training's counted in one step, the validations' in one of them."""
    preset = DIGITS[f"adversarial/digits-{name}"]
    built = (preset if epochs is None else replace(preset, epochs=epochs)).build()
    task, images = built.task, len(built.task.data.validation)
    step = built.task.solve(built.optimizer, steps=1, device="cpu").passes
    meter = Meter()
    monkeypatch.setattr(PerturbationProblem, "meter", meter)
    task.validate(built.optimizer)
    one = sum(meter.passes.as_row().values()) / -(-images // BATCH) + 3  # and each attacked image is classified
    validations = -(-task.iterations // built.validate_every) * images * one
    training = task.iterations * task.batch_size * sum(step.as_row().values())
    assert 0 < validations <= 0.1 * training
    assert -(-task.iterations // built.validate_every) <= 10


@pytest.mark.parametrize(("every", "steps"), [(2, [2, 3]), (0, []), (None, [3])])
def test_they_are_a_setting_and_their_time_is_kept_apart(every, steps, tmp_path):
    preset = replace(
        DIGITS["adversarial/digits-fgsm-rs"],
        data=archive(tmp_path / "mine.npz"),
        eps=0.1,
        epochs=3,
        batch_size=54,
        validate_every=every,
    )
    solution = play("adversarial/digits-fgsm-rs", preset, tmp_path / "run", device="cpu")
    assert [row["step"] for row in solution.history if "validation_clean" in row] == steps
    told = json.loads((tmp_path / "run" / "solution.json").read_text())
    assert told["validation_seconds"] == solution.validation_seconds
    assert (told["validation_seconds"] > 0) == bool(steps)


def test_a_setting_that_makes_no_sense():
    with pytest.raises(ValueError, match="validate_every must be at least 0, got -1"):
        replace(DIGITS["adversarial/digits-plain"], validate_every=-1)
