"""Random numbers that belong to an instance: uniform, apart, and the same wherever the instance is."""

import pytest
import torch

from minimax_l2l.randomness import uniform

LIKE, INDICES = torch.empty(6, 3, 4), torch.arange(6)


def draw(like=LIKE, indices=INDICES, *, seed=0, step=0):
    return uniform(like, indices, seed=seed, step=step)


def mix(value):
    """SplitMix64's output function on whole numbers of 64 bits."""
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    value = (value ^ (value >> 27)) * 0x94D049BB133111EB % 2**64
    return value ^ (value >> 31)


def by_hand(seed, step, index, coordinate):
    gamma = 0x9E3779B97F4A7C15
    stream = mix((mix((seed + gamma) % 2**64) + step * gamma) % 2**64)
    row = mix((stream + (index + 1) * gamma) % 2**64)
    return mix((row + (coordinate + 1) * gamma) % 2**64) >> 40


def test_numbers_are_those_of_splitmix64_and_never_change():
    """Random starts depend on them: another number here is another result in every recorded run."""
    numbers = (uniform(torch.empty(2, 3), torch.tensor([0, 41]), seed=7, step=5) * 2**24).long().tolist()
    assert numbers == [[by_hand(7, 5, index, coordinate) for coordinate in range(3)] for index in (0, 41)]
    assert numbers == [[6113460, 12717718, 8627795], [6800439, 7226853, 3191032]]


@pytest.mark.parametrize("seed", [0, 1, -1, 2**31, 2**63 - 1, -(2**63), 2**64 + 5])
@pytest.mark.parametrize("step", [0, 3, 2**40, 2**63 - 1, -7])
def test_every_seed_and_step_wraps_around_as_in_64_bits(seed, step):
    indices = torch.tensor([0, 41, 2**40, -3])
    numbers = (uniform(torch.empty(4, 3), indices, seed=seed, step=step) * 2**24).long().tolist()
    assert numbers == [
        [by_hand(seed, step, index, coordinate) for coordinate in range(3)] for index in indices.tolist()
    ]


def test_nothing_is_copied_to_the_device_or_read_from_it():
    with torch.profiler.profile() as profile:
        uniform(LIKE, INDICES, seed=7, step=5)
    names = {event.key for event in profile.key_averages()}
    assert not names & {"aten::_local_scalar_dense", "aten::lift_fresh", "aten::item", "aten::tensor"}


def test_a_row_depends_on_its_instance_and_not_on_its_batch():
    whole = draw()
    assert torch.equal(torch.cat([draw(LIKE[:2], INDICES[:2]), draw(LIKE[2:], INDICES[2:])]), whole)
    order = torch.tensor([3, 0, 5, 1, 4, 2])
    assert torch.equal(draw(indices=order), whole[order])


def test_seed_step_and_index_each_change_every_number():
    whole = draw()
    for other in (draw(seed=1), draw(step=1), draw(indices=INDICES + 6), draw(seed=2**31, step=2**40)):
        assert (other != whole).all()


def test_numbers_are_uniform_and_uncorrelated():
    numbers = uniform(torch.empty(500, 200, dtype=torch.float64), torch.arange(500), seed=3, step=9)
    counts = torch.histc(numbers, bins=16, min=0, max=1)
    assert (counts / 100_000 * 16 - 1).abs().max() < 0.05
    assert abs(numbers.mean().item() - 0.5) < 0.005
    assert abs(numbers.var().item() - 1 / 12) < 0.001
    centred = numbers - 0.5
    for neighbour in (centred.roll(1, 0), centred.roll(1, 1), uniform(numbers, torch.arange(500), seed=3, step=10)):
        assert abs((centred * (neighbour - neighbour.mean())).mean().item()) < 0.002


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_every_dtype_gets_numbers_below_one(dtype):
    numbers = uniform(torch.empty(64, 64, dtype=dtype), torch.arange(64), seed=0, step=0)
    assert numbers.dtype == dtype
    assert 0 <= numbers.min() < 0.01
    assert 0.99 < numbers.max() < 1


def test_float32_and_float64_get_the_same_numbers():
    assert torch.equal(draw().double(), draw(LIKE.double()))


def test_indices_may_be_of_any_integer_type_and_events_of_any_shape():
    assert torch.equal(draw(indices=INDICES.to(torch.int32)), draw())
    assert torch.equal(draw(LIKE.flatten(1)), draw().flatten(1))
    assert draw(LIKE[:0], INDICES[:0]).shape == (0, 3, 4)
