"""Experts trained by TRPO, by the recipes of Stable-Baselines3's zoo; kept as a zip that plain SB3 reads."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sb3_contrib import TRPO
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.running_mean_std import RunningMeanStd
from stable_baselines3.common.vec_env import VecEnv, VecNormalize

from minimax_l2l.errors import require_a, require_count, require_flag, require_path, require_seed
from minimax_l2l.files import drafted, require_place
from minimax_l2l.saves import require_free
from tasks.gail.environments.seeded_episodes import make_environments, require_id
from tasks.gail.policy.algorithm import PolicySettings, make_trpo, save_zip
from tasks.gail.policy.own_randomness import OwnRandomness
from tasks.gail.seals import require_unbroken, seal

FILES = ("policy.zip", "expert.json")

# What the zoo's recipes have in common; what is not named here they leave as sb3-contrib sets it, and so do we.
ZOO = PolicySettings(
    environments=2,
    steps=1024,
    hidden=(64, 64),
    gamma=0.99,
    gae_lambda=0.95,
    critic_batch=128,
    critic_epochs=20,
    scale_rewards=False,
    bootstrap_limits=True,
)


@dataclass(frozen=True)
class Recipe:
    """How an expert is trained.

    Attributes:
        steps: of the environments, in all.
        policy: TRPO's settings; if it normalises observations, training normalises rewards too.

    Raises:
        ValueError: if a schedule or another algorithm is among the settings.
    """

    steps: int = 100_000
    policy: PolicySettings = ZOO

    def __post_init__(self) -> None:
        require_count("steps", self.steps, least=1)
        require_a("policy", self.policy, PolicySettings, "PolicySettings", "pass some of them")
        if given := [name for name, value in vars(self.policy).items() if callable(value)]:
            raise ValueError(
                f"a recipe is TRPO with plain numbers, got a function for {', '.join(given)}; leave it out."
            )


# Source: A. Raffin, RL Baselines3 Zoo, hyperparams/trpo.yml, github.com/DLR-RM/rl-baselines3-zoo.
RECIPES = {
    "CartPole-v1": Recipe(
        policy=replace(ZOO, steps=512, critic_batch=512, damping=1e-3, gae_lambda=0.98, normalise=False)
    ),
    "MountainCar-v0": Recipe(),
    "Acrobot-v1": Recipe(),
}


@dataclass(frozen=True)
class Normalization:
    """(observation - mean) / sqrt(variance + epsilon), clipped: what `VecNormalize` learned, in plain numbers."""

    mean: tuple[float, ...]
    variance: tuple[float, ...]
    epsilon: float
    clip: float

    def __call__(self, observations: np.ndarray) -> np.ndarray:
        """Normalise raw observations of shape (..., d)."""
        scaled = (observations - np.array(self.mean)) / np.sqrt(np.array(self.variance) + self.epsilon)
        clipped: np.ndarray = np.clip(scaled, -self.clip, self.clip).astype(np.float32)
        return clipped


@dataclass(frozen=True, eq=False)
class Expert:
    """A trained policy that takes raw observations.

    Attributes:
        environment_id: what it was trained in.
        recipe: how.
        model: the trained TRPO; it takes normalised observations.
        normalization: of observations; None if the recipe has none.

    Raises:
        TypeError: if one of them is something else.
    """

    environment_id: str
    recipe: Recipe
    model: TRPO
    normalization: Normalization | None = None

    def __post_init__(self) -> None:
        require_id(self.environment_id)
        require_a("recipe", self.recipe, Recipe, "a Recipe", "pass that of its training")
        require_a("model", self.model, BaseAlgorithm, "a model of Stable-Baselines3", "let train_expert make it")
        if self.normalization is not None:
            require_a("normalization", self.normalization, Normalization, "a Normalization", "pass None for none")

    def __call__(self, observation: np.ndarray) -> Any:
        """The most likely action at a raw observation of shape (d,), or the actions at (n, d)."""
        if self.normalization is not None:
            observation = self.normalization(observation)
        return self.model.predict(observation, deterministic=True)[0]

    def save(self, folder: Path | str, *, overwrite: bool = False) -> None:
        """Write `policy.zip`, which sb3-contrib's `TRPO.load` reads, and `expert.json`: the rest, in plain text.

        `checksums.json` says what both are.

        Args:
            folder: its name.
            overwrite: whether an expert that was saved there before is replaced; a run's policy never is.

        Raises:
            ValueError: if there is an expert that is not to be replaced, or a run, or if the folder cannot be
                written to.
        """
        top = require_path("folder", folder)
        require_flag("overwrite", overwrite)
        require_place("folder", top)
        if (top / "config.json").exists():
            raise ValueError(f"{top} holds a run, whose policy would be replaced; save to another folder.")
        require_free("folder", top, FILES, overwrite=overwrite)
        rest = {
            "environment": self.environment_id,
            "steps": self.recipe.steps,
            "policy": self.recipe.policy.plain(),
            "normalization": None if self.normalization is None else asdict(self.normalization),
        }
        with drafted(top) as draft:
            save_zip(self.model, draft / "policy.zip")
            (draft / "expert.json").write_text(json.dumps(rest, indent=2) + "\n")
            seal(draft, FILES)

    @classmethod
    def load(cls, folder: Path | str, *, device: str | torch.device = "cpu") -> Expert:
        """Read what `save` wrote; no code in the files is run.

        The zip holds weights, which torch reads as tensors alone, and the model's attributes, which
        Stable-Baselines3's own `TRPO.load` unpickles: never call that on a file from a stranger. This builds the
        model anew from `expert.json` and takes nothing but weights out of the zip.

        Args:
            folder: where it was saved.
            device: of the model.

        Raises:
            ValueError: if a file is missing or damaged, or weights do not fit the recipe.
        """
        top, device = require_path("folder", folder), _device(device)
        try:
            require_unbroken(top, FILES)
            rest = json.loads((top / "expert.json").read_text())
            before = {"scale_rewards": False, "bootstrap_limits": True}  # which older files do not name
            settings = PolicySettings(**{**before, **_with_tuples(rest["policy"])})
            if ":" in rest["environment"]:  # gymnasium would import the module before the colon
                raise ValueError(f"it names a module to import, {rest['environment']!r}")
            environments = make_environments(rest["environment"], settings.environments, seed=0)
            model = make_trpo(settings, environments, device=device)
            model.set_parameters(str(top / "policy.zip"), device=device)
            learned = rest["normalization"]
            normalization = None if learned is None else Normalization(**_with_tuples(learned))
            recipe = Recipe(rest["steps"], settings)
        except Exception as error:  # zip, torch and SB3 name no common base for what damaged files raise
            raise ValueError(
                f"{folder} holds no whole expert ({type(error).__name__}: {error}); train and save it again."
            ) from error
        return cls(rest["environment"], recipe, model, normalization)


def train_expert(
    environment_id: str, *, seed: int, recipe: Recipe | None = None, device: str | torch.device = "cpu"
) -> Expert:
    """Train an expert by TRPO; CartPole-v1 and MountainCar-v0 take about a minute on one core.

    Args:
        environment_id: the gymnasium id.
        seed: of everything random; no global generator is moved.
        recipe: how; the environment's own in `RECIPES` if None.
        device: of the model; networks this small are fastest on a processor's core.

    Raises:
        ValueError: if there is no recipe for it, or the environment is not known or not supported.

    Source: J. Schulman et al., Trust Region Policy Optimization, ICML 2015.
    """
    require_id(environment_id)
    require_seed("seed", seed)
    device = _device(device)
    if recipe is not None:
        require_a("recipe", recipe, Recipe, "a Recipe", "pass Recipe(steps=...)")
    recipe = recipe if recipe is not None else RECIPES.get(environment_id)
    if recipe is None:
        raise ValueError(
            f"there is no recipe for {environment_id}, only for {' and '.join(RECIPES)}; pass recipe=Recipe(...)."
        )
    settings = recipe.policy
    raw = make_environments(environment_id, settings.environments, seed=seed)
    environments = VecNormalize(raw, gamma=settings.gamma) if settings.normalise else raw
    with torch.random.fork_rng(), OwnRandomness(seed):  # of devices, and of the processor
        model = make_trpo(settings, environments, seed=seed, device=device).learn(recipe.steps)
    return Expert(raw.get_attr("id")[0], recipe, model, _learned(environments))


def _device(device: str | torch.device) -> torch.device:
    require_a("device", device, (str, torch.device), "a device", 'pass "cpu" or "cuda"')
    try:
        return torch.device(device)
    except RuntimeError as error:
        raise ValueError(f'device must be one of torch\'s, got {device!r}; pass "cpu" or "cuda".') from error


def _with_tuples(content: dict[str, Any]) -> dict[str, Any]:
    """What JSON made lists of, tuples again."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in content.items()}


def _learned(environments: VecEnv) -> Normalization | None:
    if not isinstance(environments, VecNormalize):
        return None
    moments = environments.obs_rms
    assert isinstance(moments, RunningMeanStd)  # of a Box; other observations have several
    return Normalization(
        tuple(moments.mean.tolist()), tuple(moments.var.tolist()), environments.epsilon, environments.clip_obs
    )
