"""Feasible sets of the inner variable: nearest feasible point, bounded update, violation, random point."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import torch
from torch import Tensor

from minimax_l2l.errors import require_positive
from minimax_l2l.trees import Tree, instances, leaves, map_leaves, per_instance, rebuild


def _event_norm(value: Tensor) -> Tensor:
    """Euclidean norm of each instance, shaped to broadcast over it."""
    norms = torch.linalg.vector_norm(value.reshape(value.shape[0], -1), dim=1)
    return per_instance(norms, value)


def _event_max(value: Tensor) -> Tensor:
    return value.reshape(value.shape[0], -1).amax(1)


class Constraint(ABC):
    """A closed convex set C that holds each instance of the inner variable.

    `project` and `squash` are different operations: the first returns the nearest feasible point and is
    applied to the iterate after every step; the second bounds a learned *update* smoothly, with a
    gradient everywhere.
    """

    @abstractmethod
    def project(self, y: Tree) -> Tree:
        """The nearest point of C, argmin over z in C of ||z - y||, instance by instance."""

    @abstractmethod
    def squash(self, update: Tree) -> Tree:
        """Bound an update smoothly at the size of the set, keeping its direction's signs."""

    @abstractmethod
    def violation(self, y: Tree) -> Tensor:
        """How far each instance lies outside, in the largest coordinate; 0 inside. Shape (n,)."""

    @abstractmethod
    def sample(self, noise: Tree) -> Tree:
        """A random point of C from uniform numbers in [0, 1) shaped as the inner variable."""

    def direction(self, gradient: Tree) -> Tree:
        """Steepest ascent in the set's own norm; the gradient over its Euclidean norm unless said otherwise."""
        return map_leaves(lambda part: part / _event_norm(part).clamp_min(torch.finfo(part.dtype).tiny), gradient)

    def __and__(self, other: Constraint) -> Intersection:
        """The points that lie in both sets."""
        return Intersection(self, other)


class Free(Constraint):
    """No constraint: any tree of tensors, random points uniform in [-1, 1]."""

    def project(self, y: Tree) -> Tree:
        """Return y itself."""
        return y

    def squash(self, update: Tree) -> Tree:
        """The update itself: there is nothing to bound it by."""
        return update

    def violation(self, y: Tree) -> Tensor:
        """Zeros."""
        return leaves(y)[0].new_zeros(instances(y))

    def sample(self, noise: Tree) -> Tree:
        """Uniform in [-1, 1]."""
        return map_leaves(lambda part: 2 * part - 1, noise)


class TensorConstraint(Constraint):
    """A set whose instances are single tensors; subclasses say what it does to one tensor."""

    def _tensor(self, tree: Tree) -> Tensor:
        if not isinstance(tree, Tensor):
            raise TypeError(
                f"{type(self).__name__} constrains one tensor, got a tuple of {len(tree)}; "
                "give each leaf a set of its own with Product(...)."
            )
        return tree


class LinfBall(TensorConstraint):
    """max_j |y_j| <= eps; projection clamp(y, -eps, eps).

    Args:
        eps: radius, in the units of y.
    """

    def __init__(self, eps: float) -> None:
        self.eps = require_positive("eps", eps)

    def project(self, y: Tree) -> Tensor:
        """clamp(y, -eps, eps)."""
        return self._tensor(y).clamp(-self.eps, self.eps)

    def squash(self, update: Tree) -> Tensor:
        """Eps tanh(update)."""
        return self.eps * torch.tanh(self._tensor(update))

    def direction(self, gradient: Tree) -> Tensor:
        """sign(gradient), the steepest ascent in the maximum norm."""
        return self._tensor(gradient).sign()

    def violation(self, y: Tree) -> Tensor:
        """max(0, max_j |y_j| - eps)."""
        return (_event_max(self._tensor(y).abs()) - self.eps).clamp_min(0)

    def sample(self, noise: Tree) -> Tensor:
        """Uniform in the ball."""
        return self.eps * (2 * self._tensor(noise) - 1)


