"""The tables of the documentation by name: the result file each is made from, and what makes it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from benchmarks.tables import adversarial, defaults, games, imitation, paper, speed, steps, stress
from benchmarks.tables.markdown import Rows

# What the page of claims shows of imitation, with plenty of demonstrations and with few.
WITH_PLENTY = ("gail-adam", "coordinate-l2l", "rows-l2l", "low-rank-l2l", "frozen-d", "constant", "bc")
UNDER_STRESS = (
    "gail-adam",
    "c-gail",
    "gail-adam-ball",
    "coordinate-l2l",
    "coordinate-ball-l2l",
    "coordinate-bound-l2l",
    "frozen-d",
)

TABLES: dict[str, tuple[str, Callable[[Rows], str]]] = {
    "digits": ("digits.json", adversarial.digits),
    "digits-brief": ("digits.json", adversarial.digits_brief),
    "digits-before": ("digits-scheduled-momentum.json", adversarial.digits_before),
    "digits-tuning": ("digits-tuning.json", adversarial.tuning),
    "digits-recipe": ("digits-tuning.json", adversarial.tuning_recipe),
    "digits-eps": ("digits-tuning.json", adversarial.tuning_eps),
    "paper-fashion": ("paper-tables.json", partial(paper.white_box, data="fashion-mnist", eps=0.1)),
    "paper-large": ("paper-tables.json", partial(paper.white_box, data="fashion-mnist", eps=0.2)),
    "paper-cifar": ("paper-tables.json", partial(paper.white_box, data="cifar10", eps=0.0314)),
    "paper-transfer": ("paper-tables-transfer.json", partial(paper.transfer, data="fashion-mnist")),
    "paper-per-query": ("paper-tables-transfer.json", partial(paper.per_query, data="fashion-mnist")),
    "paper-seconds": ("adversarial-speed.json", paper.seconds),
    "paper-beside": ("paper-tables.json", paper.beside),
    "paper-steps": ("paper-steps.json", partial(paper.one_step, scale="paper")),
    "gpu-steps": ("paper-steps.json", partial(paper.one_step, scale="gpu")),
    "speed-wrn": ("adversarial-speed.json", partial(steps.adversarial_steps, model="wrn-10-2", batch=16)),
    "speed-resnet": (
        "adversarial-speed.json",
        partial(steps.adversarial_steps, model="preact-resnet-18", batch=16),
    ),
    "speed-floor": ("adversarial-speed.json", steps.adversarial_floor),
    "speed-attacks": ("adversarial-speed.json", steps.adversarial_attacks),
    "speed-growth": ("adversarial-speed.json", steps.adversarial_growth),
    "speed-forms": ("adversarial-speed.json", steps.adversarial_forms),
    "defaults": ("defaults.json", defaults.by_problem),
    "continuous-imitation": ("continuous-imitation.json", defaults.continuous),
    "games": ("games.json", games.by_family),
    "games-methods": ("games.json", games.by_method),
    "games-brief": ("games.json", games.in_brief),
    "games-practice": ("games-practice.json", games.of_practice),
    "gan-ring": ("gan-ring.json", games.of_the_ring),
    "games-sizes": ("games-sizes.json", games.by_size),
    "games-noise": ("games-noise.json", games.in_noise),
    "gail-cartpole": ("gail.json", partial(imitation.gail, setting="cartpole")),
    "gail-brief": ("gail.json", partial(imitation.gail_brief, methods=WITH_PLENTY)),
    "gail-dense-brief": ("gail-dense.json", partial(imitation.gail_dense, columns=("return", "expert level"))),
    "gail-transfer-brief": (
        "gail-transfer.json",
        partial(imitation.gail_transfer, columns=("return", "expert level", "longest outage")),
    ),
    "gail-stress-brief": ("gail-stress.json", partial(stress.gail_stress_brief, methods=UNDER_STRESS)),
    "gail-cost": ("gail-speed.json", partial(speed.gail_cost, size=2561)),
    "gail-cells": ("gail-stress-cells.json", stress.gail_cells),
    "gail-stress-rates": ("gail-stress-rates.json", stress.gail_stress_rates),
    "gail-stress-variants": ("gail-stress-variants.json", stress.gail_stress_variants),
    "gail-stress-bounds": ("gail-stress-bounds.json", stress.gail_stress_bounds),
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
