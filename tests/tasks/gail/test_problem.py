"""The inner problem of imitation: its value by hand, its signs, its memory, the library's own checks."""

import math

import pytest
import torch
from gymnasium import spaces

from minimax_l2l import Adam, GradientAscent, LearnedOptimizer, MLPUpdater, Oracle
from minimax_l2l.testing import check_problem
from tasks.gail.discriminator import Discriminator
from tasks.gail.pairs import Pairs
from tasks.gail.problem import DiscriminatorMemory, ImitationProblem
from tasks.gail.regularisers import Controller, EntropyBonus, GradientPenalty

POLICY, EXPERT = (
    Pairs(torch.randn(40, 3, generator=torch.Generator().manual_seed(0))),
    Pairs(torch.randn(30, 3, generator=torch.Generator().manual_seed(1)) + torch.tensor([1.0, 0.0, 0.0])),
)


def made(hidden=(5,)):
    space = spaces.Box(-9, 9, (1,))
    return Discriminator(torch.tensor([[-1.0, -1.0], [1.0, 1.0]]), torch.tensor([[-1.0], [1.0]]), space, hidden)


def posed(weights=None, hidden=(5,), **options):
    network = made(hidden)
    memory = DiscriminatorMemory(network.first_weights() if weights is None else weights)
    return ImitationProblem(network, memory, POLICY, EXPERT, **options)


def linear(*weights):
    return posed(torch.tensor([weights]), hidden=())


def test_a_discriminator_that_knows_nothing_is_worth_minus_two_log_two():
    problem = linear(0.0, 0.0, 0.0, 0.0)
    assert problem.objective(problem.initial()).item() == pytest.approx(-2 * math.log(2))


def test_by_hand():
    """With z = b for every pair: log sigmoid(b) + log(1 - sigmoid(b)), which is below zero."""
    problem = linear(0.0, 0.0, 0.0, math.log(3))
    assert problem.objective(problem.initial()).item() == pytest.approx(math.log(3 / 4) + math.log(1 / 4))


def test_raising_logits_of_the_policy_raises_the_objective_and_of_the_expert_lowers_it():
    problem = linear(-1.0, 0.0, 0.0, 0.0)  # the expert lies to the right: z falls there
    assert problem.objective(problem.initial()) > -2 * math.log(2)
    assert linear(1.0, 0.0, 0.0, 0.0).objective(torch.tensor([[1.0, 0, 0, 0]])) < -2 * math.log(2)


def test_swapping_both_sides_and_the_sign_changes_nothing():
    problem = linear(0.3, -0.2, 0.1, 0.5)
    swapped = ImitationProblem(problem.discriminator, problem.memory, EXPERT, POLICY)
    y = problem.initial()
    assert torch.allclose(problem.objective(y), swapped.objective(-y))


@pytest.mark.parametrize(
    "terms", [(), (GradientPenalty(10.0),), (EntropyBonus(0.1),), (Controller(1.0), EntropyBonus(0.1))]
)
def test_keeps_every_law_of_the_library(terms):
    check_problem(lambda: posed(regularisers=terms))


def test_ascent_tells_them_apart():
    problem = posed()
    y = GradientAscent(steps=200, step_size=0.5).maximize(problem).y
    network = problem.discriminator
    assert network(y[0], POLICY.inputs).mean() > 0 > network(y[0], EXPERT.inputs).mean()


def test_what_is_remembered_is_where_the_next_problem_starts():
    problem, adam = posed(), Adam(lr=0.1)
    end = adam.maximize(problem)
    problem.remember(end, None)
    following = ImitationProblem(problem.discriminator, problem.memory, POLICY, EXPERT)
    assert torch.equal(following.initial(), end.y)
    assert following.initial_state()[0] == 1


def test_memory_survives_a_checkpoint():
    problem = posed()
    problem.remember(Adam(lr=0.1).maximize(problem), None)
    other = DiscriminatorMemory(torch.zeros_like(problem.memory.weights))
    other.load_state_dict(problem.memory.state_dict())
    assert torch.equal(other.weights, problem.memory.weights)
    assert all(torch.equal(a, b) for a, b in zip(other.state, problem.memory.state, strict=True))


def test_memory_of_another_discriminator_is_refused():
    with pytest.raises(ValueError, match="the discriminator has 4 weights, those kept are 7"):
        DiscriminatorMemory(torch.zeros(1, 4)).load_state_dict({"weights": torch.zeros(1, 7), "state": []})


def test_a_learned_optimizer_may_be_judged_on_other_trajectories():
    aside = Pairs(EXPERT.inputs + 5)
    problem = posed(judged_by=aside)
    y = problem.initial()
    assert problem.meta_objective(y) == ImitationProblem(
        problem.discriminator, problem.memory, POLICY, aside
    ).objective(y)
    assert problem.meta_objective(y) != problem.objective(y)


