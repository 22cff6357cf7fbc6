"""What a point is at which a game's field is zero: told by second-order conditions."""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.functional import normalize

from minimax_l2l import Free

if TYPE_CHECKING:
    from tasks.games.game import Game

FLAT = 1e-6  # an eigenvalue that counts as zero, in units of the Jacobian's norm
ZERO = 1e-2  # how far off a given point may be, in parts of one and its own length, by the field there
MIXED = 8  # directions in which several open ones are mixed
ROUNDING = 8  # errors of the last digit that a difference of two values may have
SLACK = 1e-4  # of a bound that the published lower bound meets exactly
NEAR = (0.3, 0.1, 0.03)  # how far is looked along directions in which the second order says nothing


class Kind(IntEnum):
    """What a point z* at which the field F is zero is to the players.

    Attributes:
        NASH: neither player gains by a small move alone.
        LOCAL_MINIMAX: y does not gain, nor does x if y answers, but x would if y stood still.
        VI_ONLY: no minimax point, but one that methods for variational inequalities are made to find: to first
            order the weak Minty condition holds, <F(z), z - z*> >= -||F(z)||^2 / (2 L), L the norm of F's
            derivative.
        SPURIOUS: none of these.

    Source: Jin, Netrapalli and Jordan, "What is local optimality in nonconvex-nonconcave minimax optimization?",
    2020; Diakonikolas, Daskalakis and Jordan, "Efficient methods for structured nonconvex-nonconcave min-max
    optimization", 2021.
    """

    NASH = 0
    LOCAL_MINIMAX = 1
    VI_ONLY = 2
    SPURIOUS = 3


MINIMAX = (Kind.NASH, Kind.LOCAL_MINIMAX)


def classify(game: Game, pair: tuple[Tensor, Tensor]) -> Tensor:
    """The `Kind` of a point of each game, shape (n,).

    With J = [[A, B], [C, D]] the field's Jacobian there, A = f_xx and D = -f_yy:

        Nash            A >= 0 and D >= 0
        local minimax   D >= 0 and A - B D^-1 C > 0
        weak Minty      (J + J') / 2 + J'J / (2 L) >= 0, L = ||J||, and J is not singular

    Where A or D is singular, f itself is looked at along the directions that it leaves open and some mixtures of
    them, straight ahead: what a player gains along a curve alone is not seen. Where one of the other matrices is
    singular, the point gets no benefit of the doubt. A curvature below a millionth of the largest is none.

    Args:
        game: n games.
        pair: a point of each, inside of its constraint: shapes (n, dx) and (n, dy).

    Raises:
        ValueError: if the numbers are too short to tell it, the field is not zero there, or it has no finite
            derivative.
    """
    if pair[0].dtype.itemsize < 4:
        raise ValueError(
            f"what a point is cannot be told from numbers as short as {pair[0].dtype}; make the game in float32 or "
            "float64."
        )
    jacobian = field_jacobian(game, pair)
    if not bool(jacobian.isfinite().all()):
        raise ValueError(
            "what a point is cannot be told where the field's derivative is NaN or infinite; look for a division, "
            "root or logarithm in the objective that meets zero at one of the points, or leave that point out."
        )
    width = pair[0].shape[1]
    a, b = jacobian[:, :width, :width], jacobian[:, :width, width:]
    c, d = jacobian[:, width:, :width], jacobian[:, width:, width:]
    singular = torch.linalg.svdvals(jacobian)
    size = singular[:, 0].clamp_min(torch.finfo(jacobian.dtype).tiny)
    _require_zero(game, pair, size)
    flat = FLAT * size
    y_stays = _positive(d, flat) & _stays(game, pair, d, flat, player=1)
    x_stays = _positive(a, flat) & _stays(game, pair, a, flat, player=0)
    # Where D is singular, an answer along its null space is as long as x pleases, if x moves what y feels there.
    answered = a - b @ torch.linalg.solve(d + 10 * flat[:, None, None] * torch.eye(len(d[0])).to(d), c)
    x_is_answered = _positive(answered, -flat)
    share = (1 + SLACK) / (2 * size)
    weak_minty = _positive(jacobian + share[:, None, None] * jacobian.mT @ jacobian, flat)
    weak_minty &= singular[:, -1] > flat
    kind = torch.full_like(size, Kind.SPURIOUS, dtype=torch.long)
    kind = kind.masked_fill(weak_minty, Kind.VI_ONLY)
    kind = kind.masked_fill(y_stays & x_is_answered, Kind.LOCAL_MINIMAX)
    return kind.masked_fill(y_stays & x_stays, Kind.NASH)


