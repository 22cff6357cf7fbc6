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
from tasks.adversarial.presets.methods import METHODS
from tasks.adversarial.presets.runs import load_run
from tasks.adversarial.presets.training import TrainingPreset

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ROOT = Path(__file__).parents[1]
CLASSES = ("aeroplane", "car", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "lorry")
CAT = CLASSES.index("cat")
IMAGES = 200
MAGNIFIED = (5, 30)


@dataclass(frozen=True)
class Attacked:
    """What an attack made of the images.

    Attributes:
        perturbations: in [-eps, eps], shape (n, 3, 32, 32).
        seen: the classes that the classifier sees, shape (n,).
        rough: roughness of each perturbation, shape (n,).
    """

    perturbations: Tensor
    seen: Tensor
    rough: Tensor


def main(runs: Annotated[Path, tyro.conf.Positional], data: Path) -> None:
    """Attack, write and draw.

    Args:
        runs: the folder in which `benchmark paper-tables` keeps its runs.
        data: CIFAR-10, as the runs were trained on it.
    """
    folders = {name: runs / f"cifar10-0.031-{name}-0" for name in ("pgm-10", "two-step-l2l")}
    loaded = {name: load_run(_preset(folder, data), folder) for name, folder in folders.items()}
    eps = _preset(folders["pgm-10"], data).radius
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
                seen, changes = run.classifier(attacked).argmax(1), attacked - pixels
            made[name][title] = Attacked(changes, seen, roughness(changes, eps))
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
    draw(pixels, made, cat).savefig(ROOT / "docs/images/cifar_perturbations.png", dpi=110)


def draw(pixels: Tensor, made: Mapping[str, Mapping[str, Attacked]], place: int) -> Figure:
    """A panel for each classifier, a row for each attack: an image, and the change around grey, magnified.

    Args:
        pixels: the images without an attack, shape (n, 3, 32, 32).
        made: by the classifier's method, then by attack.
        place: of the image that is shown.
    """
    figure = blank_figure(9.6, 4.2)
    titles = ("attacked", *(f"change x {times}" for times in MAGNIFIED))
    for panel, (name, attacks) in zip(figure.subfigures(1, len(made), squeeze=False)[0], made.items(), strict=True):
        panel.suptitle(f"against the classifier of {METHODS[name].title}", fontsize=11)
        grid = panel.subplots(len(attacks), len(titles), squeeze=False)
        for axes, title in zip(grid[0], titles, strict=True):
            axes.set_title(title, fontsize=9, pad=3)
        for row, (title, one) in zip(grid, attacks.items(), strict=True):
            change = one.perturbations[place]
            shown = (pixels[place] + change, *(0.5 + times * change for times in MAGNIFIED))
            for axes, picture in zip(row, shown, strict=True):
                axes.imshow(picture.clamp(0, 1).movedim(0, -1).numpy(), interpolation="nearest")
                axes.set(xticks=[], yticks=[])
            told = f"{title}\nsees: {CLASSES[int(one.seen[place])]}\nroughness {one.rough[place].item():.2f}"
            row[0].set_ylabel(told, rotation=0, ha="right", va="center", fontsize=9)
    return figure


def _preset(folder: Path, data: Path) -> TrainingPreset:
    preset, _ = preset_of(folder, {"adversarial": FAMILY}, data=data)
    assert isinstance(preset, TrainingPreset)
    return preset


if __name__ == "__main__":
    tyro.cli(main)
