"""Sets that y is kept in, and what is handed to them."""

import numpy as np
import pytest
import torch
from doors import wrong
from doors.door import Door, knocking_at
from hypothesis import strategies as st

from minimax_l2l import Box, Free, Intersection, L2Ball, LinfBall, Product, Simplex

RADIUS = wrong.not_a_number(lambda number: number > 0)
SET = wrong.not_a(LinfBall)
BOUND = st.sampled_from(
    [None, "0", "", [0.0], (0.0, 1.0), {}, print, object(), int, True, 1j, torch.ones(2) > 0, torch.ones(2) * 1j]
) | st.just(float("nan"))
SETS = {
    "LinfBall": LinfBall(1.0),
    "L2Ball": L2Ball(1.0),
    "Box": Box(-1.0, 1.0),
    "Box of tensors": Box(-torch.ones(3), torch.ones(3)),
    "Simplex": Simplex(),
    "Intersection": LinfBall(1.0) & L2Ball(1.0),
    "Dykstra": Simplex() & Box(0.0, 0.5),
}
TREES = {"Free": Free(), "Product": Product(LinfBall(1.0), Free())}
OPERATIONS = ("project", "squash", "direction", "violation", "sample")


def trees(values):
    """Of these, those that are wrong for a set of any trees as well."""
    return values.filter(lambda y: not isinstance(y, torch.Tensor) or not y.dim())


DOORS = [
    Door("LinfBall", LinfBall, lambda: {"eps": 1.0}, {"eps": RADIUS}),
    Door("L2Ball", L2Ball, lambda: {"eps": 1.0}, {"eps": RADIUS}),
    Door("Box", Box, lambda: {"low": 0.0, "high": 1.0}, {"low": BOUND, "high": BOUND}),
    Door(
        "Intersection",
        lambda part, **options: Intersection(LinfBall(1.0), part, **options),
        lambda: {"part": LinfBall(1.0), "iterations": 5, "tolerance": 0.1},
        {"part": SET, "iterations": wrong.not_a_count(1), "tolerance": RADIUS},
    ),
    Door("Product", lambda part: Product(part, Free()), lambda: {"part": LinfBall(1.0)}, {"part": SET}),
]


def operation(name, kept, does, values):
    return Door(
        f"{name}.{does}",
        lambda y: getattr(kept, does)(y),
        lambda: {"y": torch.rand(2, 3) if name in SETS or name == "Free" else (torch.rand(2, 3), torch.rand(2, 1))},
        {"y": values},
    )


DOORS += [operation(name, kept, does, wrong.not_inner()) for name, kept in SETS.items() for does in OPERATIONS]
DOORS += [
    operation(name, kept, does, trees(wrong.not_inner())) for name, kept in TREES.items() for does in OPERATIONS
]


test_wrong_values_are_refused, test_right_values_are_taken = knocking_at(*DOORS)


def test_bounds_may_be_of_numpy():
    box = Box(np.zeros(3), np.float32(1.0))
    assert box.project(torch.tensor([[-1.0, 0.5, 2.0]])).tolist() == [[0.0, 0.5, 1.0]]


@pytest.mark.parametrize("shape", [(2,), (2, 1, 3), (4, 3)])
def test_bounds_that_do_not_fit_y(shape):
    box = Box(torch.zeros(shape), torch.ones(shape))
    for kept in (box, box & Box(torch.zeros(3), 1.0) if shape[-1] == 3 else box):
        for does in ("project", "violation"):
            with pytest.raises(ValueError, match="do not broadcast over y of shape"):
                getattr(kept, does)(torch.zeros(2, 3))


def test_bounds_that_do_not_fit_each_other():
    with pytest.raises(ValueError, match="bounds low and high that broadcast, got shapes"):
        Box(torch.zeros(2), torch.ones(3))
