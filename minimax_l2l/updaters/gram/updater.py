"""The updater: a Newton step from inner products, whose dials a network sets."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from minimax_l2l.errors import require_count, require_positive, require_widths
from minimax_l2l.iterate import State
from minimax_l2l.trees import Tree, leaves
from minimax_l2l.updaters.base import Updater, require_channels
from minimax_l2l.updaters.gram.past import RECENT, Past, Shown
from minimax_l2l.updaters.gram.probes import first_probe, second_probe
from minimax_l2l.updaters.gram.proposal import cut, newton
from minimax_l2l.updaters.gram.units import player_units
from minimax_l2l.updaters.perceptrons import zeroed
from minimax_l2l.updaters.stacked import StackedLinear

COLUMNS = 1 + 2 * RECENT  # gradient, its last changes, the last moves
PHASES = 4  # calls that the network tells apart
SEEN = COLUMNS * (COLUMNS + 1) + COLUMNS + 2 + PHASES
RANGES = (10.0, 10.0, 10.0, 10.0, 3.0)  # of the dials' factors; a step may always be as long as the last ones
FEW = 10  # moves, remembered of however few numbers
GAIN = 2.0  # of the hidden layers at first, so that instances that differ are told apart


class GramUpdater(Updater):
    """u = Newton's step to where both players want to be, cut to a length; a network sets its dials.

    The second derivatives are those that the last moves showed, see `curvature` and `equilibrium`. The dials are
    the curvature that is assumed where none was seen, for who descends and for who ascends; how surely y must gain
    by leaving before x waits; how much of what is in doubt x believes; and the longest step. The network turns the
    last by a factor between 1/3 and 3 and the others by factors between 1/10 and 10, instance by instance and step
    by step. Where what was seen agrees with itself, the longest step's factor is 0.5 or more: steps grow, and no
    point holds play for long. The network starts at zero: before any training each factor is 1.

    The network sees lengths and inner products of the gradient, its last three changes and the last three moves,
    for who descends and for who ascends apart. The step, too, is worked out from inner products alone. So the
    updater fits every dimension, and where a player's coordinates are rotated, its steps are. Where the players'
    numbers come in very different units, these are brought closer first, see `player_units`. It does not know where
    it is, only how the gradient changed. What is seen is a constant to phi.

    It reckons in double precision: small differences of gradients lose half of their digits. It needs the gradient
    as it is, so its `LearnedOptimizer` uses `GradientFeatures("none")` and `squash=False` unless told.

    Args:
        memory: how many moves are remembered at most. It is one for each number of y, and not less than ten, as
            long as that is fewer.
        hidden: widths of the network's hidden layers.
        probe: step size of the first step, before which nothing is known. It is of who descends alone, and not
            longer than 1 in units of y. Who ascends is probed next if its gradient is more than ten times as long.
        growth: how many times longer than the last two moves a step may be, times the factor.
        wall: curvature of a set's boundary, where it cut the last step off: 1 / `projected_gradient` of the
            `LearnedOptimizer`.
    """

    stacked = True
    unscaled = True

    def __init__(
        self,
        memory: int = 200,
        hidden: Sequence[int] = (32, 32),
        *,
        probe: float = 0.05,
        growth: float = 3.0,
        wall: float = 20.0,
    ) -> None:
        super().__init__()
        self.memory = require_count("memory", memory, least=RECENT)
        self.hidden = require_widths("hidden", hidden)
        self.probe = require_positive("probe", probe)
        self.growth = require_positive("growth", growth)
        self.wall = require_positive("wall", wall)
        widths = (SEEN, *self.hidden)
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise(widths):
            layer = StackedLinear(inputs, outputs)
            nn.init.normal_(layer.weight, std=GAIN / inputs**0.5)
            layers += [layer, nn.SiLU()]
        self.body = nn.Sequential(*layers)
        self.head = zeroed(StackedLinear(widths[-1], len(RANGES)))
        self.double()

    def begin(self, y: Tree, signs: Sequence[float]) -> State:
        """Who descends and who ascends, coordinate by coordinate: shape (d,).

        Raises:
            TypeError: if y is in half precision.
        """
        if coarse := {str(part.dtype) for part in leaves(y)} & {"torch.float16", "torch.bfloat16"}:
            raise TypeError(
                f"y is {coarse.pop()}, and {type(self).__name__} works out curvature from small differences of "
                "gradients, which half precision does not hold; keep y in float32 or float64. The objective may "
                "still cast what it computes with."
            )
        sides = [part.new_full((part[0].numel(),), sign) for sign, part in zip(signs, leaves(y), strict=True)]
        return (torch.cat(sides),)

    def forward(self, features: Tensor, state: State) -> tuple[Tensor, State]:
        """The step, given y and the gradient there as it is, not normalised."""
        require_channels(self, features, 2)
        y, gradient = features.detach().flatten(2).unbind(1)
        past = Past.known(state, y, gradient, memory=min(self.memory, max(FEW, y.shape[1])))
        unit = player_units(past)
        measured = past.measured_in(unit)
        shown = Shown.of(measured, self.wall * unit.square())
        descending, ascending, patience, caution, length = self._dials(measured, shown).unbind(1)
        stiffness = torch.stack([descending, ascending], dim=1)
        proposal = first_probe(past, self.probe)
        if past.calls:
            proposal = newton(measured, shown, stiffness, patience, caution).where(~past.rested, proposal)
        longest = self.growth * torch.maximum(length, proposal.least) * proposal.usual
        step = unit * cut(proposal.step, longest)
        if past.calls == 1:
            step = second_probe(past, step, self.probe)
        return step.view_as(features[:, 0]), past.after(step.detach())

    def _dials(self, past: Past, shown: Shown) -> Tensor:
        """Factors, shape (n, 5)."""
        said: Tensor = self.head(self.body(_seen(past, shown)))
        return torch.exp(said.tanh() * said.new_tensor(RANGES).log())


def _seen(past: Past, shown: Shown) -> Tensor:
    """What the network sees of each instance, shape (n, SEEN)."""
    recent, corner = shown.recent, torch.triu_indices(COLUMNS, COLUMNS)
    inner = [gram[:, recent][:, :, recent][:, corner[0], corner[1]] for gram in shown.grams]
    lengths = shown.lengths[:, recent]
    size, change, move = lengths[:, :1], lengths[:, 1:2], lengths[:, 1 + RECENT : 2 + RECENT]
    units = torch.cat([torch.ones_like(size), size.expand(-1, RECENT), move.expand(-1, RECENT)], dim=1)
    rates = compressed(change, move), compressed(size, move)
    phase = one_hot(past.calls.clamp_max(PHASES - 1), PHASES).to(lengths).expand(len(lengths), -1)
    return torch.cat([*inner, compressed(lengths, units), *rates, phase], dim=1)


def compressed(one: Tensor, other: Tensor) -> Tensor:
    """The ratio of two lengths on a logarithmic scale between -1 and 1; 0 / 0 is 1."""
    tiny = torch.finfo(one.dtype).tiny
    ratio = (one.clamp_min(tiny) / other.clamp_min(tiny)).clamp_min(tiny)
    return torch.tanh(ratio.log() / 4)
