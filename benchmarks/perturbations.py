"""The paper's figure 5: what three attackers change in one image, 5 and 30 times as large, as an SVG file.

    python benchmarks/perturbations.py RUN --data FILE --out docs/images/perturbations.svg

RUN is a folder that `minimax-l2l solve` or `minimax-l2l benchmark paper-tables` has filled, of a learned attacker.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from minimax_l2l import FGSM, PGM, LinfBall
from minimax_l2l.lab import load_families, preset_of
from tasks.adversarial import Attack
from tasks.adversarial.evaluation.roughness import roughness
from tasks.adversarial.presets.figures import magnified_perturbations
from tasks.adversarial.presets.runs import load_run
from tasks.adversarial.presets.training import TrainingPreset

MANY = 200  # images whose mean roughness is printed


def main() -> None:
    """Attack, print and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="a run's folder")
    parser.add_argument("--data", type=Path, help="the file that it was trained on")
    parser.add_argument("--image", type=int, default=0, help="place of the image that is drawn in the test set")
    parser.add_argument("--out", type=Path, default=Path("perturbations.svg"))
    options = parser.parse_args()
    preset, _ = preset_of(options.run, load_families(), data=options.data)
    assert isinstance(preset, TrainingPreset), "RUN is no adversarial training"
    run, eps = load_run(preset, options.run), preset.radius
    images = run.data.test.first(max(MANY, options.image + 1))
    attackers = {
        "FGSM": FGSM(step_size=eps),
        "PGM-20": PGM(steps=20, step_size=eps / 10),
        preset.row.title: run.optimizer,
    }
    drawn, pixels = {}, images.pixels()
    for name, attacker in attackers.items():
        attacked = Attack(attacker, LinfBall(eps))(run.classifier, pixels, images.labels)
        with torch.no_grad():
            right = (run.classifier(attacked).argmax(1) == images.labels).float().mean().item()
        rough = roughness(attacked - pixels, eps).mean().item()
        print(f"{name}: {right:.1%} of {len(images)} images withstand it, mean roughness {rough:.2f}")
        drawn[name] = attacked[options.image]
    options.out.write_text(magnified_perturbations(pixels[options.image], drawn, eps))


if __name__ == "__main__":
    main()
