"""Attacks on disk: those that `Attack.save_pretrained` wrote, and the own attackers of finished runs."""

from __future__ import annotations

import inspect
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from minimax_l2l import (
    FGSM,
    LBFGS,
    PGM,
    Adam,
    DamagedRunError,
    Features,
    GradientAscent,
    InnerOptimizer,
    L2Ball,
    LearnedFGSM,
    LearnedOptimizer,
    LinfBall,
    RunFolder,
    Updater,
)
from minimax_l2l.arguments import arguments
from minimax_l2l.checksums import Checksums
from minimax_l2l.errors import MissingClassError, require_flag, require_path, require_seed, told
from minimax_l2l.files import drafted, require_place
from minimax_l2l.own_code import differing, tell, warn_if_another
from minimax_l2l.saves import CONFIG, WEIGHTS, SavedChecksums, require_free
from minimax_l2l.training.description import describe
from tasks.adversarial.losses import LOSSES, Loss
from tasks.adversarial.threat import Threat

OPTIMIZERS: tuple[type[InnerOptimizer], ...] = (
    LearnedOptimizer,
    LearnedFGSM,
    FGSM,
    PGM,
    GradientAscent,
    LBFGS,
    Adam,
)
BALLS: tuple[type[LinfBall | L2Ball], ...] = (LinfBall, L2Ball)
OWN = ("attack.json", f"optimizer/{CONFIG}", f"optimizer/{WEIGHTS}")
PLACES = "give one that Attack.save_pretrained wrote, or that of a run"
ATTACK_OF_IT = "an attack with it is Attack(LearnedOptimizer.from_pretrained(...), threat), if it is an optimizer."
NamedKind = TypeVar("NamedKind", bound=Any)


class Parts(NamedTuple):
    """What an attack is made of."""

    optimizer: InnerOptimizer
    threat: Threat
    loss: Loss
    seed: int


@dataclass(frozen=True)
class Strangers:
    """What a saved attack may be made of beside the library's own; see `Attack.from_pretrained`."""

    losses: Sequence[Loss]
    optimizers: Sequence[type[InnerOptimizer]]
    updaters: Sequence[type[Updater]]
    features: Sequence[type[Features]]

    def __post_init__(self) -> None:
        for kind, known in vars(self).items():
            if not isinstance(known, list | tuple) or not all(map(callable, known)):
                raise TypeError(f"{kind} must be a list of what it was saved with, got {told(known)}; pass [mine].")


def write_attack(folder: Path | str, attack: Parts, *, overwrite: bool) -> None:
    """Write `attack.json`, and a learned optimizer's weights beside it; see `Attack.save_pretrained`."""
    name, path = getattr(attack.loss, "__name__", ""), require_path("folder", folder)
    require_flag("overwrite", overwrite)
    if not name.isidentifier():
        raise TypeError("the loss has no name to be saved by; define it with def, in a module of your own.")
    learned = isinstance(attack.optimizer, LearnedOptimizer)
    kept = {} if learned else arguments(attack.optimizer)
    require_place("folder", path)
    if (path / CONFIG).exists():
        what = (
            "a saved network" if (path / WEIGHTS).exists() else "a run, whose optimizer the attack's would replace"
        )
        raise ValueError(f"{path} holds {what}; save the attack to another folder.")
    require_free("folder", path, OWN, overwrite=overwrite)
    told = {
        "optimizer": type(attack.optimizer).__name__,
        "arguments": kept,
        "threat": {"ball": type(attack.threat).__name__, "eps": attack.threat.eps},
        "loss": name if attack.loss in LOSSES else {"name": name, **_told(attack.loss)},
        "seed": attack.seed,
        **({"own_code": own} if not learned and (own := tell(type(attack.optimizer)))["code"] else {}),
    }
    with drafted(path) as draft:
        RunFolder(draft).write_json("attack.json", told)
        if learned:
            RunFolder(draft).write_module("optimizer", attack.optimizer)
        for file in (*OWN, f"optimizer/{SavedChecksums.file_name}"):
            if not (draft / file).exists():
                (path / file).unlink(missing_ok=True)  # of an attack that was learned


