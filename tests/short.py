"""Attacks cut short, where a test is about what becomes of their answers and not about how much they find."""

from dataclasses import replace

import pyautoattack
import pytest

from minimax_l2l import PGM
from tasks.adversarial.evaluation import curves, robustness
from tasks.adversarial.presets import figures, runs


def cut_short(patch: pytest.MonkeyPatch, *, steps: int = 5, queries: int = 100) -> None:
    """From now on its attacks by gradient take `steps`, not a hundred, and Square has `queries`, not 5,000."""
    usual = pyautoattack.AutoAttack

    def short(*given, **options):
        attack = usual(*given, **options)
        attack.apgd.n_iter = attack.apgd_targeted.n_iter = attack.fab.n_iter = steps
        attack.square.n_queries = queries
        return attack

    patch.setattr(pyautoattack, "AutoAttack", short)


def undrawn(patch: pytest.MonkeyPatch) -> None:
    """From now on no figure of an adversarial page is drawn, where a test is about its tables and words."""
    patch.setattr(figures, "svg", lambda figure: "<svg></svg>")


COUNTED: dict[tuple[str, str], int] = {}
count_flops = runs._flops


def measured_briefly(patch: pytest.MonkeyPatch, *, steps: int = 5) -> None:
    """From now on an evaluation's PGM takes `steps`, too, and runs of the same settings are counted once."""

    def counted(preset):
        run = repr(replace(preset, data=None, seed=0)), preset.images().sha256
        if run not in COUNTED:
            COUNTED[run] = count_flops(preset)
        return COUNTED[run]

    cut_short(patch, steps=steps)
    for module in (robustness, curves):
        patch.setattr(module, "PGM", lambda steps, most=steps, **options: PGM(steps=min(steps, most), **options))
    patch.setattr(runs, "_flops", counted)
