"""`minimax-l2l benchmark gail-experts`: the experts that everything else is measured by, trained and recorded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from minimax_l2l.families import Announce
from minimax_l2l.files import atomic
from minimax_l2l.training.environment import describe_environment
from minimax_l2l.training.folder import RunFolder
from tasks.gail.demonstrations.minari_files import write_minari
from tasks.gail.demonstrations.recording import Policy, record
from tasks.gail.environments.seeded_episodes import make_environment
from tasks.gail.experts.scripted import balance_right
from tasks.gail.experts.trained import train_expert
from tasks.gail.measures.evaluation import Act, Evaluator
from tasks.gail.presets.settings import DATASETS, SETTINGS, Setting

TRAINING_SEEDS = (0, 1, 2, 3)
EPISODES = 20
EVALUATION_EPISODES = 100
EVALUATION_SEED, SELECTION_SEED = 1_000, 2_000


def make_experts(out: Path, announce: Announce) -> Path:
    """Train TRPO experts on several seeds, keep the best of each environment, record it; rows there are kept.

    Experts and evaluations are deterministic, the random policy's actions are uniform.

    Args:
        out: folder of `gail-experts.json`.
        announce: called with a few words before each piece of work.

    Returns:
        `out / "gail-experts.json"`.
    """
    file = RunFolder(out).path / "gail-experts.json"
    rows: list[dict[str, Any]] = json.loads(file.read_text())["rows"] if file.exists() else []
    for name, setting in SETTINGS.items():
        if any(row["setting"] == name for row in rows):
            continue
        rows.append({"setting": name, "environment": setting.environment_id, **_expert(name, setting, announce)})
        with atomic(file) as target:
            content = {"environment": describe_environment(), "rows": rows}
            target.write((json.dumps(content, indent=1) + "\n").encode())
    return file


def _expert(name: str, setting: Setting, announce: Announce) -> dict[str, Any]:
    evaluator = Evaluator(setting.environment_id, EVALUATION_EPISODES, seed=EVALUATION_SEED)
    selector = Evaluator(setting.environment_id, EVALUATION_EPISODES, seed=SELECTION_SEED)
    policy: Policy
    if name.endswith("-style"):
        policy, tried = balance_right, {}
        returns = evaluator.returns(lambda seen: np.array([balance_right(one) for one in seen]))
        method, chosen = "scripted", None
    else:
        experts = {}
        for seed in TRAINING_SEEDS:
            announce(f"{setting.title}: training an expert, seed {seed}")
            experts[seed] = train_expert(setting.environment_id, seed=seed)
        tried = {seed: float(selector.returns(expert).mean()) for seed, expert in experts.items()}
        best = max(tried, key=lambda seed: tried[seed])
        policy, returns, method, chosen = experts[best], evaluator.returns(experts[best]), "trpo", best
    recorded = record(policy, setting.environment_id, EPISODES, seed=0)
    if not (DATASETS / setting.dataset).exists():
        write_minari(recorded, setting.dataset, root=DATASETS, source=f"{method}, seed {chosen}")
    return {
        "method": method,
        "seed": chosen,
        "tried": {str(seed): value for seed, value in tried.items()},
        "expert_return": float(returns.mean()),
        "expert_deviation": float(returns.std()),
        "random_return": float(evaluator.returns(_random(setting)).mean()),
        "episodes": EVALUATION_EPISODES,
        "recorded_return": float(recorded.returns.mean()),
        "recorded_sha256": recorded.sha256,
    }


def _random(setting: Setting) -> Act:
    space = make_environment(setting.environment_id, seed=0).action_space
    space.seed(0)
    return lambda seen: np.array([space.sample() for _ in seen])
