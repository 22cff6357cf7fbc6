"""The table of methods: names say what learns, and nothing asks a name."""

import pytest

from tasks.adversarial.presets.digits import DIGITS, SteppedPreset
from tasks.adversarial.presets.methods import METHODS, TABLE


@pytest.mark.parametrize("method", METHODS.values(), ids=list(METHODS))
class TestEveryMethod:
    def test_that_learns_ends_in_l2l_and_no_other_name_holds_it(self, method):
        assert method.make(0.1, method.steps, 1).learns == method.learns
        assert method.name.endswith("-l2l") == method.learns
        assert ("l2l" in method.name) == method.learns

    def test_takes_the_steps_it_is_told_unless_they_are_its_own(self, method):
        steps = method.make(0.1, 7, 1).steps
        assert steps == (method.steps if method.name.endswith(("fgsm", "fgsm-rs")) else 7)
        assert method.fixed_steps == (not isinstance(DIGITS[f"adversarial/digits-{method.name}"], SteppedPreset))

    def test_has_steps_in_units_of_eps(self, method):
        for eps in (0.1, 0.2):
            step = getattr(method.make(eps, method.steps, 1), "step_size", None)
            if step is not None and not method.learns and method.name != "plain":
                assert step == method.step_size * eps


def test_the_table_of_the_demo_is_part_of_it():
    assert set(TABLE) < set(METHODS)
