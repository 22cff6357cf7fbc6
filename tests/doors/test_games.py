"""The games of tasks.games."""

import torch
from doors import wrong
from doors.door import Door, knocking_at
from hypothesis import strategies as st

from minimax_l2l import GradientAscent, InnerOptimizer
from tasks.games import (
    SUITE,
    BilinearGame,
    CovarianceGame,
    FieldGame,
    GameFamily,
    LimitCycle,
    PlanarGame,
    QuadraticGame,
    RatioGame,
    SeesawGame,
    orbit,
    spiral_factor,
)
from tasks.games.presets.limit_cycle import LimitCyclePreset

COUNT, SEED = wrong.not_a_count(), wrong.not_a_count() | st.integers(min_value=2**32)
FINITE = wrong.not_a_number(lambda number: True)
PAIR = st.sampled_from([None, 1.0, "ab", (1.0,), (1.0, 2.0, 3.0), ("a", "b"), (1.0, float("nan")), {1.0, 2.0}])
STRENGTHS = st.sampled_from([None, 1.0, [1.0, 2.0], torch.ones(3), torch.ones(2, 1), torch.tensor(1.0), "ab"])
STARTS = st.sampled_from(
    [None, "ab", torch.ones(2, 1), [torch.ones(2, 1)] * 2, (torch.ones(2, 1),), (torch.ones(2),) * 2, (1.0, 2.0)]
)
ONES = torch.ones(2, 1)
NO_NUMBERS = [(ones, ones) for ones in (ONES.long(), ONES.bool(), ONES * 1j, ONES.to_sparse(), ONES.to("meta"))]
STARTS |= st.sampled_from(
    [*NO_NUMBERS, (ONES, ONES.double()), (ONES[:0], ONES[:0]), (ONES, ONES * torch.nan), (ONES / 0, ONES)]
)
WIDE = torch.ones(2, 2)
NUMBERS = STARTS | st.sampled_from([(WIDE, WIDE), (torch.ones(2, 1), torch.ones(3, 1)), (torch.ones(2, 1),) * 3])
VECTORS = STRENGTHS | st.sampled_from(
    [
        *(torch.ones(2).double(), torch.ones(2).long(), torch.ones(2).to_sparse(), torch.ones(2, device="meta")),
        *(torch.zeros(2), -torch.ones(2), torch.tensor([1.0, torch.nan]), torch.tensor([1.0, torch.inf])),
    ]
)
FORMULAS = wrong.not_callable() | st.sampled_from([lambda: 0, lambda x: x, lambda x, y, z: x])
POINTS = st.sampled_from(
    [
        None,
        "ab",
        1.0,
        (),
        [(1.0,)],
        [(1.0, 2.0, 3.0)],
        [1.0, 2.0],
        [("a", "b")],
        [(0.0, float("nan"))],
        {(0.0, 0.0)},
    ]
)
ANSWERS = st.sampled_from(
    [
        lambda x, y: None,
        lambda x, y: 1.0,
        lambda x, y: [x * y],
        lambda x, y: (x * y).sum(),
        lambda x, y: x[:, None] * y,
        lambda x, y: (x * y)[:, None],
        lambda x, y: (x * y).long(),
        lambda x, y: x * y * 1j,
    ]
)
FIELDS = ANSWERS | st.sampled_from(
    [
        lambda x, y: (x, y, x),
        lambda x, y: torch.stack([y, -x]),
        lambda x, y: (0.0, 1.0),
        lambda x, y: (y[:, None], -x[:, None]),
        lambda x, y: (y.sum(), -x.sum()),
    ]
)
BOX = wrong.given(wrong.not_a_number(lambda number: number > 0))
MATRICES = st.sampled_from(
    [1.0, "ab", torch.ones(2), WIDE, torch.ones(3, 1, 1), torch.ones(2, 3, 3), torch.ones(2, 1, 1).double()]
)
SKEWED = torch.tensor([[[2.0, 1.0], [0.0, 2.0]]] * 2)
TWO_BY_TWO = st.sampled_from([None, 1.0, "ab", [[1.0, 2.0], [3.0, 4.0]], torch.ones(2), torch.ones(2, 3)])
SIGMAS = [None, 1.0, torch.eye(2), torch.ones(2, 2, 3), torch.eye(2).expand(3, 2, 2), -torch.eye(2).expand(2, 2, 2)]
DTYPE = st.sampled_from([None, "float64", torch.int64, torch.bool, torch.complex64, float])


