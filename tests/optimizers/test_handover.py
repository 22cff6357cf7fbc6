"""What an optimizer is given to go on from is its own, or is refused by a sentence."""

import numpy as np
import pytest
import torch
from specimens import Quadratic

from minimax_l2l import (
    LBFGS,
    PGM,
    Adam,
    AlternatingAscent,
    AnchoredExtraGradient,
    AndersonMixing,
    ExtraGradient,
    GradientAscent,
    InnerOptimizer,
    LearnedOptimizer,
    Lookahead,
    MLPUpdater,
    OptimisticAscent,
    PastExtraGradient,
    RNNUpdater,
    Safeguarded,
)
from minimax_l2l.iterate import Iterate

PLAYERS = {
    "adam": Adam(lr=0.01, steps=2),
    "momentum": PGM(steps=2, step_size=0.01, momentum=0.9, random_start=0.0),
    "lbfgs": LBFGS(steps=2, step_size=0.1),
    "optimistic": OptimisticAscent(steps=2, step_size=0.1),
    "past": PastExtraGradient(steps=2, step_size=0.1),
    "anchored": AnchoredExtraGradient(steps=2, step_size=0.1),
    "mixing": AndersonMixing(steps=2),
    "lookahead": Lookahead(Adam(lr=0.01, steps=2)),
    "recurrent": LearnedOptimizer(RNNUpdater(), steps=2),
    "lazy": LearnedOptimizer(MLPUpdater(), steps=2, lazy=True),
    "safeguarded": Safeguarded(LearnedOptimizer(RNNUpdater(), steps=2)),
}
STATELESS = {
    "gradient": GradientAscent(steps=2, step_size=0.1),
    "alternating": AlternatingAscent(steps=2, step_size=0.1),
    "extra": ExtraGradient(steps=2, step_size=0.1),
    "pgm": PGM(steps=2, step_size=0.1, random_start=0.0),
    "unguided": LearnedOptimizer(MLPUpdater(), steps=2),
}


def problem(n=2, k=3):
    return Quadratic(torch.arange(1.0, n * k + 1).reshape(n, k) / 10)


def ends():
    """The iterate that each optimizer reaches."""
    torch.manual_seed(0)
    return {name: player.maximize(problem()).detach() for name, player in PLAYERS.items()}


@pytest.mark.parametrize("name", [*PLAYERS, *STATELESS])
def test_each_goes_on_from_its_own_end(name):
    player = {**PLAYERS, **STATELESS}[name]
    torch.manual_seed(0)
    whole = player.maximize(problem(), steps=4)
    torch.manual_seed(0)
    half = player.maximize(problem(), steps=2)
    torch.testing.assert_close(player.maximize(problem(), start=half, steps=2).y, whole.y)


# What they take, they cannot tell from their own: a slow point and a base that begins anew, a sum of updates.
FITTING = {("lookahead", "anchored"), *(("lazy", giver) for giver in PLAYERS)}


@pytest.mark.parametrize("giver", PLAYERS)
@pytest.mark.parametrize("taker", PLAYERS)
def test_another_s_state_is_refused_or_has_the_same_form(taker, giver):
    if (taker, giver) in FITTING:
        return
    states = ends()
    given, own = states[giver], states[taker]
    if [part.shape for part in given.state] == [part.shape for part in own.state]:
        PLAYERS[taker].maximize(problem(), start=given)
        return
    with pytest.raises(ValueError, match=r"carries a tuple of|cannot go on from the state that it was given"):
        PLAYERS[taker].maximize(problem(), start=given)


def test_in_words():
    form = r"\(2, 3\) float32 on cpu"
    with pytest.raises(
        ValueError,
        match=rf"^Adam carries a tuple of \(\) float32 on cpu, {form}, {form}, and was given a tuple of {form} "
        r"as state; pass the state that its own maximize returned, or Iterate\(y\) to begin anew\.$",
    ):
        PLAYERS["adam"].maximize(problem(), start=Iterate(torch.zeros(2, 3), (torch.zeros(2, 3),)))
    with pytest.raises(
        ValueError,
        match=r"^LearnedOptimizer cannot go on from the state that it was given, a tuple of \(7,\) float32 on cpu ",
    ) as refusal:
        PLAYERS["recurrent"].maximize(problem(), start=Iterate(torch.zeros(2, 3), (torch.zeros(7),)))
    assert isinstance(refusal.value.__cause__, RuntimeError)


