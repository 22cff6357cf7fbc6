"""Sets that y is kept in."""

import pytest
from doors import wrong
from doors.door import Door, knock, knocks
from hypothesis import given
from hypothesis import strategies as st

from minimax_l2l import L2Ball, LinfBall

RADIUS = wrong.not_a_number(lambda number: number > 0)

DOORS = [
    Door("LinfBall", LinfBall, lambda: {"eps": 1.0}, {"eps": RADIUS}),
    Door("L2Ball", L2Ball, lambda: {"eps": 1.0}, {"eps": RADIUS}),
]


@pytest.mark.parametrize(("door", "argument"), knocks(*DOORS), ids=str)
@given(data=st.data())
def test_wrong_values_are_refused(door, argument, data):
    knock(door, argument, data.draw(door.wrong[argument]))


@pytest.mark.parametrize("door", DOORS, ids=str)
def test_right_values_are_taken(door):
    door.open(**door.right())
