"""Images of one's own are read from an archive, or refused with a sentence."""

import hashlib
import zipfile

import numpy as np
import pytest
import torch

from tasks.adversarial import from_npz


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
        assert parts.test.images.dtype == torch.uint8
        assert torch.equal(parts.test.pixels(), wanted)
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
        images = torch.cat([one.train.images, one.validation.images])
        found = sorted(image.flatten().tolist() for image in images)
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
            ({"x_train": np.zeros((40, 8, 8), np.int64)}, TypeError, r"images must be bytes \(uint8"),
            ({"x_train": np.zeros((40, 64), np.uint8)}, ValueError, r"got \(40, 64\)"),
            ({"x_train": np.zeros((40, 8, 8, 4), np.uint8)}, ValueError, r"\(40, 8, 8, 4\), of which neither end"),
            ({"x_train": np.zeros((40, 3, 8, 3), np.uint8)}, ValueError, r"\(40, 3, 8, 3\), of which either end"),
            ({"x_test": np.zeros((8, 2, 8, 8), np.uint8)}, ValueError, "x_test has shape .*save images as"),
            (
                {"y_train": np.arange(40) / 2},
                TypeError,
                r"y_train must be whole numbers, got an array of float64; .* numpy.unique\(y_train",
            ),
            (
                {"y_train": np.eye(4)[np.arange(40) % 4]},
                TypeError,
                r"got an array of float64; save y_train.argmax\(1\) of one-hot ones",
            ),
            (
                {"y_train": np.eye(4, dtype=int)[np.arange(40) % 4]},
                ValueError,
                r"pass labels.argmax\(1\) of one-hot",
            ),
            ({"y_test": np.arange(8)[:, None] % 2}, ValueError, r"got \(8, 1\); pass labels\[:, 0\]"),
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
