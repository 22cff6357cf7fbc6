"""`minimax-l2l benchmark gail-experts`: the experts that everything else is measured by, trained and recorded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from minimax_l2l.lab import EVERY_CORE, Announce, fill
from tasks.gail.demonstrations.minari_files import write_minari
from tasks.gail.demonstrations.recording import Policy, record
from tasks.gail.environments.evaluator import Evaluator
from tasks.gail.experts.scripted import balance_right
from tasks.gail.experts.trained import train_expert
from tasks.gail.measures.measurement import FINAL_SEED, random_return
from tasks.gail.presets.settings import DATASETS, SETTINGS

TRAINING_SEEDS = (0, 1, 2, 3)
SELECTION_SEED = 2_000


@dataclass(frozen=True)
class Search:
    """The best of several experts of one setting."""

    setting: str

    @property
    def identity(self) -> Mapping[str, Any]:
        """The first fields of its row."""
        return {"setting": self.setting, "environment": SETTINGS[self.setting].environment_id}


def make_experts(out: Path, *, announce: Announce, workers: int = EVERY_CORE) -> Path:
    """Train TRPO experts on several seeds, keep the best of each environment, record it; rows there are kept.

    Experts and evaluations are deterministic, the random policy's actions are uniform.
    """
    search = partial(find_expert, datasets=DATASETS)
    jobs = [Search(name) for name in SETTINGS]
    return fill(out / "gail-experts.json", jobs, search, announce=announce, workers=workers)


def find_expert(
    search: Search,
    *,
    datasets: Path,
    seeds: tuple[int, ...] = TRAINING_SEEDS,
    episodes: int = 20,
    evaluation_episodes: int = 100,
) -> dict[str, Any]:
    """Train, choose, measure and record.

    Args:
        search: the setting.
        datasets: folder of the demonstrations, where those that are there are kept.
        seeds: of the trainings.
        episodes: recorded.
        evaluation_episodes: by which the best is chosen, and, others, on which it is measured.
    """
    name, setting = search.setting, SETTINGS[search.setting]
    evaluator = Evaluator(setting.environment_id, evaluation_episodes, seed=FINAL_SEED)
    if name.endswith("-style"):
        policy: Policy = balance_right
        method, chosen, tried = "scripted", None, {}
        returns = evaluator.returns(lambda seen: np.array([balance_right(one) for one in seen]))
    else:
        selector = Evaluator(setting.environment_id, evaluation_episodes, seed=SELECTION_SEED)
        experts = {seed: train_expert(setting.environment_id, seed=seed) for seed in seeds}
        tried = {seed: float(selector.returns(expert).mean()) for seed, expert in experts.items()}
        best = max(tried, key=lambda seed: tried[seed])
        policy, returns, method, chosen = experts[best], evaluator.returns(experts[best]), "trpo", best
    recorded = record(policy, setting.environment_id, episodes, seed=0)
    if not (datasets / setting.dataset).exists():
        write_minari(recorded, setting.dataset, root=datasets, source=f"{method}, seed {chosen}")
    return {
        "method": method,
        "seed": chosen,
        "tried": {str(seed): value for seed, value in tried.items()},
        "expert_return": float(returns.mean()),
        "expert_deviation": float(returns.std()),
        "random_return": random_return(setting.environment_id, episodes=evaluation_episodes),
        "episodes": evaluation_episodes,
        "recorded_return": float(recorded.returns.mean()),
        "recorded_sha256": recorded.sha256,
    }
