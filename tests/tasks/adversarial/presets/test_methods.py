"""The table of methods: names say what learns, and nothing asks a name."""

import pytest
import torch

from tasks.adversarial import (
    CarriedStart,
    CornerStart,
    JensenShannon,
    LabelStart,
    LogitPairing,
    Mart,
    MomentumMemory,
    Nuat,
    OnAttacked,
    Trades,
    UniformStart,
)
from tasks.adversarial.presets.digits import DIGITS
from tasks.adversarial.presets.methods import METHODS, TABLE, Setting
from tasks.adversarial.presets.settings import EPS
from tasks.adversarial.presets.training import SteppedPreset
from tasks.adversarial.starts.memory import PerturbationMemory


@pytest.mark.parametrize("method", METHODS.values(), ids=list(METHODS))
class TestEveryMethod:
    def test_that_learns_ends_in_l2l_or_is_a_rival_with_a_name_of_its_own_and_no_other_name_holds_it(self, method):
        assert method.make(Setting(0.1, method.steps, 1)).learns == method.learns
        named = method.learns and method.name != "fgsm-sdi"
        assert method.name.endswith("-l2l") == named
        assert ("l2l" in method.name) == named

    def test_takes_the_steps_it_is_told_unless_they_are_its_own(self, method):
        steps = method.make(Setting(0.1, 7, 1)).steps
        assert steps == (
            method.steps if method.name.endswith(("fgsm", "fgsm-rs", "fgsm-mep", "fgsm-sdi", "nuat", "liet")) else 7
        )
        assert method.fixed_steps == (not isinstance(DIGITS[f"adversarial/digits-{method.name}"], SteppedPreset))

    def test_has_steps_in_units_of_eps(self, method):
        for eps in (0.1, 0.2):
            step = getattr(method.make(Setting(eps, method.steps, 1)), "step_size", None)
            if step is not None and not method.learns and method.steps:
                assert step == method.step_size * eps


@pytest.mark.parametrize(
    ("name", "radius", "outer_loss", "start"),
    [
        ("pgm-10", 1, None, None),
        ("remembered-fgsm", 1, None, PerturbationMemory),
        ("n-fgsm", 3, None, UniformStart),
        ("free-4", 1, None, CarriedStart),
        ("trades-10", 1, Trades, None),
        ("mart-10", 1, Mart, None),
        ("fgsm-mep", 1, LogitPairing, MomentumMemory),
        ("fgsm-sdi", 1, OnAttacked, None),
        ("nuat", 1, Nuat, CornerStart),
        ("liet", 1, JensenShannon, LabelStart),
    ],
)
def test_a_preset_plays_what_its_method_says_and_is_validated_at_eps(name, radius, outer_loss, start):
    built = DIGITS[f"adversarial/digits-{name}"].build()
    assert built.task.threat.eps == pytest.approx(radius * EPS)
    assert built.task.validated_at.eps == EPS
    assert type(built.task.outer_loss) is (outer_loss or type(None))
    assert type(built.task.start) is (start or type(None))
    assert built.task.replays == (4 if name == "free-4" else 1)
    assert built.task.iterations == DIGITS["adversarial/digits-plain"].build().task.iterations


def test_the_settings_of_papers():
    n_fgsm, trades, mart = (
        DIGITS[f"adversarial/digits-{name}"].build() for name in ("n-fgsm", "trades-10", "mart-10")
    )
    assert (n_fgsm.task.start.radius, n_fgsm.optimizer.step_size) == (2 * EPS, EPS)
    assert (trades.task.outer_loss.beta, mart.task.outer_loss.beta) == (6.0, 5.0)
    for built in (trades, mart):
        assert (built.optimizer.steps, built.optimizer.step_size) == (10, 0.25 * EPS)
        assert 0 < built.optimizer.random_start < 0.1


def test_the_settings_of_fgsm_mep():
    built = DIGITS["adversarial/digits-fgsm-mep"].build()
    assert (built.optimizer.step_size, built.optimizer.random_start) == (EPS, 0.0)
    assert (built.task.outer_loss.weight, built.task.start.begins_anew) == (10.0, 40)
    assert truth(built.task.outer_loss.of.loss) == pytest.approx(0.6)


def test_the_settings_of_fgsm_sdi():
    built = DIGITS["adversarial/digits-fgsm-sdi"].build()
    assert (built.optimizer.sign_step, built.optimizer.learns_every, built.optimizer.learning_rate) == (
        EPS,
        20,
        1e-3,
    )
    assert built.optimizer.updater.architecture == "residual"
    assert built.task.outer_loss.shared
    assert truth(built.task.outer_loss.loss) == pytest.approx(0.5)


def test_the_settings_of_nuat_and_liet():
    nuat, liet = (DIGITS[f"adversarial/digits-{name}"].build() for name in ("nuat", "liet"))
    assert (nuat.optimizer.step_size, liet.optimizer.step_size) == (EPS, EPS)
    assert (nuat.task.start.radius, nuat.task.outer_loss.weight) == (EPS / 2, 4.0)
    assert (liet.task.start.classes, liet.task.start.every, liet.task.outer_loss.weight) == (10, 20, 100.0)
    assert (liet.task.start.least, liet.task.start.most) == (0.1, 0.5)
    assert truth(liet.task.outer_loss.of.loss) == pytest.approx(0.4)


def truth(loss) -> float:
    """The weight of the true class among ten: the others' logits raised by t raise the loss by that times t."""
    lifted = torch.ones(1, 10).index_fill(1, torch.tensor([0]), 0.0)
    label = torch.tensor([0])
    apart = loss(1e3 * lifted, label) - loss(0 * lifted, label)
    return (
        apart.item() + torch.logsumexp(torch.zeros(10), 0).item() - torch.logsumexp(torch.zeros(9), 0).item()
    ) / 1e3


def test_the_table_of_the_demo_is_part_of_it():
    assert set(TABLE) < set(METHODS)