def _require_zero(game: Game, pair: tuple[Tensor, Tensor], size: Tensor) -> None:
    """Refuse points that are no candidates, such as mistyped ones."""
    field = torch.linalg.vector_norm(game.field(pair).detach(), dim=1)
    advice = "give points at which both players' gradients are zero"
    if not isinstance(game.constraint, Free):
        advice += "; on the boundary of its set a game has to say itself what they are, in a property `kinds`"
    allowed = ZERO * size * (1 + torch.linalg.vector_norm(torch.cat(pair, dim=1).detach(), dim=1))
    if bool((far := field > allowed + ROUNDING * torch.finfo(field.dtype).eps).any()):
        raise ValueError(
            "the field must be zero at each stationary point, got a length of "
            f"{field[far][0].item():.3g} at {torch.cat(pair, dim=1)[far][0].tolist()}; {advice}."
        )


def field_jacobian(game: Game, pair: tuple[Tensor, Tensor]) -> Tensor:
    """The derivative of the field F by (x, y), shape (n, d, d)."""
    point = tuple(leaf.detach().requires_grad_() for leaf in pair)
    with torch.enable_grad():
        rows = game.field(point).sum(0).unbind()  # instances are independent
    none = tuple(torch.zeros_like(leaf) for leaf in pair)  # of a field that is the same everywhere
    grown = [
        torch.autograd.grad(row, point, retain_graph=True, materialize_grads=True) if row.requires_grad else none
        for row in rows
    ]
    return torch.stack([torch.cat(parts, dim=1) for parts in grown], dim=1)


def _positive(matrix: Tensor, flat: Tensor) -> Tensor:
    """Whether no eigenvalue of each matrix's symmetric part lies below -flat."""
    least: Tensor = torch.linalg.eigvalsh((matrix + matrix.mT) / 2)[:, 0]
    return least >= -flat


def _stays(game: Game, pair: tuple[Tensor, Tensor], block: Tensor, flat: Tensor, *, player: int) -> Tensor:
    """Whether a player who moves alone along directions that its own block leaves open never gains, shape (n,)."""
    values, vectors = torch.linalg.eigh((block + block.mT) / 2)
    here, sign = game.objective(pair).detach(), game.signs[player]
    stays = torch.ones_like(here, dtype=torch.bool)
    for along in _open_directions(vectors, values.abs() <= flat[:, None]):
        for length in (*NEAR, *(-near for near in NEAR)):
            moved = list(pair)
            moved[player] = moved[player] + length * along
            there = game.objective((moved[0], moved[1])).detach()
            rounding = ROUNDING * torch.finfo(here.dtype).eps * torch.maximum(here.abs(), there.abs())
            stays &= sign * (there - here) <= flat * abs(length) ** 3 + rounding
    return stays


def _open_directions(vectors: Tensor, is_open: Tensor) -> Iterator[Tensor]:
    """Eigenvectors where they are open, zeros elsewhere; and mixtures of several, all of shape (n, d)."""
    yield from (vectors * is_open[:, None]).unbind(2)
    if int(is_open.sum(1).max()) > 1:
        generator = torch.Generator().manual_seed(0)
        shares = torch.randn((MIXED, *is_open.shape), generator=generator, dtype=torch.float64)
        for share in normalize(shares.to(vectors) * is_open, dim=2):
            yield (vectors @ share[:, :, None])[:, :, 0]