def read_attack(folder: Path | str, strangers: Strangers) -> Parts:
    """Read what `write_attack` or a run wrote; see `Attack.from_pretrained`."""
    path = require_path("folder", folder)
    if not os.path.isdir(path):  # a path would raise at a name that is too long
        found = f"{folder} is a file and no folder" if os.path.isfile(path) else f"there is no folder {folder}"
        raise FileNotFoundError(f"{found}; {PLACES}.")
    saved = (path / "attack.json").exists() or Checksums(path).lists("attack.json")
    of_run = (path / CONFIG).exists() and not saved
    if (path / WEIGHTS).exists() and not saved:
        around = path.resolve().parent
        within = any((around / name).exists() for name in ("attack.json", "solution.json"))
        raise FileNotFoundError(
            f"{folder} holds a saved network and no attack; "
            + (f"give the folder around it, {str(around)!r}." if within else ATTACK_OF_IT)
        )
    if not of_run and not saved:
        raise FileNotFoundError(f"{folder} holds no attack.json, so it is no saved attack; {PLACES}.")
    if of_run and not (path / "solution.json").exists():
        raise ValueError(f"{folder} holds a run that has not ended, so it has no attacker yet; resume it first.")
    try:
        parts = _of_run(path, strangers) if of_run else _as_saved(path, strangers)
    except MissingClassError:
        raise
    except (LookupError, TypeError, ValueError, OSError) as error:
        found = f"{type(error).__name__} {error}" if isinstance(error, LookupError) else str(error).split(";")[0]
        raise DamagedRunError(
            f"{folder} holds no whole attack: {found}; put the right files back, or save it again."
        ) from error
    if of_run and not parts.optimizer.steps:
        raise ValueError(
            f"{folder} holds a run whose optimizer takes no steps, as in plain and in Free training, so it has no "
            "attacker; make one, such as Attack(PGM(steps=10, step_size=0.01), threat)."
        )
    return parts


def _as_saved(path: Path, strangers: Strangers) -> Parts:
    saved = RunFolder(path).read_json("attack.json")
    ball = _named("ball", saved["threat"]["ball"], BALLS)(saved["threat"]["eps"])
    loss = _loss(saved["loss"], strangers.losses)
    seed = require_seed("seed", saved["seed"])
    optimizer = _optimizer(path, saved["optimizer"], saved["arguments"], strangers)
    if "own_code" in saved:
        warn_if_another("optimizer", saved["own_code"], type(optimizer))
    return Parts(optimizer, ball, loss, seed)


def _loss(saved: Any, strangers: Sequence[Loss]) -> Loss:
    """One of the library's by its name, another only if it is what was saved."""
    if isinstance(saved, str):
        return _named("loss", saved, LOSSES)
    loss: Loss = _named("loss", saved["name"], strangers, hint="losses")
    if (what := differing(saved, _told(loss))) is not None:
        raise MissingClassError(
            f"the attack was saved with a loss {saved['name']} of {what}; pass the one of then to "
            "from_pretrained(..., losses=[it]), or make an Attack of its optimizer and the loss of now."
        )
    return loss


def _told(loss: Any) -> dict[str, Any]:
    """What a loss of one's own does, and what it holds: the variables that it has captured, a method's object."""
    bound = describe(loss)
    held = {f"{loss.__name__}.{name}": own for name, own in bound.items()} if isinstance(bound, dict) else {}
    held.pop(f"{loss.__name__}.function", None)
    inner = inspect.unwrap(loss.__func__ if inspect.ismethod(loss) else loss)
    told = tell(inner) if inspect.isfunction(inner) else tell(type(inner))
    return {**told, "values": {**told["values"], **held}}


def _of_run(path: Path, strangers: Strangers) -> Parts:
    """The attacker of a run of adversarial training, at the radius that its validations measure."""
    game = RunFolder(path).read_json("config.json")["game"]
    task = game["task"]
    if "validated_at" not in task:
        raise ValueError(f"it is a run of {task['class']}, which attacks no images")
    threat = task["validated_at"]
    ball = _named("ball", threat["class"], BALLS)(threat["eps"])
    loss = next((one for one in (*LOSSES, *strangers.losses) if describe(one) == task["loss"]), None)
    if loss is None:
        raise MissingClassError(
            f"the run was made with the loss {task['loss']}, which is not known; pass it: "
            "from_pretrained(..., losses=[it])."
        )
    optimizer = RunFolder(path).read_json("solution.json").get("optimizer", game["optimizer"])  # as it ended
    return Parts(_optimizer(path, optimizer["class"], optimizer, strangers), ball, loss, task["seed"])


def _optimizer(path: Path, name: str, kept: Mapping[str, Any], strangers: Strangers) -> InnerOptimizer:
    """A learned one from its own files, another from the constructor's arguments among what was kept of it."""
    kind = _named("optimizer", name, (*OPTIMIZERS, *strangers.optimizers), hint="optimizers")
    if issubclass(kind, LearnedOptimizer):
        RunFolder(path).require_module("optimizer")
        learned: LearnedOptimizer = kind.from_pretrained(
            path / "optimizer", updaters=strangers.updaters, features=strangers.features
        )
        return learned
    made: InnerOptimizer = kind(**{name: kept[name] for name in inspect.signature(kind).parameters})
    return made


def _named(kind: str, name: str, known: Sequence[NamedKind], *, hint: str = "") -> NamedKind:
    found = {one.__name__: one for one in known}
    if name not in found:
        remedy = f"from_pretrained(..., {hint}=[{name}])" if hint else ", ".join(found)
        raise MissingClassError(
            f"the attack was saved with the {kind} {name}, which is not known; pass it: {remedy}."
        )
    return found[name]
