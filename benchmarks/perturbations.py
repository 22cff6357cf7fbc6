"""The paper's figure 5: what three attacks change in a cat of CIFAR-10, against two classifiers.

    python -m benchmarks.perturbations runs/benchmark/paper-tables/cpu --data data/cifar10.npz

The classifiers are those that PGM-10 and 2-Step L2L trained in `benchmark paper-tables`, seed 0. The attacks are
FGSM, PGM-20 and the attacker that 2-Step L2L trained with. `docs/images/cifar_perturbations.png` shows the first
test image of a cat that both classifiers recognise. A row of `benchmarks/results/perturbations.json` is one attack
on one classifier: what it sees in the cat then, and how rough the changes are, that of the cat and the mean over
the first 200 test images.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import torch
import tyro
from torch import Tensor

from minimax_l2l import FGSM, PGM, LinfBall
from minimax_l2l.lab import blank_figure, preset_of, write_rows
from tasks.adversarial import Attack, roughness
from tasks.adversarial.presets import FAMILY
from tasks.adversarial.presets.figures import draw_magnified
from tasks.adversarial.presets.methods import METHODS
from tasks.adversarial.presets.runs import load_run
from tasks.adversarial.presets.training import TrainingPreset

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ROOT = Path(__file__).parents[1]
CLASSES = ("aeroplane", "car", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "lorry")
CAT = CLASSES.index("cat")
IMAGES = 200


@dataclass(frozen=True)
class Attacked:
    """What an attack made of the images.

    Attributes:
        images: attacked, shape (n, 3, 32, 32).
        seen: the classes that the classifier sees, shape (n,).
        rough: roughness of each perturbation, shape (n,).
    """

    images: Tensor
    seen: Tensor
    rough: Tensor


def main(runs: Annotated[Path, tyro.conf.Positional], data: Path) -> None:
    """Attack, write and draw.

    Args:
        runs: the folder in which `benchmark paper-tables` keeps its runs.
        data: CIFAR-10, as the runs were trained on it.
    """
    folders = {name: runs / f"cifar10-0.031-{name}-0" for name in ("pgm-10", "two-step-l2l")}
    presets = {name: _preset(folder, data) for name, folder in folders.items()}
    loaded = {name: load_run(presets[name], folder) for name, folder in folders.items()}
    eps = presets["pgm-10"].radius
    images = loaded["pgm-10"].data.test.first(IMAGES)
    pixels, labels = images.pixels(), images.labels
    attackers = {
        "FGSM": FGSM(step_size=eps),
        "PGM-20": PGM(steps=20, step_size=eps / 10),
        "2-Step L2L": loaded["two-step-l2l"].optimizer,
    }
    recognised = labels == CAT
    made: dict[str, dict[str, Attacked]] = {}
    for name, run in loaded.items():
        made[name] = {}
        for title, attacker in attackers.items():
            torch.manual_seed(0)
            attacked = Attack(attacker, LinfBall(eps))(run.classifier, pixels, labels)
            with torch.no_grad():
                seen = run.classifier(attacked).argmax(1)
            made[name][title] = Attacked(attacked, seen, roughness(attacked - pixels, eps))
        with torch.no_grad():
            recognised &= run.classifier(pixels).argmax(1) == CAT
    cat = int(recognised.nonzero()[0])
    rows = [
        {
            "method": name,
            "seed": 0,
            "attack": title,
            "image": cat,
            "seen": CLASSES[int(one.seen[cat])],
            "roughness": round(one.rough[cat].item(), 4),
            "images": IMAGES,
            "roughness_mean": round(one.rough.mean().item(), 4),
        }
        for name, attacks in made.items()
        for title, one in attacks.items()
    ]
    write_rows(ROOT / "benchmarks/results/perturbations.json", rows)
    draw(pixels, made, cat, eps).savefig(ROOT / "docs/images/cifar_perturbations.png", dpi=110)


def draw(pixels: Tensor, made: Mapping[str, Mapping[str, Attacked]], place: int, eps: float) -> Figure:
    """A panel for each classifier, a row for each attack: an image, and the change around grey, magnified.

    Args:
        pixels: the images without an attack, shape (n, 3, 32, 32).
        made: by the classifier's method, then by attack.
        place: of the image that is shown.
        eps: radius of the threat.
    """
    figure = blank_figure(9.6, 4.2)
    for panel, (name, attacks) in zip(figure.subfigures(1, len(made), squeeze=False)[0], made.items(), strict=True):
        panel.suptitle(f"against the classifier of {METHODS[name].title}", fontsize=11)
        shown = {
            f"{title}\nsees: {CLASSES[int(one.seen[place])]}": one.images[place] for title, one in attacks.items()
        }
        draw_magnified(panel, pixels[place], shown, eps)
    return figure


def _preset(folder: Path, data: Path) -> TrainingPreset:
    preset, _ = preset_of(folder, {"adversarial": FAMILY}, data=data)
    assert isinstance(preset, TrainingPreset)
    return preset


if __name__ == "__main__":
    tyro.cli(main)
