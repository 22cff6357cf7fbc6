"""A GAN on a ring of eight Gaussians, its players moved by hand-designed methods and by a learned optimizer.

Run it with `python examples/gan_ring.py`. The weights of both networks, (x, y), are an inner variable of which x
descends and y ascends. The learned optimizer, which learns while it plays, has y alone; Adam moves the generator,
as in the row before. The library counts the gradients that each of them costs.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

import minimax_l2l as ml
from minimax_l2l.lab import write_rows
from tasks.games import GANTraining
from tasks.games.presets.ring import draw_rings, modes_covered, ring

ADAM: dict[str, Any] = {"lr": 1e-3, "betas": (0.5, 0.999)}
# What moves the inner variable, whether that is y alone, and how many gradients a step costs at most.
METHODS = {
    "Adam": (lambda: ml.Adam(**ADAM), False, 1),
    "extragradient": (lambda: ml.ExtraGradient(steps=1, step_size=0.1), False, 2),
    "competitive gradient": (lambda: ml.CompetitiveGradient(steps=1, step_size=0.3, rounds=3), False, 8),
    "Adam, in turns": (lambda: ml.Adam(**ADAM), True, 2),
    "learned": (lambda: ml.LearnedOptimizer(ml.MLPUpdater()), True, 2),
}


def network(inputs: int, outputs: int) -> nn.Module:
    """Two hidden layers of 32."""
    hidden = [nn.Linear(inputs, 32), nn.LeakyReLU(0.2), nn.Linear(32, 32), nn.LeakyReLU(0.2)]
    return nn.Sequential(*hidden, nn.Linear(32, outputs))


class RingGAN(GANTraining):
    """A GAN that is looked at now and then."""

    def validate(self, optimizer: ml.InnerOptimizer) -> Mapping[str, float]:  # noqa: ARG002
        """How many modes 2,000 samples cover, and the share of them that are near one."""
        self.samples = self.generate(torch.randn(2000, 4, generator=torch.Generator().manual_seed(0)))
        covered, near = modes_covered(self.samples)
        return {"queries": self.playing.passes.input_gradient, "modes": covered, "near": near}


def play(method: str, *, seed: int, queries: int) -> dict[str, Any]:
    """A row: modes covered against queries, and some of the last samples."""
    torch.manual_seed(seed)
    make, apart, cost = METHODS[method]
    draw = lambda random: (ring(128, random), torch.randn(128, 4, generator=random))  # noqa: E731
    steps = queries // cost
    task = RingGAN(network(4, 2), network(2, 1), draw, iterations=steps, apart=apart, seed=seed)
    solution = task.solve(make(), device="cpu", validate_every=steps // 20, progress=f"{method}, seed {seed}")
    curve = {name: [row[name] for row in solution.history if name in row] for name in ("queries", "modes", "near")}
    samples = task.samples[:250].mul(1000).round().div(1000).tolist()
    return {"method": method, "seed": seed, **curve, "samples": samples}


def main() -> None:
    """Play, print, keep and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("gan_ring.json"), help="the rows; the picture lies beside")
    parser.add_argument("--quick", action="store_true", help="one seed and 160 queries instead of three and 6,000")
    options = parser.parse_args()
    seeds, queries = (1, 160) if options.quick else (3, 6000)
    rows = [play(method, seed=seed, queries=queries) for method in METHODS for seed in range(seeds)]
    for row in rows:
        print("{method:22} seed {seed}:".format(**row), f"{row['modes'][-1]} modes, {row['queries'][-1]:g} queries")
    write_rows(options.out, rows)
    draw_rings(rows).savefig(options.out.with_suffix(".png"), dpi=110)


if __name__ == "__main__":
    main()
