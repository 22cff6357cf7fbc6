"""How like the expert a policy acts."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import energy_distance as scalar_energy_distance

from tasks.gail.measures.likeness import (
    action_agreement,
    action_error,
    energy_distance,
    state_action_distance,
)

STATES = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [2.0, 0.0], [-2.0, 0.0]])


def push_where_it_leans(states):
    return (states[:, 0] > 0).long()


class TestActions:
    def test_agreement_by_hand(self):
        # The policy gives 1 0 1 0; three of four are the expert's.
        assert action_agreement(push_where_it_leans, STATES, torch.tensor([1, 0, 0, 0])) == 0.75

    def test_error_by_hand(self):
        # Errors (1, 1), (1, -1), (2, 0), (2, 0) in squared length: 2, 2, 4, 4.
        wanted = STATES + torch.tensor([[1.0, 1], [1, -1], [2, 0], [2, 0]])
        assert action_error(lambda states: states, STATES, wanted) == 3.0

    def test_the_policy_is_asked_without_gradients(self):
        layer = torch.nn.Linear(2, 2)
        asked = []

        def policy(states):
            asked.append(layer(states))
            return asked[-1]

        action_error(policy, STATES, STATES)
        assert not asked[0].requires_grad

    def test_each_kind_of_action_has_its_measure(self):
        with pytest.raises(TypeError, match="use action_error"):
            action_agreement(push_where_it_leans, STATES, torch.zeros(4))
        with pytest.raises(TypeError, match="use action_agreement"):
            action_error(push_where_it_leans, STATES, torch.zeros(4, dtype=torch.long))

    def test_shapes_that_would_broadcast_are_refused(self):
        with pytest.raises(ValueError, match=r"got shape \(4,\) for \(4, 1\)"):
            action_agreement(push_where_it_leans, STATES, torch.zeros(4, 1, dtype=torch.long))

    def test_no_states(self):
        with pytest.raises(ValueError, match="there must be some"):
            action_agreement(push_where_it_leans, STATES[:0], torch.zeros(0, dtype=torch.long))


def sample(count, dimensions=3, seed=0, shift=0.0):
    generator = torch.Generator().manual_seed(seed)
    return shift + torch.randn(count, dimensions, generator=generator, dtype=torch.float64)


class TestEnergyDistance:
    def test_two_points_by_hand(self):
        # 2 * 5 - 0 - 0 for one point each, at distance 5.
        assert energy_distance(torch.tensor([[0.0, 0.0]]), torch.tensor([[3.0, 4.0]])) == 10.0

    def test_samples_by_hand(self):
        # X = 0, 2; Y = 1: E|X - Y| = 1, E|X - X'| = (0 + 2 + 2 + 0) / 4 = 1, E|Y - Y'| = 0, so 2 - 1 - 0.
        assert energy_distance(torch.tensor([[0.0], [2.0]]), torch.tensor([[1.0]])) == 1.0

    def test_is_the_square_of_scipys_for_scalars(self):
        x, y = sample(40, 1), sample(30, 1, seed=1, shift=0.7)
        wanted = scalar_energy_distance(x.flatten().numpy(), y.flatten().numpy()) ** 2
        assert energy_distance(x, y) == pytest.approx(wanted, rel=1e-9)

    seeds = st.integers(0, 10_000)

    @settings(max_examples=30, deadline=None)
    @given(seeds, seeds, st.integers(1, 20), st.integers(1, 20))
    def test_symmetric_and_positive(self, one, other, n, m):
        x, y = sample(n, seed=one), sample(m, seed=other + 20_000)
        assert energy_distance(x, y) == pytest.approx(energy_distance(y, x))
        assert energy_distance(x, y) > 0

    @settings(max_examples=30, deadline=None)
    @given(seeds, st.integers(1, 20))
    def test_zero_for_equal_samples_in_any_order(self, seed, n):
        x = sample(n, seed=seed)
        assert energy_distance(x, x) == 0
        assert energy_distance(x, x.flip(0)) == pytest.approx(0, abs=1e-12)
        assert energy_distance(x, torch.cat([x, x])) == pytest.approx(0, abs=1e-12)

    def test_scales_with_the_unit_and_ignores_the_origin(self):
        x, y = sample(20), sample(25, seed=1)
        assert energy_distance(8 * x + 3, 8 * y + 3) == pytest.approx(8 * energy_distance(x, y))

    def test_grows_with_the_shift(self):
        x = sample(50)
        distances = [energy_distance(x, sample(50, seed=1, shift=shift)) for shift in (0.0, 0.5, 1.0, 2.0)]
        assert distances == sorted(distances)

    def test_close_points_far_from_the_origin(self):
        # The matrix-product form of the distance loses these to cancellation.
        x = torch.full((30, 2), 1e7, dtype=torch.float64)
        assert energy_distance(x, x + torch.tensor([3e-4, 4e-4])) == pytest.approx(1e-3, rel=1e-4)

    @pytest.mark.parametrize("shapes", [((3,), (3,)), ((3, 2), (3, 1)), ((0, 2), (3, 2))])
    def test_shapes(self, shapes):
        with pytest.raises(ValueError, match="two non-empty samples"):
            energy_distance(*(torch.zeros(shape) for shape in shapes))

    def test_nan(self):
        with pytest.raises(ValueError, match="finite samples"):
            energy_distance(torch.tensor([[math.nan]]), torch.tensor([[1.0]]))


def distance(expert, policy, most=2000, seed=0):
    return state_action_distance(expert, policy, generator=torch.Generator().manual_seed(seed), most=most)


class TestStateActionDistance:
    def test_discrete_actions_by_hand(self):
        # One state; the expert always takes 0, the policy 0 and 2: E|X - Y| = sqrt(2) / 2, E|Y - Y'| = sqrt(2) / 2.
        state = torch.zeros(2, 1)
        wanted = 2 * math.sqrt(2) / 2 - math.sqrt(2) / 2
        assert distance((state, torch.tensor([0, 0])), (state, torch.tensor([0, 2]))) == pytest.approx(wanted)

    def test_states_count_in_the_experts_units(self):
        # Expert states -10 and 10 have standard deviation 10; the policy's 0 is one such unit from both.
        # E|X - Y| = 1, E|X - X'| = (0 + 2 + 2 + 0) / 4 = 1, E|Y - Y'| = 0.
        act = torch.tensor([1, 1])
        assert distance((torch.tensor([[-10.0], [10.0]]), act), (torch.zeros(2, 1), act)) == pytest.approx(1.0)

    def test_the_unit_of_states_and_box_actions_does_not_matter(self):
        expert, policy = (sample(40), sample(40, 2, seed=1)), (sample(30, seed=2), sample(30, 2, seed=3))
        states, actions = torch.tensor([1e3, 1.0, 1e-3]), torch.tensor([50.0, 0.1])
        scaled = [(s * states, a * actions) for s, a in (expert, policy)]
        assert distance(*scaled) == pytest.approx(distance(expert, policy))

    def test_a_coordinate_the_expert_never_moves_keeps_its_unit(self):
        act = torch.zeros(2, dtype=torch.long)
        still = torch.tensor([[5.0], [5.0]])
        assert distance((still, act), (still + 2, act)) == pytest.approx(2 * 2.0)

    def test_the_same_states_with_other_actions_differ(self):
        states, actions = sample(50), torch.arange(50) % 2
        assert distance((states, actions), (states, actions)) == 0
        assert distance((states, actions), (states, 1 - actions)) > 0.01

    def test_images_are_flattened(self):
        act = torch.zeros(3, dtype=torch.long)
        picture = sample(3, 8).view(3, 2, 4)
        assert distance((picture, act), (picture + 1, act)) == pytest.approx(
            distance((picture.flatten(1), act), (picture.flatten(1) + 1, act))
        )

    def test_a_subsample_is_seeded_and_near_the_whole(self):
        expert = (sample(3000), torch.arange(3000) % 2)
        policy = (sample(3000, seed=1, shift=1.0), torch.arange(3000) % 2)
        part = distance(expert, policy, most=500)
        assert part == distance(expert, policy, most=500)
        assert part != distance(expert, policy, most=500, seed=1)
        assert part == pytest.approx(distance(expert, policy, most=3000), rel=0.15)

    def test_samples_within_the_limit_use_no_draw(self):
        pairs = sample(20), torch.arange(20) % 2
        generator = torch.Generator().manual_seed(0)
        before = generator.get_state()
        state_action_distance(pairs, pairs, generator=generator, most=20)
        assert torch.equal(generator.get_state(), before)

    def test_refusals(self):
        states, act = torch.zeros(2, 1), torch.tensor([0, 1])
        with pytest.raises(TypeError, match="one action space"):
            distance((states, act), (states, torch.zeros(2, 1)))
        with pytest.raises(ValueError, match="come in pairs, got 2 and 1"):
            distance((states, act[:1]), (states, act))
        with pytest.raises(ValueError, match="most must be at least 1"):
            distance((states, act), (states, act), most=0)
