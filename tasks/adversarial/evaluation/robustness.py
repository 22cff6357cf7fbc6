"""How robust a classifier is: clean, FGSM, PGM, margin attack, AutoAttack, and the worst of all for each image."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from minimax_l2l import FGSM, PGM, InnerOptimizer, resting
from minimax_l2l.errors import require_a, require_choice, require_count, require_function, require_seed
from minimax_l2l.files import require_place
from minimax_l2l.fingerprint import fingerprint
from minimax_l2l.lab import wilson_interval
from minimax_l2l.optimizers.base import require_inner_optimizer
from minimax_l2l.training.description import describe
from tasks.adversarial.attack import BATCH, Attack
from tasks.adversarial.classifier import PROBABILITIES, are_probabilities, require_classifier
from tasks.adversarial.data.images import Images
from tasks.adversarial.data.parts import require_within
from tasks.adversarial.data.sources import Source, as_images
from tasks.adversarial.evaluation.autoattack import FEWEST_CLASSES, Tier, autoattack, require_library
from tasks.adversarial.evaluation.findings import BEGINNING, Announce, Findings, found_alone
from tasks.adversarial.evaluation.marks import Piece, answers, judged, marked
from tasks.adversarial.evaluation.random_search import under_random
from tasks.adversarial.losses import Loss, cross_entropy, margin, require_untargeted
from tasks.adversarial.threat import Threat, require_lengths_in_pixels, require_threat

AUTOATTACK_PIECE = 1024  # images that AutoAttack is given at a time: it copies them several times over
AUTOATTACK_FIELD = {"quick": "autoattack_quick", "standard": "autoattack"}


@dataclass(frozen=True)
class Evaluation:
    """Which images withstood which attack.

    Attributes:
        survived: by attack, a Boolean for each image: classified rightly all along. Random search may have been
            shown the first images alone.
        flags: what is suspicious about the classifier: probabilities instead of logits, what AutoAttack warns of,
            attacks that ended at NaN or infinity.
    """

    survived: dict[str, Tensor]
    flags: tuple[str, ...] = ()

    def accuracies(self) -> dict[str, float]:
        """Accuracy under each attack, and under the worst one of each image: a mean of minima."""
        return {name: kept.double().mean().item() for name, kept in self._with_worst().items()}

    def intervals(self) -> dict[str, tuple[float, float]]:
        """The 95 % interval of each accuracy, see `wilson_interval`."""
        return {name: wilson_interval(int(kept.sum()), len(kept)) for name, kept in self._with_worst().items()}

    def _with_worst(self) -> dict[str, Tensor]:
        worst = torch.ones(max(map(len, self.survived.values())), dtype=torch.bool)
        for kept in self.survived.values():
            worst[: len(kept)] &= kept
        return {**self.survived, "worst_case": worst}


def evaluate(
    classifier: nn.Module,
    images: Source,
    threat: Threat,
    *,
    tier: Tier = "standard",
    own: InnerOptimizer | None = None,
    random_draws: int = 0,
    random_images: int | None = None,
    seed: int = 0,
    batch_size: int = BATCH,
    kept_in: Path | str | None = None,
    announce: Announce = lambda _: None,
) -> Evaluation:
    """Attack a classifier in every way this library reports.

    Clean; FGSM with a step of eps from zero; PGM-20 and PGM-100 with steps of eps / 10 (the paper's 0.003 for
    0.031) from a uniform random start; 100 such steps on the margin loss of Carlini and Wagner; the attacker it
    was trained with, if given; AutoAttack. An image that is misclassified as it is has fallen to all of them, and
    only AutoAttack is shown it again. One whose attack ends at NaN or infinity counts as lost, and `flags` say so.

    Args:
        classifier: takes images in [0, 1], returns logits; left in the modes it came in.
        images: what to attack: `Images`, a pair (images, labels), a torch Dataset, a DataLoader.
        threat: the ball.
        tier: `"standard"` runs all four attacks of AutoAttack's standard version, `"quick"` its APGD-CE and
            APGD-T alone, which are reported under a name of their own. Their losses are defined for four classes or
            more: for fewer AutoAttack does not run, and `flags` say so.
        own: the inner optimizer of the training, attacked with as well.
        random_draws: how many uniform random perturbations of each image are tried, reported as `random_10000` if
            there are 10,000; 0 for none. See `withstands_random`.
        random_images: how many images they are tried on, the first ones; all if None. 10,000 draws cost as much
            as 10,000 forward passes: on a CPU 100 images are enough to wait for.
        seed: of random starts and perturbations.
        batch_size: images attacked at a time, on which the memory that it takes depends.
        kept_in: a file of finished pieces: an evaluation that was interrupted goes on from it, unless classifier,
            images or settings have changed. None keeps nothing.
        announce: called with each attack's name and how far it is.

    Returns:
        What withstood what.

    Raises:
        MissingExtraError: if pyautoattack is not installed, before the first attack.
        TypeError: if an argument is of another kind.
        ValueError: if the classifier cannot take the images, the ball holds all of them, or `own` leaves it.
    """
    images = as_images(images)
    require_threat(threat, images.shape)
    if own is not None:
        require_lengths_in_pixels(require_inner_optimizer("own", own).lengths, threat, images.shape)
    require_seed("seed", seed)
    require_function("announce", announce, "words", "pass print, say")
    kept = _require_file(kept_in) if kept_in is not None else None
    require_choice("tier", tier, AUTOATTACK_FIELD)
    require_count("batch_size", batch_size, least=1)
    require_count("random_draws", random_draws)
    tried = len(images) if random_images is None else require_count("random_images", random_images, least=1)
    logits = require_classifier(classifier, images)
    require_within("the images'", images, logits, images.shape)
    enough = logits >= FEWEST_CLASSES
    if enough:
        require_library()
    attacks = _attacks(threat, own, seed)
    settings = [describe(part) for part in (threat, tier, own, tried, seed, batch_size, torch.__version__)]
    found = Findings(
        len(images),
        len(attacks) + 1 + enough + (random_draws > 0),
        file=kept,
        identity=fingerprint(_everything(classifier, images, own), f"{settings} {classifier}"),
        announce=announce,
    )
    every = torch.arange(len(images))
    found.add("clean", every, batch_size, partial(_untouched, classifier, images))
    right = every[found.survived["clean"]]
    for name, attack in attacks.items():
        found.add(name, right, batch_size, partial(_under, classifier, images, attack))
    if random_draws:
        search = partial(under_random, classifier, images, threat, random_draws, seed, batch_size)
        found.add(name := f"random_{random_draws}", right[right < tried], batch_size, search)
        found.survived[name] = found.survived[name][:tried]
    if enough:
        library = partial(_under_autoattack, classifier, images, threat, tier, seed, batch_size)
        found.add(AUTOATTACK_FIELD[tier], every, max(AUTOATTACK_PIECE, batch_size), library)
    else:
        found.flags.append(f"AutoAttack did not run: its losses are defined for {FEWEST_CLASSES} classes or more")
    return Evaluation(
        {name: kept & found.survived["clean"][: len(kept)] for name, kept in found.survived.items()},
        tuple(dict.fromkeys(found.flags)),  # pieces of an attack may warn of the same
    )


def _require_file(name: Path | str) -> Path:
    file = Path(require_a("kept_in", name, (str, Path), "the name of a file", "pass a string or a Path"))
    if file.name == "" or os.path.isdir(file) or any(os.path.isfile(part) for part in file.parents):
        raise ValueError(f"kept_in must be the name of a file in a folder, {file} cannot be one; choose another.")
    require_place("kept_in", file.parent if os.path.isfile(file) else file)  # where a folder can be, so can a file
    if os.path.isfile(file) and file.stat().st_size and not file.read_bytes().startswith(BEGINNING):
        raise ValueError(
            f"kept_in={file} holds something else than pieces of an evaluation, which would be replaced; choose "
            "another name, or remove it."
        )
    return file


def _attacks(threat: Threat, own: InnerOptimizer | None, seed: int) -> dict[str, Attack]:
    eps = threat.eps
    attacks = {
        "fgsm": Attack(FGSM(step_size=eps), threat, seed=seed),
        "pgm_20": Attack(PGM(steps=20, step_size=eps / 10), threat, seed=seed),
        "pgm_100": Attack(PGM(steps=100, step_size=eps / 10), threat, seed=seed),
        "cw_100": Attack(PGM(steps=100, step_size=eps / 10), threat, margin, seed=seed),
    }
    return attacks | ({"own_attacker": Attack(own, threat, seed=seed)} if own is not None else {})


def _everything(classifier: nn.Module, images: Images, own: InnerOptimizer | None) -> Iterator[Tensor]:
    for module in (classifier, own):
        yield from module.state_dict().values() if module is not None else ()
    yield from (images.images, images.labels)


def _untouched(classifier: nn.Module, images: Images, places: Tensor) -> Piece:
    logits = answers(classifier, images.at(places).pixels())
    warned = (PROBABILITIES,) if are_probabilities(logits) else ()
    return marked(judged(logits, images.labels[places]))._replace(warned=warned)


def _under(classifier: nn.Module, images: Images, attack: Attack, places: Tensor) -> Piece:
    (attacked,) = map(attack.require_inside, attack.batches(classifier, images, places, batch_size=len(places)))
    return marked(judged(answers(classifier, attacked.images), images.labels[places], finite=attacked.finite))


def _under_autoattack(
    classifier: nn.Module,
    images: Images,
    threat: Threat,
    tier: Tier,
    seed: int,
    batch_size: int,
    places: Tensor,
) -> Piece:
    images = images.at(places)
    with resting(classifier):
        attacked, warned = autoattack(classifier, images, threat, tier=tier, seed=seed, batch_size=batch_size)
    attacked = attacked.to(images.pixels(slice(1)).dtype)
    # Where there is no finite gradient, AutoAttack returns the image as it was; one step of FGSM tells.
    told = Attack(FGSM(step_size=threat.eps), threat).batches(classifier, images, batch_size=batch_size)
    verdicts = [
        judged(answers(classifier, attacked[part.places]), images.labels[part.places], finite=part.finite)
        for part in told
    ]
    return marked(torch.cat(verdicts))._replace(warned=warned)


def withstands(
    classifier: nn.Module,
    images: Source,
    threat: Threat,
    optimizer: InnerOptimizer,
    *,
    loss: Loss = cross_entropy,
    seed: int = 0,
    batch_size: int = BATCH,
) -> Tensor:
    """Whether each image is classified rightly after an attack: Booleans of shape (n,).

    Random starts belong to the images, and no image knows its neighbours: the batches they are in change nothing.
    An image whose attack ended at NaN or infinity counts as lost, with a warning; an attack that leaves the ball is
    refused.
    """
    images, attack = as_images(images), Attack(optimizer, threat, require_untargeted(loss), seed=seed)
    require_threat(threat, images.shape)
    return survivors(classifier, images, attack, batch_size)


def survivors(classifier: nn.Module, images: Images, attack: Attack, batch_size: int) -> Tensor:
    """The same by an attack of any radius."""
    require_count("batch_size", batch_size, least=1)
    require_within("the images'", images, require_classifier(classifier, images, loss=attack.loss), images.shape)
    return found_alone(len(images), batch_size, partial(_under, classifier, images, attack))
