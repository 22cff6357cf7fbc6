"""Images are checked once, at the door, and the split of the digits never changes."""

import hashlib
import sys
import zipfile

import numpy as np
import pytest
import torch

from minimax_l2l import MissingExtraError
from tasks.adversarial import ImageData, Images, digits, from_npz

PIXELS = torch.full((4, 1, 8, 8), 0.5)
LABELS = torch.tensor([0, 1, 2, 1])


def changed(value: float) -> torch.Tensor:
    """The images with one pixel changed."""
    images = PIXELS.clone()
    images[1, 0, 2, 3] = value
    return images


class TestImages:
    def test_whole_images(self):
        images = Images(PIXELS, LABELS.to(torch.int8))
        assert len(images) == 4
        assert images.labels.dtype == torch.int64
        assert torch.equal(images.first(2).labels, LABELS[:2])

    @pytest.mark.parametrize(
        ("images", "sentence"),
        [
            (PIXELS + 1, r"images must lie in \[0, 1\], got values from 1.5 to 1.5; rescale them"),
            (changed(-0.01), r"images must lie in \[0, 1\], got values from -0.01 to 0.5"),
            (changed(1.001), r"images must lie in \[0, 1\], got values from 0.5 to 1.001"),
            (changed(torch.inf), r"images must lie in \[0, 1\], got values from 0.5 to inf"),
            (changed(-torch.inf), r"images must lie in \[0, 1\], got values from -inf to 0.5"),
            (changed(torch.nan), "1 of 4 images hold NaN pixels; drop or repair them"),
            (PIXELS[:, 0], r"shape \(n, channels, height, width\) .*, got \(4, 8, 8\); add the channel dimension"),
            (PIXELS[:0], r"with n >= 1, got \(0, 1, 8, 8\)"),
            (torch.tensor(0.5), r"shape \(n, channels, height, width\) with n >= 1, got \(\)"),
        ],
    )
    def test_pixels_that_are_refused(self, images, sentence):
        with pytest.raises(ValueError, match=sentence):
            Images(images, LABELS[: len(images)] if images.dim() else LABELS)

    def test_both_ends_are_pixels(self):
        assert len(Images(changed(0.0), LABELS)) == len(Images(changed(1.0), LABELS)) == 4

    @pytest.mark.parametrize("dtype", [torch.uint8, torch.int64, torch.bool, torch.complex64])
    def test_pixels_are_floating_point(self, dtype):
        with pytest.raises(
            TypeError, match=rf"images must be floating point in \[0, 1\], got {dtype}; divide by 255"
        ):
            Images(PIXELS.to(dtype), LABELS)

    @pytest.mark.parametrize("dtype", [torch.float32, torch.bool, torch.complex64])
    def test_labels_are_whole_numbers(self, dtype):
        with pytest.raises(TypeError, match=rf"labels must be whole numbers, got {dtype}"):
            Images(PIXELS, LABELS.to(dtype))

    @pytest.mark.parametrize("labels", [LABELS[:3], LABELS[:, None], torch.eye(4, dtype=torch.int64)])
    def test_one_label_an_image(self, labels):
        with pytest.raises(ValueError, match=r"4 images need labels of shape \(4,\), got"):
            Images(PIXELS, labels)


def data(labels=LABELS, *, classes: int = 3, test: torch.Tensor = PIXELS) -> ImageData:
    good = Images(PIXELS, LABELS)
    return ImageData("mine", good, good, Images(test, labels), classes, sha256="")


class TestParts:
    def test_shape(self):
        assert data().shape == (1, 8, 8)

    @pytest.mark.parametrize("label", [3, 255, -1])
    def test_labels_lie_in_the_classes(self, label):
        low, high = min(0, label), max(2, label)
        with pytest.raises(ValueError, match=rf"labels must lie in 0 ... 2 for 3 classes, got {low} to {high}"):
            data(torch.tensor([0, 1, 2, label]))

    def test_all_parts_have_images_of_one_shape(self):
        with pytest.raises(ValueError, match=r"images of one shape, got \(1, 8, 8\) and \(3, 8, 8\)"):
            data(test=PIXELS.expand(4, 3, 8, 8))


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


