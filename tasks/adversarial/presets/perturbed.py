"""What a report shows of perturbed images."""

from __future__ import annotations

from pathlib import Path

import torch

from minimax_l2l import FGSM, PGM, LinfBall
from minimax_l2l.lab import Section
from tasks.adversarial.attack import Attack
from tasks.adversarial.evaluation.roughness import roughness
from tasks.adversarial.presets import figures
from tasks.adversarial.presets.runs import load_run
from tasks.adversarial.presets.training import TrainingPreset


def perturbations(folder: Path, preset: TrainingPreset) -> list[Section]:
    """Attacked images, their changes, and these magnified.

    Args:
        folder: of a run with a learned attacker.
        preset: what was run.
    """
    run = load_run(preset, folder)
    images, eps, shown = run.data.test.first(60), preset.radius, 6
    pixels, threat = images.pixels(), LinfBall(eps)
    attackers = {
        "FGSM": FGSM(step_size=eps),
        "PGM-20": PGM(steps=20, step_size=eps / 10),
        preset.row.title: run.optimizer,
    }
    attacked = {
        name: Attack(attacker, threat)(run.classifier, pixels, images.labels)
        for name, attacker in attackers.items()
    }
    with torch.no_grad():
        seen = {name: (moved[:shown], run.classifier(moved[:shown]).argmax(1)) for name, moved in attacked.items()}
    rough = {name: roughness(moved - pixels, eps).mean().item() for name, moved in attacked.items()}
    return [
        Section(
            "Perturbations",
            f"What three attackers make of {shown} test images, against the classifier trained with "
            f"{preset.row.title}. The number above an attacked image is the class that the classifier sees in it, "
            "red if it is wrong. Below is the change, enlarged: grey is none, white and black are plus and minus "
            "eps.",
            figure=figures.perturbation_grid(pixels[:shown], images.labels[:shown], seen, eps),
        ),
        Section(
            "Perturbations magnified",
            "The first of these images, and its change 5 and 30 times as large around grey; what leaves the range "
            "of grey is white or black. Roughness is the mean difference of neighbouring pixels over eps: 0 for "
            f"the same change everywhere, 2 for a chequerboard. Its mean over {len(images)} test images: "
            f"{', '.join(f'{name} {value:.2f}' for name, value in rough.items())}.",
            figure=figures.magnified_perturbations(pixels[0], {n: moved[0] for n, moved in attacked.items()}, eps),
        ),
    ]
