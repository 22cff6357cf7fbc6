"""The tenth that is set apart is the same every time, whatever the images come from."""

import numpy as np
import pytest
import torch
from own_images import archive

from tasks.adversarial import Images, from_npz
from tasks.adversarial.data.split import set_apart


def numbered(count: int) -> Images:
    return Images(torch.zeros(count, 1, 2, 2, dtype=torch.uint8), torch.arange(count))


class TestSetApart:
    def test_a_tenth_that_never_changes(self):
        kept, held_out = set_apart(numbered(30), "here")
        assert held_out.labels.tolist() == [14, 13, 23]
        assert sorted(torch.cat([kept.labels, held_out.labels]).tolist()) == list(range(30))

    @pytest.mark.parametrize(("count", "tenth"), [(10, 1), (19, 1), (20, 2), (1257, 125)])
    def test_sizes(self, count, tenth):
        assert [len(part) for part in set_apart(numbered(count), "here")] == [count - tenth, tenth]

    def test_an_archive_is_split_so(self, tmp_path):
        file = archive(tmp_path / "mine.npz")
        with np.load(file) as arrays:
            expected = set_apart(Images(arrays["x_train"][:, None], arrays["y_train"]), file)
        data = from_npz(file)
        assert torch.equal(data.train.images, expected[0].images)
        assert torch.equal(data.validation.images, expected[1].images)

    def test_the_global_generator_is_left_alone(self):
        before = torch.get_rng_state()
        set_apart(numbered(30), "here")
        assert torch.equal(torch.get_rng_state(), before)

    def test_too_few(self):
        with pytest.raises(ValueError, match="here holds 9 training images; at least 10 are needed"):
            set_apart(numbered(9), "here")
