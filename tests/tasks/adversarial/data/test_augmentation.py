"""Crops and flips: numbers by hand, the same for an image and a step in any batch, and how they are undone."""

import pytest
import torch
from torch.nn import functional as F

from minimax_l2l import uniform
from tasks.adversarial import CropAndFlip
from tasks.adversarial.data.augmentation import Placement

NINE = torch.arange(1, 10).view(1, 1, 3, 3)


def placed(*shift: int, flip: bool = False) -> Placement:
    return Placement(torch.tensor([shift]), torch.tensor([flip]))


def images(count: int, *shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    levels = torch.randint(1, 256, (count, *shape), generator=torch.Generator().manual_seed(3))
    return levels.to(dtype) if dtype == torch.uint8 else (levels / 255).to(dtype)


class TestByHand:
    @pytest.mark.parametrize(
        ("shift", "flip", "expected"),
        [
            ((0, 0), False, [[1, 2, 3], [4, 5, 6], [7, 8, 9]]),
            ((0, 0), True, [[3, 2, 1], [6, 5, 4], [9, 8, 7]]),
            ((1, 0), False, [[4, 5, 6], [7, 8, 9], [0, 0, 0]]),
            ((-1, 0), False, [[0, 0, 0], [1, 2, 3], [4, 5, 6]]),
            ((0, 1), False, [[2, 3, 0], [5, 6, 0], [8, 9, 0]]),
            ((0, 1), True, [[0, 3, 2], [0, 6, 5], [0, 9, 8]]),
            ((-1, -2), True, [[0, 0, 0], [1, 0, 0], [4, 0, 0]]),
        ],
    )
    def test_three_by_three(self, shift, flip, expected):
        assert placed(*shift, flip=flip).apply(NINE)[0, 0].tolist() == expected

    @pytest.mark.parametrize(
        ("shift", "flip", "expected"),
        [
            ((0, 0), True, [[3, 2, 1], [6, 5, 4], [9, 8, 7]]),
            ((1, 0), False, [[-1, -1, -1], [1, 2, 3], [4, 5, 6]]),
            ((0, 1), False, [[-1, 1, 2], [-1, 4, 5], [-1, 7, 8]]),
            ((0, 1), True, [[-1, 3, 2], [-1, 6, 5], [-1, 9, 8]]),
        ],
    )
    def test_back(self, shift, flip, expected):
        assert placed(*shift, flip=flip).undo(NINE, torch.full_like(NINE, -1))[0, 0].tolist() == expected


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 5, 9)])
class TestLaws:
    def test_it_is_a_crop_of_the_padded_image(self, shape, dtype):
        given = images(40, *shape, dtype=dtype)
        drawn = CropAndFlip(padding=3).draw(torch.arange(40), seed=1, step=2)
        padded = F.pad(given, (3, 3, 3, 3))
        for place, (down, right) in enumerate((drawn.shifts + 3).tolist()):
            cropped = padded[place, :, down : down + shape[1], right : right + shape[2]]
            cropped = cropped.flip(-1) if drawn.flips[place] else cropped
            assert torch.equal(drawn.apply(given)[place], cropped)

    def test_kept_are_shape_dtype_device_and_what_was_given(self, shape, dtype):
        given, hidden = images(20, *shape, dtype=dtype), images(20, *shape, dtype=dtype)
        before = given.clone()
        drawn = CropAndFlip().draw(torch.arange(20), seed=1, step=2)
        for made in (drawn.apply(given), drawn.undo(given, hidden)):
            assert (made.shape, made.dtype, made.device) == (given.shape, given.dtype, given.device)
        assert torch.equal(given, before)

    def test_undone_it_is_as_before_where_it_was_seen_and_untouched_elsewhere(self, shape, dtype):
        given = images(40, *shape, dtype=dtype)
        drawn = CropAndFlip(padding=3).draw(torch.arange(40), seed=1, step=2)
        assert torch.equal(drawn.undo(drawn.apply(given), given), given)
        back = drawn.undo(drawn.apply(given), torch.zeros_like(given))
        seen = drawn.undo(torch.ones_like(given), torch.zeros_like(given)).bool()
        assert torch.equal(back, torch.where(seen, given, 0))
        assert (seen.flatten(1).sum(1) == _visible(drawn, shape)).all()
        assert not seen.all()

    def test_done_again_it_is_as_undone(self, shape, dtype):
        seen = images(40, *shape, dtype=dtype)
        drawn = CropAndFlip(padding=3).draw(torch.arange(40), seed=1, step=2)
        inside = drawn.apply(torch.ones_like(seen)).bool()
        assert torch.equal(drawn.apply(drawn.undo(seen, torch.zeros_like(seen))), torch.where(inside, seen, 0))