class L2Ball(TensorConstraint):
    """||y||_2 <= eps; projection y min(1, eps / ||y||).

    Args:
        eps: radius, in the units of y.
    """

    def __init__(self, eps: float) -> None:
        self.eps = require_positive("eps", eps)

    def project(self, y: Tree) -> Tensor:
        """Y scaled back to the sphere where it lies outside."""
        tensor = self._tensor(y)
        norm = _event_norm(tensor)
        return torch.where(norm > self.eps, tensor * (self.eps / norm.clamp_min(self.eps)), tensor)

    def squash(self, update: Tree) -> Tensor:
        """Eps u / sqrt(1 + ||u||^2): shorter than eps, and eps u near zero."""
        tensor = self._tensor(update)
        squared = tensor.reshape(tensor.shape[0], -1).square().sum(1)
        return self.eps * tensor / per_instance((1 + squared).sqrt(), tensor)

    def violation(self, y: Tree) -> Tensor:
        """max(0, ||y|| - eps)."""
        tensor = self._tensor(y)
        return (_event_norm(tensor).reshape(-1) - self.eps).clamp_min(0)

    def sample(self, noise: Tree) -> Tensor:
        """Uniform in the ball: normal coordinates z, scaled to radius eps P(|Z| <= |z|)^(1/d)."""
        uniform = self._tensor(noise)
        flat = uniform.reshape(uniform.shape[0], -1)
        tiny = torch.finfo(uniform.dtype).eps
        normal = math.sqrt(2) * torch.erfinv((2 * flat - 1).clamp(-1 + tiny, 1 - tiny))
        # The length of z is independent of its direction, and its distribution function makes it uniform.
        halved = torch.full_like(flat[:, 0], flat.shape[1] / 2)
        share = torch.special.gammainc(halved, normal.square().sum(1) / 2)
        radius = self.eps * share.pow(1 / flat.shape[1])
        direction = normal / torch.linalg.vector_norm(normal, dim=1, keepdim=True).clamp_min(tiny)
        return torch.mul(radius[:, None], direction).view_as(uniform)


class Box(TensorConstraint):
    """low <= y <= high, with bounds that may be numbers or tensors that broadcast over y.

    Args:
        low: lower bounds, in the units of y.
        high: upper bounds; nowhere below `low`.
    """

    def __init__(self, low: float | Tensor, high: float | Tensor) -> None:
        lowest, highest = torch.as_tensor(low), torch.as_tensor(high)
        if not bool((lowest <= highest).all()):
            raise ValueError(
                "Box needs low <= high everywhere, got a low bound above its high bound (or a NaN); "
                "swap the two or check the data that they were made from."
            )
        self.low, self.high = low, high

    def project(self, y: Tree) -> Tensor:
        """clamp(y, low, high)."""
        tensor = self._tensor(y)
        if isinstance(self.low, Tensor) or isinstance(self.high, Tensor):
            low = torch.as_tensor(self.low, dtype=tensor.dtype, device=tensor.device)
            high = torch.as_tensor(self.high, dtype=tensor.dtype, device=tensor.device)
            return torch.minimum(torch.maximum(tensor, low), high)
        return tensor.clamp(self.low, self.high)

    def squash(self, update: Tree) -> Tensor:
        """Half the box's width times tanh(update)."""
        return (self.high - self.low) / 2 * torch.tanh(self._tensor(update))

    def direction(self, gradient: Tree) -> Tensor:
        """sign(gradient), the steepest ascent in the maximum norm."""
        return self._tensor(gradient).sign()

    def violation(self, y: Tree) -> Tensor:
        """Largest distance to the nearer bound; 0 inside."""
        tensor = self._tensor(y)
        return _event_max(torch.maximum(self.low - tensor, tensor - self.high).clamp_min(0))

    def sample(self, noise: Tree) -> Tensor:
        """Uniform in the box."""
        return self.low + (self.high - self.low) * self._tensor(noise)


class Simplex(TensorConstraint):
    """y_j >= 0 and sum_j y_j = 1 along the last dimension.

    The projection is by sorting (Held, Wolfe and Crowder, 1974).
    """

    def project(self, y: Tree) -> Tensor:
        """max(y - tau, 0) with the tau that makes it sum to one."""
        tensor = self._tensor(y)
        tensor = tensor - tensor.detach().amax(-1, keepdim=True)  # tau moves along; a sum of large ones loses the 1
        ordered = tensor.sort(dim=-1, descending=True).values
        excess = ordered.cumsum(-1) - 1
        count = torch.arange(1, tensor.shape[-1] + 1, device=tensor.device, dtype=tensor.dtype)
        support = (ordered * count > excess).sum(-1, keepdim=True)
        tau = excess.gather(-1, support - 1) / support
        return (tensor - tau).clamp_min(0)

    def squash(self, update: Tree) -> Tensor:
        """tanh(update) less its mean: bounded, and tangent to the simplex."""
        bounded = torch.tanh(self._tensor(update))
        return bounded - bounded.mean(-1, keepdim=True)

    def violation(self, y: Tree) -> Tensor:
        """The larger of the most negative entry and the sum's distance from one."""
        tensor = self._tensor(y)
        negative = _event_max((-tensor).clamp_min(0))
        return torch.maximum(negative, _event_max((tensor.sum(-1, keepdim=True) - 1).abs()))

    def sample(self, noise: Tree) -> Tensor:
        """Uniform on the simplex, from normalised exponential variables."""
        uniform = self._tensor(noise)
        exponential = -torch.log((1 - uniform).clamp_min(torch.finfo(uniform.dtype).tiny))
        return exponential / exponential.sum(-1, keepdim=True).clamp_min(torch.finfo(uniform.dtype).tiny)


