"""The tables of the documentation by name: the result file each is made from, and what makes it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from benchmarks.tables.adversarial import digits, digits_before, tuning, tuning_eps, tuning_recipe
from benchmarks.tables.imitation import gail, gail_dense, gail_transfer
from benchmarks.tables.markdown import Rows
from benchmarks.tables.speed import gail_dense_step, gail_peer, gail_rates, gail_steps
from benchmarks.tables.stress import (
    gail_cells,
    gail_stress,
    gail_stress_rates,
    gail_stress_variants,
    gail_verdict,
    gail_verdict_cells,
)
from tasks.adversarial.presets.methods import TABLE

TABLES: dict[str, tuple[str, Callable[[Rows], str]]] = {
    "digits": ("digits.json", digits),
    "digits-short": ("digits.json", partial(digits, methods=TABLE)),
    "digits-before": ("digits-scheduled-momentum.json", digits_before),
    "digits-tuning": ("digits-tuning.json", tuning),
    "digits-recipe": ("digits-tuning.json", tuning_recipe),
    "digits-eps": ("digits-tuning.json", tuning_eps),
    "gail-cartpole": ("gail.json", partial(gail, setting="cartpole")),
    "gail-cells": ("gail-stress-cells.json", gail_cells),
    "gail-stress-rates": ("gail-stress-rates.json", gail_stress_rates),
    "gail-stress-variants": ("gail-stress-variants.json", gail_stress_variants),
    "gail-stress-bounds": ("gail-stress-bounds.json", gail_stress_rates),
    "gail-stress-style": ("gail-stress.json", partial(gail_stress, setting="cartpole-style")),
    "gail-stress-cartpole": ("gail-stress.json", partial(gail_stress, setting="cartpole")),
    "gail-verdict": ("gail-stress.json", gail_verdict),
    "gail-verdict-cells": ("gail-stress.json", gail_verdict_cells),
    "gail-transfer": ("gail-transfer.json", gail_transfer),
    "gail-rates": ("gail-speed.json", gail_rates),
    "gail-peer": ("gail-peer.json", gail_peer),
    "gail-steps": ("gail-speed.json", gail_steps),
    "gail-dense": ("gail-dense.json", gail_dense),
    "gail-dense-step": ("dense-updater.json", gail_dense_step),
    "gail-mountain-car": ("gail.json", partial(gail, setting="mountain-car")),
}
