"""Wrong values, by what they are not."""

import math
from collections.abc import Callable

import numpy as np
import torch
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

Wrong = SearchStrategy[object]

NOT_NUMBERS = ["", "1", b"1", None, [1], (1.0,), {}, {1}, object(), int, 1j, print, torch.ones(2), np.ones(2)]
NOT_CALLABLE = ["relu", 3, 0.5, [print], {}, True, torch.ones(1)]
BEYOND = [math.nan, math.inf, -math.inf]


def not_a_count(least: int = 0) -> Wrong:
    """Neither a whole number of at least `least` nor something that stands for one."""
    return (
        st.sampled_from([*NOT_NUMBERS, *BEYOND, True, False])
        | st.integers(max_value=least - 1)
        | st.floats(allow_nan=True, allow_infinity=True)
        | st.text()
    )


def not_a_number(right: Callable[[float], bool]) -> Wrong:
    """No number, or one that is not `right`; NaN and infinity never are."""
    return (
        st.sampled_from([*NOT_NUMBERS, *BEYOND, True, False])
        | st.floats(allow_nan=False, allow_infinity=False).filter(lambda number: not right(number))
        | st.integers(-(10**9), 10**9).filter(lambda number: not right(number))
        | st.text()
    )


def not_one_of(*names: str) -> Wrong:
    """No name that is known."""
    return st.sampled_from([*NOT_NUMBERS, 1, 0.5, True]) | st.text().filter(lambda text: text not in names)


def not_a_flag() -> Wrong:
    """Neither True nor False."""
    return st.sampled_from([*NOT_NUMBERS, *BEYOND, "yes", "true", 0, 1, 0.5])


def not_callable() -> Wrong:
    """Nothing that can be called."""
    return st.sampled_from([*NOT_CALLABLE, None])


def not_a(*kinds: type) -> Wrong:
    """Something else than an instance of these kinds."""
    anything = [*NOT_NUMBERS, *NOT_CALLABLE, *BEYOND, torch.nn.Linear(1, 1), torch.nn.Linear, *kinds]
    return st.sampled_from([value for value in anything if not isinstance(value, kinds)])


def given(values: Wrong) -> Wrong:
    """The same for an argument that may be None."""
    return values.filter(lambda value: value is not None)


def not_widths() -> Wrong:
    """No widths of hidden layers."""
    return st.sampled_from(
        [None, 64, 0.5, "ab", "", b"ab", {1}, (0,), (-1, 2), (1.5,), (True,), ("8",), [None], torch.ones(2)]
    )


def not_inner() -> Wrong:
    """Nothing that an inner variable can be."""
    ones = torch.ones(2, 3)
    no_trees = [
        None,
        "y",
        b"y",
        1.0,
        [ones],
        np.ones((2, 3)),
        {"y": ones},
        object(),
        (ones, "y"),
        (ones, None),
        int,
    ]
    no_batches = [torch.tensor(1.0), (ones, torch.tensor(1.0)), (ones, torch.ones(3, 3)), ()]
    no_numbers = [torch.ones(2, 3, dtype=kind) for kind in (torch.int64, torch.uint8, torch.bool, torch.complex64)]
    no_numbers += [ones.to(torch.float8_e4m3fn)]
    return st.sampled_from([*no_trees, *no_batches, *no_numbers, ones.to_sparse(), torch.ones(2, 3, device="meta")])
