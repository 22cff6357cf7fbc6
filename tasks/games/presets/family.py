"""The family `games/...`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError

from minimax_l2l import AlternatingAscent, DamagedRunError, GradientAscent, LearnedOptimizer
from minimax_l2l.errors import require_count
from minimax_l2l.families import Announce, Game, Section, Settings
from minimax_l2l.report import svg
from minimax_l2l.training.environment import describe_environment
from minimax_l2l.training.folder import RunFolder
from tasks.games.limit_cycle import LimitCycle, orbit
from tasks.games.presets.figure import draw_orbits

PRESET = "games/limit-cycle-rnn-l2l"
STEP_SIZE, STEPS = 0.1, 100


class GamesFamily:
    """Games as the command line sees them."""

    def presets(self) -> Mapping[str, str]:
        """One-line summaries by preset name."""
        return {
            PRESET: "a recurrent optimizer that learns to settle bilinear games, on which simultaneous play "
            "spirals out and alternating play circles"
        }

    def build(self, preset: str, settings: Settings) -> Game:  # noqa: ARG002
        """A preset made ready; its inner steps are the length of the unroll.

        Raises:
            ValueError: on settings that it does not have.
        """
        for name in ("data", "eps", "epochs"):
            if getattr(settings, name) is not None:
                raise ValueError(f"{PRESET} has no {name}; leave --{name} out.")
        torch.manual_seed(settings.seed)
        steps = settings.inner_steps if settings.inner_steps is not None else 48
        optimizer = LimitCycle.learned_optimizer(steps=require_count("--inner-steps", steps, least=16))
        return Game(LimitCycle(seed=settings.seed), optimizer, config={"method": "rnn-l2l", "inner_steps": steps})

    def evaluate(self, folder: Path, settings: Settings, announce: Announce) -> dict[str, Any]:  # noqa: ARG002
        """Distances to the origin after 100 steps of f = xy from (1, 0), for three ways to play."""
        announce("orbits of f = xy")
        config, solution = RunFolder(folder).read_json("config.json"), RunFolder(folder).read_json("solution.json")
        if not {"seconds", "passes"} <= solution.keys():
            raise DamagedRunError(f"{folder / 'solution.json'} is damaged; solve it again in another folder.")
        rows = [
            {
                "method": name,
                "seed": config.get("seed"),
                "data": "f = xy from (1, 0)",
                "steps": STEPS,
                "distance": path[-1].norm().item(),
                **({"train_seconds": round(solution["seconds"], 2), **solution["passes"]} if "l2l" in name else {}),
            }
            for name, path in _orbits(folder).items()
        ]
        result = {"environment": describe_environment(), "rows": rows}
        RunFolder(folder).write_json("evaluation.json", result)
        return result

    def sections(self, folders: Sequence[Path], settings: Settings) -> list[Section]:  # noqa: ARG002
        """The picture of each run's orbits."""
        return [
            Section(
                f"The limit cycle: {folder.name}",
                f"f = xy from (1, 0), {STEPS} steps, all players remember where they are. Simultaneous gradient "
                f"play (step {STEP_SIZE}) spirals out, alternating play circles, the learned optimizer settles.",
                figure=svg(draw_orbits(_orbits(folder))),
            )
            for folder in folders
        ]

    def benchmarks(self) -> Mapping[str, Callable[[Path, Announce], Path]]:
        """None yet."""
        return {}

    def demo(self, out: Path, announce: Announce) -> list[Section] | None:  # noqa: ARG002
        """The demo is another family's."""
        return None


def _orbits(folder: Path) -> dict[str, torch.Tensor]:
    if not (folder / "optimizer").is_dir():
        raise DamagedRunError(f"{folder} holds no trained optimizer; run `minimax-l2l solve {PRESET}` again.")
    try:
        learned = LearnedOptimizer.from_pretrained(folder / "optimizer")
    except DamagedRunError:
        raise
    except (LookupError, OSError, SafetensorError, RuntimeError, TypeError, ValueError, AttributeError) as error:
        raise DamagedRunError(
            f"{folder / 'optimizer'} is damaged ({type(error).__name__} in reading it); solve it again in another "
            "folder."
        ) from error
    return {
        "simultaneous": orbit(GradientAscent(steps=1, step_size=STEP_SIZE), steps=STEPS),
        "alternating": orbit(AlternatingAscent(steps=1, step_size=STEP_SIZE), steps=STEPS),
        "rnn-l2l": orbit(learned, steps=STEPS),
    }


FAMILY = GamesFamily()
