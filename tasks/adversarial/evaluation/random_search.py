"""The attack that asks for no gradient: many random perturbations of each image."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from minimax_l2l import leaves, uniform
from minimax_l2l.errors import require_count, require_seed
from tasks.adversarial.attack import BATCH
from tasks.adversarial.classifier import as_taken_by, require_classifier
from tasks.adversarial.data.images import Images
from tasks.adversarial.data.parts import require_within
from tasks.adversarial.data.sources import Source, as_images
from tasks.adversarial.evaluation.findings import found_alone
from tasks.adversarial.evaluation.marks import FELL, LOST, MARKS, WITHSTOOD, Piece, answers, judged, marked
from tasks.adversarial.threat import Threat, perturbations, require_threat


def withstands_random(
    classifier: nn.Module,
    images: Source,
    threat: Threat,
    *,
    draws: int = 10_000,
    seed: int = 0,
    batch_size: int = BATCH,
) -> Tensor:
    """Whether each image is classified rightly under all of N uniform random perturbations.

    Perturbations belong to the images: the batches they are in change nothing, and the first 100 of 10,000 draws
    are those of 100. An image that fell is shown no more. A classifier that falls to random search and not to
    gradients hides its gradients.

    Args:
        classifier: takes images in [0, 1], returns logits; left in the modes it came in.
        images: what to perturb: `Images`, a pair (images, labels), a torch Dataset, a DataLoader.
        threat: the ball that perturbations are uniform in, before pixels are clipped to [0, 1].
        draws: N.
        seed: of the perturbations.
        batch_size: how many perturbed images are classified at a time.

    Returns:
        Booleans of shape (n,).

    Raises:
        TypeError: if an argument is of another kind.
        ValueError: if the classifier cannot take the images, or the ball holds all of them.
    """
    images = as_images(images)
    require_threat(threat, images.shape)
    require_count("draws", draws, least=1)
    require_count("batch_size", batch_size, least=1)
    require_seed("seed", seed)
    require_within("the images'", images, require_classifier(classifier, images), images.shape)
    search = partial(under_random, classifier, images, threat, draws, seed, batch_size)
    return found_alone(len(images), batch_size, search)


def under_random(
    classifier: nn.Module, images: Images, threat: Threat, draws: int, seed: int, batch_size: int, places: Tensor
) -> Piece:
    """The same of the images at some places."""
    chosen = images.at(places.to(images.labels.device))
    pixels, labels = (as_taken_by(classifier, part) for part in (chosen.pixels(), chosen.labels))
    places = places.to(pixels.device)
    verdicts = torch.full_like(places, MARKS.index(WITHSTOOD))
    standing, done = torch.arange(len(places), device=places.device), 0
    while done < draws and len(standing):
        count = min(max(1, batch_size // len(standing)), draws - done)
        noise = [uniform(pixels[standing], places[standing], seed=seed, step=done + draw) for draw in range(count)]
        centres = pixels[standing].repeat(count, 1, 1, 1)
        perturbed = centres + leaves(perturbations(centres, threat).sample(torch.cat(noise)))[0]
        found = judged(answers(classifier, perturbed), labels[standing].repeat(count)).view(count, -1)
        for mark in (FELL, LOST):
            verdicts[standing[(found == MARKS.index(mark)).any(0)]] = MARKS.index(mark)
        standing, done = standing[(found == MARKS.index(WITHSTOOD)).all(0)], done + count
    return marked(verdicts)