@pytest.mark.parametrize("dtype", [torch.int64, torch.bool, torch.float16, torch.float64], ids=str)
@pytest.mark.parametrize(
    "name", ["adam", "momentum", "lbfgs", "optimistic", "past", "anchored", "mixing", "lookahead"]
)
def test_a_state_of_another_dtype_is_refused(name, dtype):
    end = ends()[name]
    state = tuple(part.to(dtype) for part in end.state)
    with pytest.raises(ValueError, match=r"carries a tuple of .* and was given a tuple of .* as state"):
        PLAYERS[name].maximize(problem(), start=Iterate(end.y, state))


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("name", ["adam", "optimistic", "recurrent", "lookahead", "safeguarded"])
def test_what_is_lost_already_is_refused(name, number):
    end = ends()[name]
    with pytest.raises(
        ValueError, match=r"^start holds NaN or infinity in its y; pass an Iterate of finite numbers"
    ):
        PLAYERS[name].maximize(problem(), start=Iterate(torch.full((2, 3), number), end.state))
    for i in range(len(end.state)):
        state = tuple(part + (number if i == j else 0) for j, part in enumerate(end.state))
        with pytest.raises(ValueError, match=r"^start holds NaN or infinity in its state"):
            PLAYERS[name].maximize(problem(), start=Iterate(end.y, state))


def test_what_fails_without_the_state_too_is_not_blamed_on_it():
    class Broken(InnerOptimizer):
        def step(self, oracle, y, state):
            raise RuntimeError("a bug of its own")

    for state in ((), (torch.zeros(2),)):
        with pytest.raises(RuntimeError, match=r"^a bug of its own$"):
            Broken(steps=1).maximize(problem(), start=Iterate(torch.zeros(2, 3), state))


def test_only_the_first_step_has_a_state_from_elsewhere():
    class Fails(InnerOptimizer):
        """At its second step."""

        def step(self, oracle, y, state):
            if state and state[0] > 0:
                raise RuntimeError("at the second step")
            return y, (torch.ones(()),)

    with pytest.raises(RuntimeError, match=r"^at the second step$"):
        Fails(steps=2).maximize(problem(), start=Iterate(torch.zeros(2, 3), (torch.zeros(()),)))


OTHER_FORMS = {
    "fewer instances": torch.zeros(1, 3),
    "more instances": torch.zeros(4, 3),
    "other numbers": torch.zeros(2, 4),
    "one number": torch.zeros(2, 1),  # which would be broadcast
    "another rank": torch.zeros(2, 3, 1),
    "double": torch.zeros(2, 3, dtype=torch.float64),
    "half": torch.zeros(2, 3, dtype=torch.float16),
    "a tuple": (torch.zeros(2, 3),),
    "two leaves": (torch.zeros(2, 3), torch.zeros(2, 3)),
}


@pytest.mark.parametrize("form", OTHER_FORMS)
@pytest.mark.parametrize("name", ["adam", "mixing", "recurrent", "gradient"])
def test_a_start_of_another_form_is_refused(form, name):
    with pytest.raises(
        ValueError, match=r"^start has a y of .*, and the problem's initial\(\) returns one of \(2, 3\) "
    ):
        {**PLAYERS, **STATELESS}[name].maximize(problem(), start=Iterate(OTHER_FORMS[form]))


def test_asking_for_the_form_uses_no_random_number():
    class Random(Quadratic):
        def initial(self):
            return torch.rand(2, 3)

    torch.manual_seed(0)
    state = torch.get_rng_state()
    GradientAscent(steps=1, step_size=0.1).maximize(Random(torch.ones(2, 3)), start=Iterate(torch.zeros(2, 3)))
    assert torch.equal(state, torch.get_rng_state())


@pytest.mark.parametrize(
    "state",
    [torch.zeros(2, 3), [torch.zeros(2, 3)], None, (1.0,), (np.zeros(3),), {"m": torch.zeros(3)}, 0, (None,)],
)
@pytest.mark.parametrize("name", ["adam", "gradient", "recurrent"])
def test_a_state_is_a_tuple_of_tensors(name, state):
    class Remembering(Quadratic):
        def initial_state(self):
            return state

    player = {**PLAYERS, **STATELESS}[name]
    wanted = r"^start\.state or what initial_state\(\) returns must be a tuple of tensors, got "
    with pytest.raises(TypeError, match=wanted):
        player.maximize(Remembering(torch.ones(2, 3)))
    with pytest.raises(TypeError, match=wanted):
        player.maximize(problem(), start=Iterate(torch.zeros(2, 3), state))
