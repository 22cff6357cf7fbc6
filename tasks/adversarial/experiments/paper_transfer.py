"""The paper's tables 4 to 6, attacks made on another classifier, and learned attackers on classifiers of others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from torch import nn

from minimax_l2l import FGSM, PGM, InnerOptimizer, LearnedOptimizer, LinfBall
from minimax_l2l.lab import Announce, Row, fill
from tasks.adversarial.evaluation.transfer import accuracy_per_query, transfer
from tasks.adversarial.experiments.paper_runs import PaperRun
from tasks.adversarial.presets.methods import METHODS
from tasks.adversarial.presets.runs import load_run

SURROGATES = ("plain", "fgsm", "pgm-10")
DEFENCES = ("plain", "fgsm", "pgm-10", "naive-l2l", "grad-l2l", "two-step-l2l")
VICTIMS = ("plain", "pgm-10")


@dataclass(frozen=True)
class Shown:
    """Attacks made on one classifier, shown to others of another seed.

    Attributes:
        surrogate: what they are made on.
        attack: `"fgsm"` or `"pgm_10"`.
        defences: what they are shown to, all on one data set.
        images: test images; None is all.
    """

    surrogate: PaperRun
    attack: str
    defences: Sequence[PaperRun]
    images: int | None

    @property
    def identity(self) -> Mapping[str, Any]:
        """What tells its row from others."""
        own = self.surrogate
        about = {"kind": "transfer", "data": own.data, "method": own.preset.method, "seed": own.preset.seed}
        return {**about, "made_on": own.preset.method, "attack": self.attack}


@dataclass(frozen=True)
class Attacked:
    """A learned attacker on a classifier that it never saw.

    Attributes:
        attacker: the run whose attacker it is.
        victim: the classifier.
        images: test images; None is all.
    """

    attacker: PaperRun
    victim: PaperRun
    images: int | None

    @property
    def identity(self) -> Mapping[str, Any]:
        """What tells its row from others."""
        own = self.attacker
        about = {"kind": "per-query", "data": own.data, "method": own.preset.method, "seed": own.preset.seed}
        return {**about, "made_on": self.victim.preset.method, "attack": own.preset.method}


def paper_transfer(
    out: Path,
    runs: Sequence[PaperRun],
    *,
    images: int | None,
    device: str,
    announce: Announce,
    workers: int,
) -> Path:
    """Show attacks on classifiers of the second seed to those of the first; what is done already is kept.

    Args:
        out: the result file.
        runs: those that have been trained.
        images: test images of each row; None is all.
        device: where it is measured.
        announce: called with a few words before each piece of work.
        workers: see `play_all`.
    """
    jobs: list[Shown | Attacked] = []
    for data in dict.fromkeys(run.data for run in runs):
        usual = [run for run in runs if run.data == data and run.usual]
        first = {run.preset.method: run for run in usual if run.turn == 0}
        second = {run.preset.method: run for run in usual if run.turn == 1}
        defences = [first[name] for name in DEFENCES if name in first]
        jobs += [
            Shown(second[name], attack, defences, images)
            for name in SURROGATES
            if name in second and defences
            for attack in ("fgsm", "pgm_10")
        ]
        jobs += [
            Attacked(run, second[name], images)
            for method, run in first.items()
            if METHODS[method].learns and not METHODS[method].fixed_steps
            for name in VICTIMS
            if name in second
        ]
    return fill(out, jobs, partial(measured, device=device), announce=announce, workers=workers)


def measured(job: Shown | Attacked, *, device: str) -> Row:
    """A job's row."""
    if isinstance(job, Shown):
        return _shown(job, device)
    victim, attacker = (load_run(run.preset, run.folder, device=device) for run in (job.victim, job.attacker))
    assert isinstance(attacker.optimizer, LearnedOptimizer)
    test = victim.data.test if job.images is None else victim.data.test.some(job.images)
    found = accuracy_per_query(victim.classifier, attacker.optimizer, test, LinfBall(job.victim.preset.radius))
    return {
        "images": len(test),
        "queries": [one.queries for one in found],
        "learned": [one.learned for one in found],
        "pgm": [one.pgm for one in found],
    }


def _shown(job: Shown, device: str) -> Row:
    surrogate = load_run(job.surrogate.preset, job.surrogate.folder, device=device)
    defences: dict[str, nn.Module] = {
        run.preset.method: load_run(run.preset, run.folder, device=device).classifier for run in job.defences
    }
    eps = job.surrogate.preset.radius
    attacks: dict[str, InnerOptimizer] = {
        "fgsm": FGSM(step_size=eps),
        "pgm_10": PGM(steps=10, step_size=eps / 4, random_start=1.0),
    }
    test = surrogate.data.test if job.images is None else surrogate.data.test.some(job.images)
    chosen = {job.attack: attacks[job.attack]}
    rows = transfer(defences, {"surrogate": surrogate.classifier}, chosen, test, LinfBall(eps))
    return {"images": len(test), "accuracy": {row.defence: row.accuracy for row in rows}}
