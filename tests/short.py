"""AutoAttack cut short, where a test is about what becomes of its answers and not about how much it finds."""

import pyautoattack
import pytest


def cut_short(patch: pytest.MonkeyPatch) -> None:
    """From now on its attacks by gradient take five steps, not a hundred."""
    usual = pyautoattack.AutoAttack

    def short(*given, **options):
        attack = usual(*given, **options)
        attack.apgd.n_iter = attack.apgd_targeted.n_iter = 5
        return attack

    patch.setattr(pyautoattack, "AutoAttack", short)