def game():
    return {
        "a": torch.ones(2),
        "p": torch.ones(2),
        "q": torch.ones(2),
        "start": (torch.ones(2, 1), torch.ones(2, 1)),
    }


def numbers(**others):
    return {"start": (torch.ones(2, 1), torch.ones(2, 1)), **others}


def planar():
    return numbers(formula=lambda x, y: x * y, points=[(0.0, 0.0)])


def boxed():
    return planar() | {"box": 2.0}


def field():
    return numbers(parts=lambda x, y: (y, -x), points=[(0.0, 0.0)])


def quadratic():
    """Players of one number and of two."""
    return {"start": (torch.ones(2, 1), WIDE), "a": torch.ones(2, 1, 2)}


def mixed():
    return {"start": (WIDE / 2, WIDE / 2), "r": WIDE, "s": WIDE}


def covariance():
    return {"start": (torch.ones(2, 4), torch.ones(2, 4)), "covariance": torch.eye(2).expand(2, 2, 2)}


def played(kind):
    """The first value of a game."""

    def play(**given):
        made = kind(**given)
        return made.objective(made.start)

    return play


DOORS = [
    Door("PlanarGame", PlanarGame, planar, {"start": NUMBERS, "formula": FORMULAS, "points": POINTS, "box": BOX}),
    Door(
        "PlanarGame in a box",
        PlanarGame,
        boxed,
        {"points": st.sampled_from([[(0.0, 3.0)], [(0.0, 0.0), (-2.5, 0.0)]]), "box": st.just(1e300)},
    ),
    Door("PlanarGame.objective", played(PlanarGame), planar, {"formula": ANSWERS}),
    Door("FieldGame.objective", played(FieldGame), field, {"parts": FIELDS}),
    Door("FieldGame", FieldGame, field, {"start": NUMBERS, "parts": FORMULAS, "points": POINTS, "box": BOX}),
    Door(
        "SeesawGame",
        SeesawGame,
        lambda: numbers(a=torch.ones(2), b=torch.ones(2)),
        {"start": NUMBERS, "a": VECTORS, "b": VECTORS},
    ),
    Door(
        "QuadraticGame",
        QuadraticGame,
        quadratic,
        {
            "start": STARTS,
            "a": MATRICES | st.none(),
            "p": MATRICES,
            "q": MATRICES | st.just(SKEWED),
            "b": wrong.given(STRENGTHS.filter(lambda b: getattr(b, "shape", ()) != (2, 1))),
            "c": wrong.given(STRENGTHS),
        },
    ),
    Door(
        "RatioGame",
        RatioGame,
        mixed,
        {"start": STARTS, "r": TWO_BY_TWO | st.just(WIDE.double()), "s": TWO_BY_TWO | st.just(-WIDE)},
    ),
    Door(
        "CovarianceGame",
        CovarianceGame,
        covariance,
        {"start": STARTS, "covariance": st.sampled_from([*SIGMAS, SKEWED, torch.eye(2).double().expand(2, 2, 2)])},
    ),
    Door(
        "GameFamily",
        GameFamily,
        lambda: {"name": "xy", "draw": lambda count, generator: None, "source": "here"},
        {
            "name": wrong.not_a(str),
            "draw": FORMULAS,
            "source": wrong.not_a(str),
            "circles": wrong.not_a_flag(),
        },
    ),
    Door(
        "GameFamily.sample", SUITE["xy"].sample, lambda: {"count": 2}, {"count": wrong.not_a_count(1), "seed": SEED}
    ),
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