class Intersection(TensorConstraint):
    """The points that lie in every one of several sets.

    Boxes (an L_inf ball is one) are met by clamping to each in turn, which is exact. An L2 ball and boxes that hold
    the origin are met in P_boxes(s y) with the largest s in [0, 1] that the ball allows: the minimiser of
    ||z - y||^2 + m ||z||^2 over the boxes is the clamped y / (1 + m). Otherwise the nearest point is found by
    Dykstra's alternating projections (Boyle and Dykstra, 1986), which is slow far away.

    Args:
        parts: the sets; the first one says how updates are squashed and random points drawn.
        iterations: most rounds of alternating projections.
        tolerance: largest violation at which they stop.
    """

    def __init__(self, *parts: Constraint, iterations: int = 200, tolerance: float = 1e-6) -> None:
        if not parts:
            raise ValueError("Intersection needs at least one set, got none; use Free() for no constraint.")
        self.parts, self.iterations, self.tolerance = parts, iterations, tolerance
        self._boxes = tuple(part for part in parts if isinstance(part, LinfBall | Box))
        self._balls = tuple(part for part in parts if isinstance(part, L2Ball))

    def project(self, y: Tree) -> Tensor:
        """The nearest point of all sets at once."""
        tensor = self._tensor(y)
        if len(self._boxes) == len(self.parts):
            return self._clamp(tensor)
        if self._balls and len(self._boxes) + len(self._balls) == len(self.parts) and self._hold_origin(tensor):
            return self._shrink(tensor, min(ball.eps for ball in self._balls))
        return self._dykstra(tensor)

    def _clamp(self, y: Tensor) -> Tensor:
        for box in self._boxes:
            y = self._tensor(box.project(y))
        return y

    def _hold_origin(self, y: Tensor) -> bool:
        return bool((self._clamp(torch.zeros_like(y)) == 0).all())

    def _shrink(self, y: Tensor, eps: float) -> Tensor:
        low = torch.zeros_like(_event_norm(y))
        high = torch.ones_like(low)
        for _ in range(60):
            middle = (low + high) / 2
            fits = _event_norm(self._clamp(middle * y)) <= eps
            low, high = torch.where(fits, middle, low), torch.where(fits, high, middle)
        fits = _event_norm(self._clamp(y)) <= eps
        return torch.where(fits, self._clamp(y), self._clamp(low * y))

    def _dykstra(self, y: Tensor) -> Tensor:
        corrections = [torch.zeros_like(y) for _ in self.parts]
        for _ in range(self.iterations):
            before = y
            for k, part in enumerate(self.parts):
                shifted = y + corrections[k]
                y = self._tensor(part.project(shifted))
                corrections[k] = shifted - y
            settled = bool(((y - before).abs() <= self.tolerance).all())
            if settled and bool((self.violation(y) <= self.tolerance).all()):
                break
        return y

    def squash(self, update: Tree) -> Tensor:
        """As the first set does."""
        return self._tensor(self.parts[0].squash(update))

    def direction(self, gradient: Tree) -> Tensor:
        """As the first set does."""
        return self._tensor(self.parts[0].direction(gradient))

    def violation(self, y: Tree) -> Tensor:
        """The largest violation of any set."""
        return torch.stack([part.violation(y) for part in self.parts]).amax(0)

    def sample(self, noise: Tree) -> Tensor:
        """A random point of the first set, projected."""
        return self.project(self.parts[0].sample(noise))


class Product(Constraint):
    """One set for each leaf of a tuple: y_1 in C_1, y_2 in C_2, ...

    Args:
        parts: as many sets as the inner variable has leaves.
    """

    def __init__(self, *parts: Constraint) -> None:
        self.parts = parts

    def _each(self, operation: str, tree: Tree) -> list[Tensor]:
        tensors = leaves(tree)
        if len(tensors) != len(self.parts):
            raise ValueError(
                f"Product has {len(self.parts)} sets, got an inner variable of {len(tensors)} leaves; "
                "give one set to each leaf."
            )
        return [getattr(part, operation)(leaf) for part, leaf in zip(self.parts, tensors, strict=True)]

    def project(self, y: Tree) -> Tree:
        """Leaf by leaf."""
        return rebuild(y, self._each("project", y))

    def squash(self, update: Tree) -> Tree:
        """Leaf by leaf."""
        return rebuild(update, self._each("squash", update))

    def direction(self, gradient: Tree) -> Tree:
        """Leaf by leaf."""
        return rebuild(gradient, self._each("direction", gradient))

    def violation(self, y: Tree) -> Tensor:
        """The largest violation of any leaf."""
        return torch.stack(self._each("violation", y)).amax(0)

    def sample(self, noise: Tree) -> Tree:
        """Leaf by leaf."""
        return rebuild(noise, self._each("sample", noise))