def _visible(drawn: Placement, shape: tuple[int, ...]) -> torch.Tensor:
    """How many numbers of each image are left after a crop."""
    left = torch.tensor(shape[1:]) - drawn.shifts.abs()
    return shape[0] * left.prod(1)


class TestDraw:
    def test_it_depends_on_the_seed_the_step_and_the_image_alone(self):
        augment, numbers = CropAndFlip(), torch.tensor([7, 0, 31, 4, 4, 123_456])
        whole = augment.draw(numbers, seed=5, step=9)
        for places in (torch.tensor([3]), torch.tensor([5, 1]), torch.arange(6).flip(0)):
            part = augment.draw(numbers[places], seed=5, step=9)
            assert torch.equal(part.shifts, whole.shifts[places])
            assert torch.equal(part.flips, whole.flips[places])
        assert torch.equal(whole.shifts[3], whole.shifts[4])
        many = torch.arange(100)
        for other in ({"seed": 6, "step": 9}, {"seed": 5, "step": 10}):
            assert not torch.equal(augment.draw(many, **other).shifts, augment.draw(many, seed=5, step=9).shifts)
            assert not torch.equal(augment.draw(many, **other).flips, augment.draw(many, seed=5, step=9).flips)

    def test_the_global_generator_is_left_alone(self):
        before = torch.get_rng_state()
        CropAndFlip().draw(torch.arange(4), seed=0, step=0)
        assert torch.equal(torch.get_rng_state(), before)

    @pytest.mark.parametrize("padding", [0, 1, 4])
    def test_every_shift_is_as_likely_as_another(self, padding):
        drawn = CropAndFlip(padding).draw(torch.arange(20_000), seed=0, step=0)
        assert (drawn.shifts.shape, drawn.shifts.dtype) == ((20_000, 2), torch.int64)
        places = 2 * padding + 1
        for column in drawn.shifts.T:
            counts = torch.bincount(column + padding, minlength=places)
            assert len(counts) == places
            assert (counts / 20_000 - 1 / places).abs().max() < 0.015
        if padding:
            assert abs(torch.corrcoef(drawn.shifts.T.float())[0, 1]) < 0.03

    def test_half_are_flipped_or_none(self):
        drawn = CropAndFlip().draw(torch.arange(20_000), seed=0, step=0)
        assert abs(drawn.flips.float().mean() - 0.5) < 0.015
        assert not CropAndFlip(flip=False).draw(torch.arange(100), seed=0, step=0).flips.any()

    def test_random_starts_are_made_of_other_numbers(self):
        """Else an image that moves down would always start from the same kind of perturbation."""
        drawn = CropAndFlip(padding=100).draw(torch.arange(5000), seed=0, step=3)
        start = uniform(torch.empty(5000, 3), torch.arange(5000), seed=0, step=3)
        moved = torch.cat([drawn.shifts.float(), drawn.flips.float()[:, None]], dim=1)
        both = torch.corrcoef(torch.cat([moved, start], dim=1).T)[:3, 3:]
        assert both.abs().max() < 0.06

    @pytest.mark.parametrize(
        ("arguments", "error", "sentence"),
        [
            ({"padding": -1}, ValueError, "padding must be at least 0"),
            ({"padding": 1.5}, TypeError, "padding must be an integer"),
            ({"flip": "yes"}, TypeError, "flip must be True or False"),
        ],
    )
    def test_what_makes_no_sense(self, arguments, error, sentence):
        with pytest.raises(error, match=sentence):
            CropAndFlip(**arguments)