def test_the_first_meta_step_raises_the_objective_on_its_batch():
    torch.manual_seed(0)
    problem, optimizer = posed(), LearnedOptimizer(MLPUpdater())
    before = problem.objective(optimizer.maximize(problem).y)
    meta = optimizer.meta_optimizer()
    before.sum().backward()
    meta.step()
    assert problem.objective(optimizer.maximize(problem).y) > before


class TestRegularisers:
    def test_controller_by_hand(self):
        """D = 3/4 everywhere: k / 2 (1/16 + 1/16)."""
        plain, calmed = (
            posed(torch.tensor([[0, 0, 0, math.log(3)]]), (), regularisers=r) for r in ((), (Controller(2.0),))
        )
        y = plain.initial()
        assert (plain.objective(y) - calmed.objective(y)).item() == pytest.approx(2 / 16)

    def test_entropy_by_hand(self):
        """D = 1/2 everywhere has entropy log 2."""
        plain, calmed = (posed(torch.zeros(1, 4), (), regularisers=r) for r in ((), (EntropyBonus(0.1),)))
        y = plain.initial()
        assert (calmed.objective(y) - plain.objective(y)).item() == pytest.approx(0.1 * math.log(2))

    def test_gradient_penalty_by_hand(self):
        """A linear z has slope w everywhere: c (||w|| - 1)^2 with ||w|| = 5."""
        plain, calmed = (
            posed(torch.tensor([[3.0, 4.0, 0.0, 0.0]]), (), regularisers=r) for r in ((), (GradientPenalty(10.0),))
        )
        y = plain.initial()
        assert (plain.objective(y) - calmed.objective(y)).item() == pytest.approx(10 * 16, rel=1e-5)

    def test_gradient_penalty_has_a_gradient_by_the_weights(self):
        problem = posed(torch.tensor([[3.0, 4.0, 0.0, 0.0]]), (), regularisers=(GradientPenalty(1e3),))
        with Oracle(problem) as oracle:
            slope = oracle.gradient(problem.initial())
        # -2 c (||w|| - 1) w / ||w|| = -2000 * 4 * (0.6, 0.8), which outweighs J's gradient
        assert slope[0, :2].tolist() == pytest.approx([-4800, -6400], rel=1e-3)

    @pytest.mark.parametrize("kind", [GradientPenalty, EntropyBonus, Controller])
    def test_a_pair_that_weighs_three_is_three_pairs(self, kind):
        """On the expert's side; the gradient penalty draws its partners as often."""
        network = made()
        weights = network.first_weights()[0] * 3
        thrice = Pairs(torch.cat([EXPERT.inputs, EXPERT.inputs[:1], EXPERT.inputs[:1]]))
        heavy = Pairs(EXPERT.inputs, torch.tensor([3.0] + [1.0] * 29))
        draws = torch.rand(40, 2, generator=torch.Generator().manual_seed(2))
        if kind is GradientPenalty:
            many = (torch.arange(960) + 0.5) / 960
            counts = [int(side.pick(many).eq(EXPERT.inputs[0]).all(1).sum()) for side in (heavy, thrice, EXPERT)]
            assert counts == [90, 90, 32]
        else:
            values = [kind()(network, weights, POLICY, side, draws) for side in (heavy, thrice, EXPERT)]
            assert torch.allclose(values[0], values[1])
            assert not torch.allclose(values[0], values[2])

    @pytest.mark.parametrize("kind", [GradientPenalty, EntropyBonus, Controller])
    def test_a_coefficient_below_zero(self, kind):
        with pytest.raises(ValueError, match="coefficient"):
            kind(-1.0)


def test_the_gradient_penalty_meets_every_expert_pair():
    """Partners are drawn anew each iteration; a pair far behind the policy's number of pairs counts too."""
    far = Pairs(EXPERT.inputs.clone())
    far.inputs[-1] += 100
    few = Pairs(POLICY.inputs[:5])

    def penalty(expert, step):
        torch.manual_seed(0)
        problem = ImitationProblem(made(), DiscriminatorMemory(made().first_weights()), few, expert, step=step)
        plain = problem.objective(problem.initial())
        problem.regularisers = (GradientPenalty(1.0),)
        return plain - problem.objective(problem.initial())

    differs = [not torch.allclose(penalty(EXPERT, step), penalty(far, step)) for step in range(40)]
    assert 0 < sum(differs) < 40


def test_memory_is_put_on_a_device_whole():
    memory = DiscriminatorMemory(torch.zeros(1, 3), (torch.zeros(()), torch.zeros(1, 3)))
    memory.to(torch.device("meta"))
    assert memory.weights.is_meta
    assert all(part.is_meta for part in memory.state)
