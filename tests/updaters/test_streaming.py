"""Streaming Adam: torch's steps without the gradient, and a state that both can continue from."""

import copy

import pytest
import torch

from minimax_l2l import DenseMLPUpdater, StreamingAdam
from minimax_l2l.updaters import streaming
from minimax_l2l.updaters.outer_product import OuterProduct

OPTIONS = {
    "descent": {"lr": 1e-2},
    "ascent with decay": {"lr": 1e-3, "weight_decay": 2e-4, "maximize": True},
    "other moments": {"lr": 1e-3, "betas": (0.5, 0.9), "eps": 1e-4, "weight_decay": 0.1},
}


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """Blocks of a few rows, so that every matrix takes several and the last one is shorter."""
    monkeypatch.setattr(streaming, "_BLOCK", 100)


def updaters(size=7, **options):
    plain = DenseMLPUpdater(size, zero_head=False, **options)
    twin = DenseMLPUpdater(size, zero_head=False, streaming=True, **options)
    twin.load_state_dict(plain.state_dict())
    return plain, twin


def walk(updater, adam, steps, *, seed=0, instances=1, calls=1, clip=None):
    generator = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        features = torch.randn(instances, 2, updater.size, generator=generator)
        for _ in range(calls):
            update, _ = updater(features, ())
            features = torch.stack([features[:, 0] + update, features[:, 1]], dim=1)
        phi = list(updater.parameters())
        gradients = torch.autograd.grad(features[:, 0].tanh().sum(), phi, allow_unused=True)
        for parameter, gradient in zip(phi, gradients, strict=True):
            parameter.grad = gradient
        if clip is not None:
            torch.nn.utils.clip_grad_norm_(phi, clip)
        adam.step()
        adam.zero_grad()


def assert_same(plain, twin, tolerance):
    for one, other in zip(plain.parameters(), twin.parameters(), strict=True):
        assert (one - other).abs().max() <= tolerance * one.abs().max()


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("clip", [None, 0.5])
@pytest.mark.parametrize(("instances", "calls"), [(1, 1), (1, 3), (4, 1), (3, 2)])
@pytest.mark.parametrize("name", OPTIONS)
def test_steps_are_those_of_torchs_adam(name, instances, calls, clip, fused):
    plain, twin = updaters()
    start = copy.deepcopy(plain)
    how = {"steps": 6, "instances": instances, "calls": calls, "clip": clip}
    walk(plain, torch.optim.Adam(plain.parameters(), **OPTIONS[name], fused=fused), **how)
    walk(twin, StreamingAdam(twin.parameters(), **OPTIONS[name]), **how)
    assert_same(plain, twin, 1e-6)
    assert all((a != b).any() for a, b in zip(start.parameters(), twin.parameters(), strict=True))


def test_for_one_instance_they_are_those_of_fused_adam_to_the_bit():
    plain, twin = updaters()
    walk(plain, torch.optim.Adam(plain.parameters(), weight_decay=2e-4, maximize=True, fused=True), 4)
    walk(twin, StreamingAdam(twin.parameters(), weight_decay=2e-4, maximize=True), 4)
    assert_same(plain, twin, 0.0)


def test_groups_have_their_own_rates():
    plain, twin = updaters()
    walk(plain, torch.optim.Adam(plain.parameter_groups(1e-2), fused=True), 3)
    walk(twin, StreamingAdam(twin.parameter_groups(1e-2)), 3)
    assert_same(plain, twin, 1e-6)


def test_no_gradient_of_a_matrix_is_ever_formed(monkeypatch):
    _, twin = updaters()
    monkeypatch.setattr(OuterProduct, "dense", lambda _: pytest.fail("a gradient was formed"))
    walk(twin, StreamingAdam(twin.parameters()), 2, instances=2, calls=2, clip=1.0)


def test_a_run_that_is_resumed_ends_with_the_same_bits():
    _, whole = updaters()
    halves = copy.deepcopy(whole)
    adam = StreamingAdam(whole.parameters(), weight_decay=2e-4, maximize=True)
    walk(whole, adam, 3)
    walk(whole, adam, 3, seed=1)
    first = StreamingAdam(halves.parameters(), weight_decay=2e-4, maximize=True)
    walk(halves, first, 3)
    resumed = copy.deepcopy(halves)
    second = StreamingAdam(resumed.parameters(), weight_decay=2e-4, maximize=True)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    walk(resumed, second, 3, seed=1)
    assert_same(whole, resumed, 0.0)
    states = adam.state_dict()["state"], second.state_dict()["state"]
    for key, state in states[0].items():
        assert all(torch.equal(value, states[1][key][name]) for name, value in state.items())


def test_torchs_adam_can_go_on_from_its_state():
    plain, twin = updaters()
    adam, other = torch.optim.Adam(plain.parameters(), fused=True), StreamingAdam(twin.parameters())
    walk(plain, adam, 2)
    walk(twin, other, 2)
    after = torch.optim.Adam(twin.parameters(), fused=True)
    after.load_state_dict(other.state_dict())
    walk(plain, adam, 2, seed=1)
    walk(twin, after, 2, seed=1)  # which forms what it is given
    assert_same(plain, twin, 1e-6)


def test_gradients_stay_until_they_are_cleared_and_a_closures_value_is_returned():
    _, twin = updaters()
    adam = StreamingAdam(twin.parameters())

    def closure():
        value = twin(torch.ones(1, 2, 7), ())[0].sum()
        value.backward()
        return value.item()

    assert isinstance(adam.step(closure), float)
    assert isinstance(twin.head.weight.grad, OuterProduct)
    before = copy.deepcopy(twin)
    adam.zero_grad()
    adam.step()
    assert_same(before, twin, 0.0)


@pytest.mark.parametrize("fan_in_scaling", [False, True])
def test_a_schedule_moves_its_rates(fan_in_scaling):
    _, twin = updaters(fan_in_scaling=fan_in_scaling)
    adam = StreamingAdam(twin.parameter_groups(1e-2))
    rates = [group["lr"] for group in adam.param_groups]
    schedule = torch.optim.lr_scheduler.ExponentialLR(adam, 0.5)
    walk(twin, adam, 1)
    schedule.step()
    assert [group["lr"] for group in adam.param_groups] == [rate / 2 for rate in rates]
