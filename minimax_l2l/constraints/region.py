"""Boxes cut with a ball around the origin: the sets whose intersections are sets of the same kind."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from minimax_l2l.constraints.norms import event_norm, event_rows, event_sum
from minimax_l2l.trees import per_instance

Bound = float | Tensor
FEW = 8192  # numbers that a CPU sorts as fast as it searches them


@dataclass(frozen=True, eq=False)
class Region:
    """low <= y <= high and ||y||_2 <= radius; all points unless told otherwise.

    Attributes:
        low: lower bounds, a number or a tensor that broadcasts over y.
        high: upper bounds.
        radius: of the ball around the origin.
        holds_origin: whether low <= 0 <= high everywhere. It is told and not looked up, since a look at a tensor
            waits for its device.
    """

    low: Bound = -math.inf
    high: Bound = math.inf
    radius: float = math.inf
    holds_origin: bool = True

    def __and__(self, other: Region) -> Region:
        """The points that lie in both."""
        return Region(
            _larger(self.low, other.low),
            _smaller(self.high, other.high),
            min(self.radius, other.radius),
            self.holds_origin and other.holds_origin,
        )

    @property
    def exact(self) -> bool:
        """Whether `project` can answer: a ball must be alone, or meet boxes that hold the origin."""
        return self.holds_origin or math.isinf(self.radius)

    def project(self, y: Tensor) -> Tensor:
        """The nearest point of the region; only where `exact`."""
        if math.isinf(self.radius):
            return clamp(y, self.low, self.high)
        boxed = any(isinstance(bound, Tensor) or math.isfinite(bound) for bound in (self.low, self.high))
        return shrink_into_box(y, self.radius, self.low, self.high) if boxed else shrink(y, self.radius)


def clamp(y: Tensor, low: Bound, high: Bound) -> Tensor:
    """The nearest point of a box, in the dtype and on the device of y.

    A point that is not moved has the identity's derivative, also where it meets a bound exactly, as a black pixel
    does at the start: torch.clamp alone would pass half of it or none, by the bounds' type.
    """
    if isinstance(low, Tensor) or isinstance(high, Tensor):
        clamped = torch.clamp(y, _as_tensor(low, y), _as_tensor(high, y))
    else:
        clamped = torch.clamp(y, low, high)
    return torch.where(clamped == y, y, clamped) if y.requires_grad else clamped


def shrink(y: Tensor, radius: float) -> Tensor:
    """The nearest point of a ball, y min(1, radius / ||y||)."""
    norm = event_norm(y)
    return torch.where(norm > radius, y * (radius / norm.clamp_min(radius)), y)


def shrink_into_box(y: Tensor, radius: float, low: Bound, high: Bound) -> Tensor:
    """The nearest point of the ball and a box that holds the origin: clamp(s y, low, high), s in [0, 1].

    For the multiplier m >= 0 of the ball, the minimiser of ||z - y||^2 + m ||z||^2 over the box is the clamped
    y / (1 + m) = s y. Where y is outside, s is the root of ||clamp(s y, low, high)|| = radius. With w_j the bound
    on y_j's side, the squared norm is sum_j min(s^2 y_j^2, w_j^2): concave in s^2, and straight between the places
    w_j^2 / y_j^2 where a coordinate meets its bound. Once it is known which bounds are met,

        s^2 = (radius^2 - sum over met bounds of w_j^2) / (sum over free coordinates of y_j^2),

    whose derivative with the free coordinates held fixed is the projection's own. If rounding takes a neighbouring
    piece for the right one, s is too small by rounding, never too large: a concave function lies below its pieces.

    Bounds may be infinite. A NaN of y makes its own instance NaN, and so does an infinite entry.
    """
    with torch.no_grad():
        size = event_norm(y, order=math.inf).clamp_min(torch.finfo(y.dtype).tiny)
        far = y.sign() * (2 * radius)  # beyond what the ball allows, so no infinite bound is left
    unit = y / size  # whose squares do not overflow; its s is larger by the size
    wall, slope = clamp(far, low, high).square(), unit.square()
    with torch.no_grad():
        places = event_rows(wall / slope)  # s^2 where the bound is met; NaN, and never free, where both are zero
        at_hand = y.is_cpu and type(y) is Tensor  # a look elsewhere waits, and a fake tensor has no values
        search = _met_by_newton if at_hand and y.numel() > FEW else _met_by_sorting
        least, free = search(event_rows(wall), event_rows(slope), places, radius**2)
        least, free = per_instance(least, y), free.view_as(y)
    room = radius**2 - event_sum(wall - wall * free)
    steepness = event_sum(slope * free)
    inside = steepness <= room.clamp_min(0) / size.square()
    s = torch.maximum(room / steepness.masked_fill(inside, 1), least).sqrt()
    return clamp(torch.where(inside, y, s * unit), low, high)


def _met_by_sorting(walls: Tensor, slopes: Tensor, places: Tensor, square: float) -> tuple[Tensor, Tensor]:
    """The last place where the squared norm does not exceed the radius's, shape (n,), and what is free there.

    The place is 0 if there is none.
    """
    ordered, order = places.sort(dim=1)
    walls, slopes = walls.gather(1, order).cumsum(1), slopes.gather(1, order)
    later = slopes.flip(1).cumsum(1).flip(1) - slopes
    fits = torch.addcmul(walls, ordered, later) <= square
    least = torch.where(fits, ordered, 0).amax(1)
    return least, places > least[:, None]


def _met_by_newton(walls: Tensor, slopes: Tensor, places: Tensor, square: float) -> tuple[Tensor, Tensor]:
    """The same by Newton's method from zero, which never overshoots a concave function: a few rounds, no sorting.

    It ends where no further bound is met. What is free is 1, and the rest 0: numbers are faster than masks.
    """
    places = places.nan_to_num(0)
    root, left, before = walls.new_zeros(len(walls), 1), 0, -1
    while left != before:
        free = (places - root).sign().clamp_min(0)
        left, before = int(free.count_nonzero()), left
        room = square - torch.linalg.vecdot(walls, 1 - free)
        root = torch.fmax(root, (room / torch.linalg.vecdot(slopes, free))[:, None])
    return (places - places * free).amax(1), free


def fitting(bound: Tensor, like: Tensor) -> Tensor:
    """A bound in the dtype and on the device of y; a ValueError if it does not broadcast over it."""
    sizes = zip(reversed(bound.shape), reversed(like.shape), strict=False)
    if bound.dim() > like.dim() or any(size not in (1, own) for size, own in sizes):
        raise ValueError(
            f"the box has bounds of shape {tuple(bound.shape)}, which do not broadcast over y of shape "
            f"{tuple(like.shape)}; give them the shape of one instance."
        )
    return bound.to(like)


def _as_tensor(bound: Bound, like: Tensor) -> Tensor:
    return fitting(bound, like) if isinstance(bound, Tensor) else like.new_full((), bound)


def _larger(one: Bound, other: Bound) -> Bound:
    if isinstance(one, Tensor):
        return torch.maximum(one, other.to(one.device)) if isinstance(other, Tensor) else one.clamp_min(other)
    return other.clamp_min(one) if isinstance(other, Tensor) else max(one, other)


def _smaller(one: Bound, other: Bound) -> Bound:
    if isinstance(one, Tensor):
        return torch.minimum(one, other.to(one.device)) if isinstance(other, Tensor) else one.clamp_max(other)
    return other.clamp_max(one) if isinstance(other, Tensor) else min(one, other)
