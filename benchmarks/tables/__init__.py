"""The tables of the documentation by name: the result file each is made from, and what makes it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from benchmarks.tables import adversarial, imitation, speed, stress
from benchmarks.tables.markdown import Rows
from tasks.adversarial.presets.methods import TABLE

TABLES: dict[str, tuple[str, Callable[[Rows], str]]] = {
    "digits": ("digits.json", adversarial.digits),
    "digits-short": ("digits.json", partial(adversarial.digits, methods=TABLE)),
    "digits-before": ("digits-scheduled-momentum.json", adversarial.digits_before),
    "digits-tuning": ("digits-tuning.json", adversarial.tuning),
    "digits-recipe": ("digits-tuning.json", adversarial.tuning_recipe),
    "digits-eps": ("digits-tuning.json", adversarial.tuning_eps),
    "gail-cartpole": ("gail.json", partial(imitation.gail, setting="cartpole")),
    "gail-cells": ("gail-stress-cells.json", stress.gail_cells),
    "gail-stress-rates": ("gail-stress-rates.json", stress.gail_stress_rates),
    "gail-stress-variants": ("gail-stress-variants.json", stress.gail_stress_variants),
    "gail-stress-bounds": ("gail-stress-bounds.json", stress.gail_stress_rates),
    "gail-stress-style": ("gail-stress.json", partial(stress.gail_stress, setting="cartpole-style")),
    "gail-stress-cartpole": ("gail-stress.json", partial(stress.gail_stress, setting="cartpole")),
    "gail-verdict": ("gail-stress.json", stress.gail_verdict),
    "gail-verdict-cells": ("gail-stress.json", stress.gail_verdict_cells),
    "gail-transfer": ("gail-transfer.json", imitation.gail_transfer),
    "gail-rates": ("gail-speed.json", speed.gail_rates),
    "gail-peer": ("gail-peer.json", speed.gail_peer),
    "gail-steps": ("gail-speed.json", speed.gail_steps),
    "gail-dense": ("gail-dense.json", imitation.gail_dense),
    "gail-dense-step": ("dense-updater.json", speed.gail_dense_step),
    "gail-mountain-car": ("gail.json", partial(imitation.gail, setting="mountain-car")),
}
