"""Adam as an inner optimizer: torch's own numbers, and moments that live on where a problem remembers them."""

import pytest
import torch
from specimens import Quadratic

from minimax_l2l import Adam, LinfBall, Passes

TARGET = torch.tensor([[3.0, -4.0, 0.5], [-1.0, 0.0, 2.0]])


class Remembering(Quadratic):
    """Keeps its iterate and the optimizer's state."""

    kept = torch.zeros_like(TARGET)
    state = ()

    def initial(self):
        return self.kept

    def initial_state(self):
        return self.state

    def remember(self, end, gradient):
        self.kept, self.state = end


def torchs_own(steps, lr):
    y = torch.zeros_like(TARGET, requires_grad=True)
    adam = torch.optim.Adam([y], lr=lr, maximize=True)
    for _ in range(steps):
        adam.zero_grad()
        Quadratic(TARGET).objective(y).sum().backward()
        adam.step()
    return y.detach()


def test_the_first_step_is_a_sign_step_by_hand():
    """m_hat / sqrt(v_hat) = g / |g| at the first step; a zero gradient stays."""
    y = Adam(lr=0.5).maximize(Quadratic(TARGET)).y
    assert torch.allclose(y, 0.5 * TARGET.sign(), atol=1e-6)


def test_equals_torchs_adam_to_the_bit_and_counts_its_queries():
    problem = Quadratic(TARGET)
    assert torch.equal(Adam(lr=0.3, steps=7).maximize(problem).y, torchs_own(7, 0.3))
    assert problem.passes == Passes(forward=7, input_gradient=7)


def test_a_problem_that_remembers_makes_one_run_of_many():
    problem, adam = Remembering(TARGET), Adam(lr=0.3)
    for _ in range(7):
        problem.remember(adam.maximize(problem), None)
    assert torch.equal(problem.kept, torchs_own(7, 0.3))


def test_a_problem_that_does_not_starts_anew():
    problem, adam = Quadratic(TARGET), Adam(lr=0.3)
    first = adam.maximize(problem).y
    assert torch.equal(adam.maximize(problem).y, first)


def test_the_state_given_is_not_written_to():
    problem, adam = Remembering(TARGET), Adam(lr=0.3)
    problem.remember(adam.maximize(problem), None)
    before = [part.clone() for part in problem.state]
    adam.maximize(problem)
    assert all(torch.equal(one, other) for one, other in zip(before, problem.state, strict=True))


def test_stays_feasible():
    y = Adam(lr=0.3, steps=9).maximize(Quadratic(TARGET, constraint=LinfBall(0.5))).y
    assert y.abs().max() == 0.5


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"lr": 0.0}, "lr"),
        *(
            ({"betas": betas}, r"betas must both lie in \[0, 1\)")
            for betas in [(1.0, 2.0), (1.0, 0.9), (0.9, -0.1)]
        ),
    ],
)
def test_refuses(options, word):
    with pytest.raises(ValueError, match=word):
        Adam(**options)
