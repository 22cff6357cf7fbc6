"""`maximize`, what a problem tells it, and what an optimizer or an updater of one's own returns."""

import numpy as np
import pytest
import torch
from doors import wrong
from doors.door import Door, knocking_at
from hypothesis import strategies as st
from specimens import Linear, Stepping

from minimax_l2l import (
    PGM,
    Constraint,
    GradientAscent,
    InnerOptimizer,
    InnerProblem,
    Iterate,
    LearnedOptimizer,
    Lookahead,
    MLPUpdater,
    Oracle,
    Safeguarded,
    Updater,
)
from minimax_l2l.optimizers.handover import step_of

ONES = torch.ones(2, 3)


def maximize(optimizer, **told):
    """Maximise a problem of which this much is told."""

    class Told(InnerProblem):
        def initial(self):
            return told.get("initial", torch.zeros(2, 3))

        def objective(self, y):
            return told["objective"] if "objective" in told else y.sum(1)

    problem = Told()
    for name in {"constraint", "signs", "query_mode", "module"} & set(told):
        setattr(problem, name, told[name])
    return optimizer.maximize(problem)


class Updating(Updater):
    def __init__(self, answer):
        super().__init__()
        self.answer = answer

    def forward(self, features, state):
        return self.answer


OBJECTIVE = st.sampled_from(
    [
        None,
        1.0,
        "f",
        [1.0, 2.0],
        np.ones(2),
        torch.ones(2),
        torch.ones(()),
        ONES,
        torch.ones(2).long(),
        torch.ones(2) * 1j,
        (ONES, ONES),
    ]
)
SIGNS = st.sampled_from([0, 2, 0.5, None, "+", [1.0], (1.0, -1.0), (2.0,), float("nan"), torch.ones(3)])
ANSWER = st.sampled_from([None, ONES, (ONES,), (ONES, None), [ONES, ()], (ONES, ONES), (ONES, (), ()), "y", ()])
STEPPED = st.sampled_from(
    [
        *[
            (y, ())
            for y in (ONES[:1], ONES[:, :1], ONES.double(), ONES * 1j, ONES.to("meta"), (ONES, ONES), (ONES,))
        ],
        *[(y, ()) for y in ((), None, "y", ONES.numpy(), [ONES], (ONES, None))],
        *[(ONES, state) for state in ((1,), (ONES, None), [ONES], "s", {})],
    ]
)
SHAPED = st.sampled_from([(torch.ones(size), ()) for size in ((2, 1), (2,), (1, 3), (2, 1, 3))])
CALL = {
    "problem": wrong.not_a(InnerProblem),
    "start": wrong.given(wrong.not_a(Iterate)) | wrong.not_inner().map(Iterate),
    "steps": wrong.given(wrong.not_a_count()),
    "observe": wrong.given(wrong.not_callable()),
}
PROBLEM = {
    "initial": wrong.not_inner(),
    "constraint": wrong.not_a(Constraint),
    "objective": OBJECTIVE,
    "signs": SIGNS,
    "query_mode": wrong.not_one_of("eval", "train", "tracked"),
    "module": wrong.given(wrong.not_a(torch.nn.Module)),
}
TOLD = {"initial": "y", "start": "y"}
OPTIMIZERS = {
    "GradientAscent": lambda: GradientAscent(steps=1),
    "PGM": lambda: PGM(steps=1, step_size=0.1),
    "LearnedOptimizer": lambda: LearnedOptimizer(MLPUpdater()),
}


def calling(name, make):
    right = {"problem": Linear(ONES)}
    return Door(f"{name}.maximize", lambda **given: make().maximize(**given), lambda: right, CALL, told_as=TOLD)


def telling(name, make):
    return Door(f"a problem of {name}", lambda **told: maximize(make(), **told), dict, PROBLEM, told_as=TOLD)


DOORS = [
    *[calling(name, make) for name, make in OPTIMIZERS.items()],
    *[telling(name, make) for name, make in OPTIMIZERS.items()],
    Door(
        "an own updater",
        lambda answer: maximize(LearnedOptimizer(Updating(answer))),
        lambda: {"answer": (ONES, ())},
        {"answer": ANSWER | SHAPED},
        told_as={"answer": "Updating.forward"},
    ),
    Door(
        "an own optimizer",
        lambda answer: maximize(Stepping(answer)),
        lambda: {"answer": (ONES, ())},
        {"answer": ANSWER | STEPPED},
        told_as={"answer": "Stepping.step"},
    ),
    Door(
        "Oracle",
        Oracle,
        lambda: {"problem": Linear(ONES)},
        {"problem": wrong.not_a(InnerProblem), "second_order": wrong.not_a_flag()},
    ),
]


test_wrong_values_are_refused, test_right_values_are_taken = knocking_at(*DOORS)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_an_updater_computes_in_its_own_dtype(dtype):
    optimizer = LearnedOptimizer(MLPUpdater(), guided=False, steps=2)
    torch.nn.init.ones_(optimizer.updater.head.bias)
    end = optimizer.maximize(Linear(torch.ones(2, 3, dtype=dtype)))
    assert end.y.dtype == dtype
    assert torch.equal(end.y, torch.full((2, 3), 2, dtype=dtype))
    guided = LearnedOptimizer(MLPUpdater(), steps=2).maximize(Linear(torch.ones(2, 3, dtype=dtype))).y
    assert guided.dtype == dtype
    torch.testing.assert_close(guided, torch.full((2, 3), 0.2, dtype=dtype), rtol=1e-2, atol=0)


class Shortened(InnerOptimizer):
    """Loses an instance."""

    def __init__(self):
        super().__init__(steps=1)

    def step(self, oracle, y, state):
        oracle.gradient(y)
        return y[:1], state


SHORTENED = (
    r"Shortened\.step was given a y of \(2, 3\) float32 on cpu and returned one of \(1, 3\) float32 on cpu; "
)


@pytest.mark.parametrize("make", [Shortened, lambda: Safeguarded(Shortened()), lambda: Lookahead(Shortened())])
def test_a_step_that_loses_an_instance(make):
    with pytest.raises(ValueError, match=SHORTENED + "return y moved, with the leaves, shape, dtype and device"):
        maximize(make())


def test_the_form_of_a_step_is_told_without_its_values():
    y = torch.ones(2, 3, device="meta")
    assert step_of(Stepping((y, (y,))), None, y, ()) == (y, (y,))
    with pytest.raises(ValueError, match=r"\(2, 3\) float32 on meta and returned one of \(3, 2\) float64 on meta"):
        step_of(Stepping((y.T.double(), ())), None, y, ())


def test_leaves_of_two_dtypes():
    with pytest.raises(ValueError, match=r"y need one dtype .* torch.float32 on cpu, torch.float64"):
        maximize(GradientAscent(steps=1), initial=(torch.zeros(2, 3), torch.zeros(2, 3).double()))


def test_phi_without_values():
    optimizer = LearnedOptimizer(MLPUpdater()).to("meta")
    with pytest.raises(
        ValueError, match="LearnedOptimizer has weights on the meta device, where they hold no values"
    ):
        maximize(optimizer)
