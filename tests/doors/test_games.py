"""The games of tasks.games."""

import torch
from doors import wrong
from doors.door import Door, knocking_at
from hypothesis import strategies as st

from minimax_l2l import GradientAscent, InnerOptimizer
from tasks.games import BilinearGame, LimitCycle, orbit, spiral_factor
from tasks.games.presets.limit_cycle import LimitCyclePreset

COUNT, SEED = wrong.not_a_count(), wrong.not_a_count() | st.integers(min_value=2**32)
FINITE = wrong.not_a_number(lambda number: True)
PAIR = st.sampled_from([None, 1.0, "ab", (1.0,), (1.0, 2.0, 3.0), ("a", "b"), (1.0, float("nan")), {1.0, 2.0}])
STRENGTHS = st.sampled_from([None, 1.0, [1.0, 2.0], torch.ones(3), torch.ones(2, 1), torch.tensor(1.0), "ab"])
STARTS = st.sampled_from(
    [None, "ab", torch.ones(2, 1), [torch.ones(2, 1)] * 2, (torch.ones(2, 1),), (torch.ones(2),) * 2, (1.0, 2.0)]
)
DTYPE = st.sampled_from([None, "float64", torch.int64, torch.bool, torch.complex64, float])


def game():
    return {
        "a": torch.ones(2),
        "p": torch.ones(2),
        "q": torch.ones(2),
        "start": (torch.ones(2, 1), torch.ones(2, 1)),
    }


DOORS = [
    Door("LimitCycle", LimitCycle, dict, {"iterations": COUNT, "games": wrong.not_a_count(1), "seed": SEED}),
    Door("LimitCycle.learned_optimizer", LimitCycle.learned_optimizer, dict, {"steps": COUNT}),
    Door(
        "orbit",
        orbit,
        lambda: {"optimizer": GradientAscent(steps=1), "steps": 2},
        {
            "optimizer": wrong.not_a(InnerOptimizer),
            "steps": COUNT,
            "start": PAIR,
            "a": FINITE,
            "solution": PAIR,
            "dtype": DTYPE,
        },
    ),
    Door("spiral_factor", spiral_factor, lambda: {"step_size": 0.1}, {"step_size": FINITE, "a": FINITE}),
    Door("BilinearGame", BilinearGame, game, {"a": STRENGTHS, "p": STRENGTHS, "q": STRENGTHS, "start": STARTS}),
    Door(
        "LimitCyclePreset",
        LimitCyclePreset,
        dict,
        {"iterations": COUNT, "games": wrong.not_a_count(1), "inner_steps": wrong.not_a_count(16), "seed": SEED},
        told_as={"inner_steps": "--inner-steps"},
    ),
]


test_wrong_values_are_refused, test_right_values_are_taken = knocking_at(*DOORS)
