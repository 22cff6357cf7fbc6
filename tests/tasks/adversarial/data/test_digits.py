"""The digits and their split never change."""

import hashlib
import sys

import pytest
import torch

from minimax_l2l import MissingExtraError
from tasks.adversarial import digits

GOLDEN = [
    "3bfc04712f393fbf3f0fbc6257af19673cd6a503ba0e6c17e755b400ea213c6e",
    "01550028a02e9cdb293842411d32080d0901f245de5f3e9dedbaed44b21916b0",
    "b06274b6d01628f032960a2dcab56c3f27a284cfd0e5d7263b0a9e07661d920d",
]


class TestDigits:
    def test_sizes(self):
        parts = digits()
        assert (len(parts.train), len(parts.validation), len(parts.test)) == (1257, 180, 360)
        assert (parts.shape, parts.classes) == ((1, 8, 8), 10)
        assert parts.train.images.aminmax() == (0, 1)

    def test_the_source_and_the_split_never_change(self):
        parts = digits()
        assert parts.sha256 == "f6d9e39f37dc45d327f6db33428ee58970ccceabb2535a5c179de35886b70443"
        found = [
            hashlib.sha256(part.images.numpy().tobytes() + part.labels.numpy().tobytes()).hexdigest()
            for part in (parts.train, parts.validation, parts.test)
        ]
        assert found == GOLDEN

    def test_no_image_is_in_two_parts(self):
        parts = digits()
        images = torch.cat([part.images for part in (parts.train, parts.validation, parts.test)])
        assert len(images.flatten(1).unique(dim=0)) == len(images) == 1797

    def test_the_global_generator_is_left_alone(self):
        before = torch.get_rng_state()
        digits()
        assert torch.equal(torch.get_rng_state(), before)

    def test_missing_extra(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "sklearn", None)
        monkeypatch.delitem(sys.modules, "sklearn.datasets", raising=False)
        with pytest.raises(
            MissingExtraError, match=r'digits data set needs sklearn.*pip install "minimax-l2l\[vision\]"'
        ):
            digits()
