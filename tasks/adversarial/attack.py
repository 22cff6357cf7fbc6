"""An attack: how far, by which steps, and on which loss images are perturbed."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

import torch
from torch import Tensor, nn

from minimax_l2l import Features, InnerOptimizer, NonFiniteError, Updater, leaves, resting
from minimax_l2l.arguments import Shown
from minimax_l2l.errors import require_count, require_seed
from minimax_l2l.optimizers.base import require_inner_optimizer
from tasks.adversarial.classifier import as_taken_by, require_classifier
from tasks.adversarial.data.images import Images
from tasks.adversarial.data.parts import require_within
from tasks.adversarial.losses import Loss, cross_entropy, require_loss
from tasks.adversarial.problem import PerturbationProblem
from tasks.adversarial.saved_attack import Parts, Strangers, read_attack, write_attack
from tasks.adversarial.threat import Threat, require_ball, require_threat

BATCH = 256  # images that go through a network at a time, so that memory does not depend on how many there are
ROUNDING = 1e-4  # that an attack may leave the ball by, in units of its radius


class Attacked(NamedTuple):
    """A batch after an attack.

    Attributes:
        images: the perturbed ones.
        finite: shape (n,), whether each attack stayed among the numbers; where one did not, its image is NaN.
        outside: shape (n,), how far each attack left the ball or the range of pixels; 0 as a rule.
        places: shape (n,), which images they are.
    """

    images: Tensor
    finite: Tensor
    outside: Tensor
    places: Tensor


class Attack(Shown):
    """max over d_i in B(eps) of loss(classifier(image_i + d_i), label_i), by an inner optimizer.

        attack = Attack(PGM(steps=20, step_size=0.1 * eps), LinfBall(eps))
        attacked = attack(classifier, images, labels)

    Args:
        optimizer: hand-designed or learned.
        threat: the ball B(eps).
        loss: what is ascended, one value per image: cross-entropy unless told. With `towards`, labels are the
            classes that images shall be taken for.
        seed: of random starts, which belong to the images: the batches they are in change nothing.

    Raises:
        TypeError: if the optimizer, the threat or the loss is none.
        ValueError: if the seed is negative.
    """

    def __init__(
        self, optimizer: InnerOptimizer, threat: Threat, loss: Loss = cross_entropy, *, seed: int = 0
    ) -> None:
        self.optimizer = require_inner_optimizer("optimizer", optimizer)
        self.threat, self.loss = require_ball(threat), require_loss(loss)
        self.seed = require_seed("seed", seed)
        self._latest: weakref.ref[nn.Module] | None = None  # the classifier that was attacked last

    def __call__(self, classifier: nn.Module, images: Any, labels: Any, *, batch_size: int = BATCH) -> Tensor:
        """Perturb images.

        Args:
            classifier: takes images in [0, 1], returns logits; attacked in eval mode, and left as it was.
            images: shape (n, channels, height, width), bytes or floating point in [0, 1]; not changed.
            labels: shape (n,).
            batch_size: how many are perturbed at a time.

        Returns:
            The perturbed images, floating point in [0, 1], on the classifier's device.

        Raises:
            TypeError: if an argument is of another kind.
            ValueError: if the classifier cannot take the images, they are no images, their labels lie outside its
                classes, or the ball holds every image, so that its radius must be of another unit; or if the
                optimizer leaves the ball.
            NonFiniteError: if an attack ended at NaN or infinity.
        """
        require_count("batch_size", batch_size, least=1)
        given = Images(images, labels)
        require_threat(self.threat, given.shape)
        known = self._latest is not None and self._latest() is classifier
        classes = require_classifier(classifier, given, loss=self.loss, known=known)
        self._latest = weakref.ref(classifier)
        require_within("the images'", given, classes, given.shape)
        parts = [self.require_inside(part) for part in self.batches(classifier, given, batch_size=batch_size)]
        lost = sum(int((~part.finite).sum()) for part in parts)
        if lost:
            raise NonFiniteError(
                f"{lost} of {len(given)} attacks ended at NaN or infinity; look for a division, root or logarithm "
                "in the classifier that can meet zero, such as the square root of a black pixel."
            )
        return torch.cat([part.images for part in parts])

    def batches(
        self, classifier: nn.Module, images: Images, places: Tensor | None = None, *, batch_size: int = BATCH
    ) -> Iterator[Attacked]:
        """Perturb images batch by batch.

        Args:
            classifier: see `__call__`; not tried first.
            images: all that there are.
            places: which of them to perturb; all if None.
            batch_size: how many at a time.
        """
        require_count("batch_size", batch_size, least=1)
        places = torch.arange(len(images)) if places is None else places
        for part in torch.split(places, batch_size):
            yield from self.stages(classifier, images, part, (None,))

    def stages(
        self, classifier: nn.Module, images: Images, places: Tensor, steps: Sequence[int | None]
    ) -> list[Attacked]:
        """One attack on one batch, seen several times on its way.

        Args:
            classifier: see `__call__`; not tried first.
            images: all that there are.
            places: which of them to perturb.
            steps: how many more steps before each look; None takes the optimizer's own number.
        """
        chosen = images.at(places.to(images.labels.device))
        pixels, labels = (as_taken_by(classifier, part) for part in (chosen.pixels(), chosen.labels))
        problem = PerturbationProblem(
            classifier,
            pixels,
            labels,
            self.threat,
            loss=self.loss,
            indices=places.to(pixels.device),
            seed=self.seed,
        )
        problem.watched = True
        end, seen = None, []
        with resting(classifier, self.optimizer), torch.no_grad():
            for count in steps:
                end = self.optimizer.maximize(problem, start=end, steps=count)
                moved = leaves(end.y)[0]
                outside = problem.constraint.violation(moved)
                seen.append(Attacked(problem.view(end.y), moved.isfinite().flatten(1).all(1), outside, places))
        return seen

    def require_inside(self, attacked: Attacked) -> Attacked:
        """Refuse attacked images that the threat does not allow: they would say nothing about robustness to it.

        Raises:
            ValueError: if one lies further outside than rounding explains.
        """
        furthest = attacked.outside.nan_to_num(0).amax().item()
        if furthest > ROUNDING * self.threat.eps:
            raise ValueError(
                f"{type(self.optimizer).__name__} left the ball of radius {self.threat.eps:g}, or the range of "
                f"pixels, by {furthest:.3g}; let its step return oracle.problem.constraint.project(y), or attack "
                "with the larger ball that it is meant for."
            )
        return attacked

    def save_pretrained(self, folder: Path | str, *, overwrite: bool = False) -> None:
        """Write the attack into a folder: `attack.json`, and a learned optimizer's weights beside it.

        Args:
            folder: its name.
            overwrite: whether an attack that was saved there before is replaced.

        Raises:
            TypeError: if the optimizer keeps what JSON cannot hold, or the loss has no name.
            ValueError: if the folder holds an attack that is not to be replaced, a run or a saved network, or if it
                cannot be written to.
        """
        parts = Parts(self.optimizer, self.threat, self.loss, self.seed)
        write_attack(folder, parts, overwrite=overwrite)

    @classmethod
    def from_pretrained(
        cls,
        folder: Path | str,
        *,
        losses: Sequence[Loss] = (),
        optimizers: Sequence[type[InnerOptimizer]] = (),
        updaters: Sequence[type[Updater]] = (),
        features: Sequence[type[Features]] = (),
    ) -> Self:
        """Read an attack that was saved, or the attacker that a finished run was trained with.

        Nothing in the folder is run. A run's attacker has the settings with which the run ended and the radius that
        its validations measured, and ascends the task's `loss`.

        Args:
            folder: that `save_pretrained` wrote, or that of a run of `AdversarialTraining`.
            losses: functions beside the library's own that it may have been saved with. One of the same name that
                does something else now, by its code and values and by those of one's own functions that it calls,
                is refused; see `minimax_l2l.own_code.tell`. Of a run's the name and what it holds are compared.
            optimizers: classes of hand-designed optimizers beside the library's own.
            updaters: classes of a learned one's updater beside the library's own.
            features: the same of its features.

        Raises:
            DamagedRunError: if a file that was saved there is damaged, or gone.
            FileNotFoundError: if the folder is not there, or no attack was saved there.
            MissingClassError: if it was saved with a loss or an optimizer that is not known.
            ValueError: if the folder holds a run that has not ended, or one whose optimizer takes no steps.
        """
        return cls(**read_attack(folder, Strangers(losses, optimizers, updaters, features))._asdict())