GOLDEN = [
    "3bfc04712f393fbf3f0fbc6257af19673cd6a503ba0e6c17e755b400ea213c6e",
    "01550028a02e9cdb293842411d32080d0901f245de5f3e9dedbaed44b21916b0",
    "b06274b6d01628f032960a2dcab56c3f27a284cfd0e5d7263b0a9e07661d920d",
]


def archive(path, *, like=(8, 8), **changes):
    """A NumPy archive in the usual form: 40 and 8 images of bytes, labels of 4 classes."""
    random = np.random.default_rng(0)
    arrays = {
        "x_train": random.integers(0, 256, (40, *like)).astype(np.uint8),
        "y_train": np.arange(40) % 4,
        "x_test": random.integers(0, 256, (8, *like)).astype(np.uint8),
        "y_test": np.arange(8) % 4,
    }
    arrays = {name: value for name, value in {**arrays, **changes}.items() if value is not None}
    np.savez(path, **arrays)
    return path, arrays


class TestFromNpz:
    @pytest.mark.parametrize(
        ("like", "shape"),
        [
            ((28, 28), (1, 28, 28)),
            ((32, 32, 3), (3, 32, 32)),
            ((28, 28, 1), (1, 28, 28)),
            ((3, 32, 32), (3, 32, 32)),
            ((1, 6, 8), (1, 6, 8)),
        ],
    )
    def test_bytes(self, like, shape, tmp_path):
        file, arrays = archive(tmp_path / "mine.npz", like=like)
        parts = from_npz(file)
        assert (parts.name, parts.shape, parts.classes) == ("mine", shape, 4)
        assert (len(parts.train), len(parts.validation), len(parts.test)) == (36, 4, 8)
        wanted = torch.from_numpy(arrays["x_test"]).float() / 255
        if len(like) == 2:
            wanted = wanted[:, None]
        elif shape != like:
            wanted = wanted.permute(0, 3, 1, 2)
        assert torch.equal(parts.test.images, wanted)
        assert parts.test.labels.tolist() == [0, 1, 2, 3] * 2
        assert parts.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()

    @pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
    def test_floats(self, dtype, tmp_path):
        x = np.linspace(0, 1, 40 * 64).reshape(40, 8, 8).astype(dtype)
        parts = from_npz(archive(tmp_path / "a.npz", x_train=x, x_test=x[:8])[0])
        assert parts.test.images.dtype == torch.float32
        torch.testing.assert_close(parts.test.images[:, 0], torch.from_numpy(x[:8].astype(np.float32)))

    def test_the_held_out_tenth_is_fixed_and_partitions_the_training_images(self, tmp_path):
        file, arrays = archive(tmp_path / "a.npz")
        one, other = from_npz(file), from_npz(file)
        assert torch.equal(one.validation.images, other.validation.images)
        images = torch.cat([one.train.images, one.validation.images]) * 255
        found = sorted(image.flatten().round().int().tolist() for image in images)
        assert found == sorted(image.flatten().tolist() for image in arrays["x_train"])

    def test_classes_may_be_more_than_the_labels_show(self, tmp_path):
        assert from_npz(archive(tmp_path / "a.npz")[0], classes=7).classes == 7

    @pytest.mark.parametrize("name", ["x_train", "y_train", "x_test", "y_test"])
    def test_a_missing_array(self, name, tmp_path):
        file, _ = archive(tmp_path / "a.npz", **{name: None})
        with pytest.raises(
            ValueError, match=f"npz has no array {name}; it needs x_train, y_train, x_test and y_test"
        ):
            from_npz(file)

    @pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, ">i4"])
    def test_labels_of_any_whole_kind(self, dtype, tmp_path):
        parts = from_npz(archive(tmp_path / "a.npz", y_test=(np.arange(8) % 4).astype(dtype))[0])
        assert parts.test.labels.tolist() == [0, 1, 2, 3] * 2

    def test_a_missing_file(self, tmp_path):
        with pytest.raises(ValueError, match=r"there is no file .*; give a NumPy archive"):
            from_npz(tmp_path / "nowhere.npz")
        with pytest.raises(ValueError, match="there is no file"):
            from_npz(tmp_path)

    def test_pickled_arrays_are_not_opened(self, tmp_path):
        file, _ = archive(tmp_path / "a.npz", x_train=np.array([{"not": "pixels"}] * 40, dtype=object))
        with pytest.raises(ValueError, match=r"is no readable NumPy archive .*allow_pickle=False"):
            from_npz(file)

    @pytest.mark.parametrize("content", [b"", b"no archive at all", b"PK\x03\x04 torn"])
    def test_no_archive(self, content, tmp_path):
        (tmp_path / "a.npz").write_bytes(content)
        with pytest.raises(ValueError, match=r"a\.npz is no readable NumPy archive"):
            from_npz(tmp_path / "a.npz")

    def test_one_array_is_no_archive(self, tmp_path):
        np.save(tmp_path / "a.npy", np.zeros(3))
        with pytest.raises(ValueError, match=r"a\.npy is no readable NumPy archive"):
            from_npz(tmp_path / "a.npy")

    def test_a_torn_archive(self, tmp_path):
        file, _ = archive(tmp_path / "a.npz")
        whole = file.read_bytes()
        file.write_bytes(whole[: len(whole) // 2])
        with pytest.raises(ValueError, match="is no readable NumPy archive"):
            from_npz(file)

    def test_damaged_bytes(self, tmp_path):
        file = tmp_path / "a.npz"
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
            packed.writestr("x_train.npy", bytes(range(256)) * 20)
        content = bytearray(file.read_bytes())
        content[50:60] = bytes(10)
        file.write_bytes(content)
        with pytest.raises(ValueError, match="is no readable NumPy archive"):
            from_npz(file)

    @pytest.mark.parametrize(
        ("changes", "error", "sentence"),
        [
            ({"x_train": np.full((40, 8, 8), 1.5)}, ValueError, r"images must lie in \[0, 1\]"),
            ({"x_test": np.full((8, 8, 8), np.nan)}, ValueError, "8 of 8 images hold NaN pixels"),
            ({"x_train": np.zeros((40, 8, 8), np.int64)}, TypeError, "images must be floating point"),
            ({"x_train": np.zeros((40, 64), np.uint8)}, ValueError, r"got \(40, 64\)"),
            (
                {"y_train": np.arange(40) / 2},
                TypeError,
                r"y_train must be whole numbers, got an array of float64; .* save y_train.astype\(int\)",
            ),
            ({"y_test": np.array(["cat"] * 8)}, TypeError, "y_test must be whole numbers, got an array of <U3"),
            ({"y_train": np.arange(40) % 2 == 0}, TypeError, "y_train must be whole numbers, got an array of bool"),
            (
                {"y_train": np.arange(40) % 4 - 1},
                ValueError,
                "training labels must lie in 0 ... 2 for 3 classes, got -1 to 2; number the classes from 0",
            ),
            (
                {"y_test": np.arange(8)},
                ValueError,
                "test labels must lie in 0 ... 3 for 4 classes, got 0 to 7; .* training images of each",
            ),
            ({"y_train": np.full(40, 10**9)}, ValueError, "there are only 40 training images; number the classes"),
            ({"y_train": np.zeros((40, 1), np.int64)}, ValueError, r"labels of shape \(40,\), got \(40, 1\)"),
            ({"x_test": np.zeros((8, 9, 9), np.uint8)}, ValueError, "images of one shape"),
            ({"x_train": np.zeros((9, 8, 8)), "y_train": np.arange(9) % 4}, ValueError, "at least 10 are needed"),
        ],
    )
    def test_what_is_in_it_is_checked(self, changes, error, sentence, tmp_path):
        with pytest.raises(error, match=sentence):
            from_npz(archive(tmp_path / "a.npz", **changes)[0])
