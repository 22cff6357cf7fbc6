"""AutoAttack cut short, where a test is about what becomes of its answers and not about how much it finds."""

import pyautoattack
import pytest


def cut_short(patch: pytest.MonkeyPatch, *, steps: int = 5, queries: int = 100) -> None:
    """From now on its attacks by gradient take `steps`, not a hundred, and Square has `queries`, not 5,000."""
    usual = pyautoattack.AutoAttack

    def short(*given, **options):
        attack = usual(*given, **options)
        attack.apgd.n_iter = attack.apgd_targeted.n_iter = attack.fab.n_iter = steps
        attack.square.n_queries = queries
        return attack

    patch.setattr(pyautoattack, "AutoAttack", short)
