"""Tiny files of public data sets, each in its real format and place."""

import hashlib
import pickle
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat
from torchvision import datasets

COUNT = {"train": 40, "test": 8}


def pixels(part: str, *shape: int) -> np.ndarray:
    """The same bytes for a part every time."""
    random = np.random.default_rng(len(part))
    return random.integers(0, 256, (COUNT[part], *shape)).astype(np.uint8)


def labels(part: str) -> np.ndarray:
    return np.arange(COUNT[part]) % 10


def published(name: str, folder: Path, patch: pytest.MonkeyPatch) -> Path:
    """Write a data set into a folder, and have torchvision expect the checksums of these files."""
    WRITERS[name](folder, patch)
    return folder


def _cifar10(folder: Path, patch: pytest.MonkeyPatch) -> None:
    place = folder / "cifar-10-batches-py"
    place.mkdir(parents=True)
    sums = {}
    for number, rows in enumerate(np.split(np.arange(40), 5), start=1):
        batch = {
            "batch_label": f"training batch {number} of 5",
            "labels": labels("train")[rows].tolist(),
            "data": pixels("train", 3072)[rows],
        }
        sums[f"data_batch_{number}"] = _pickle(place / f"data_batch_{number}", batch)
    sums["test_batch"] = _pickle(
        place / "test_batch", {"labels": labels("test").tolist(), "data": pixels("test", 3072)}
    )
    meta = _pickle(place / "batches.meta", {"label_names": [f"class {place}" for place in range(10)]})
    patch.setattr(datasets.CIFAR10, "train_list", [[one, sums[one]] for one in sums if one != "test_batch"])
    patch.setattr(datasets.CIFAR10, "test_list", [["test_batch", sums["test_batch"]]])
    patch.setattr(datasets.CIFAR10, "meta", {**datasets.CIFAR10.meta, "md5": meta})


def _cifar100(folder: Path, patch: pytest.MonkeyPatch) -> None:
    place = folder / "cifar-100-python"
    place.mkdir(parents=True)
    for part in COUNT:
        batch = {
            "data": pixels(part, 3072),
            "fine_labels": (labels(part) * 11).tolist(),
            "coarse_labels": labels(part).tolist(),
        }
        patch.setattr(datasets.CIFAR100, f"{part}_list", [[part, _pickle(place / part, batch)]])
    meta = _pickle(place / "meta", {"fine_label_names": [f"class {place}" for place in range(100)]})
    patch.setattr(datasets.CIFAR100, "meta", {**datasets.CIFAR100.meta, "md5": meta})


def _pickle(file: Path, content: dict) -> str:
    """As Python 2 and its NumPy wrote it: a module has its old name, and flags are numbers."""
    whole = pickle.dumps(content, protocol=2).replace(b"numpy._core", b"numpy.core")
    whole = whole.replace(b"\x89\x88\x87", b"K\x00K\x01\x87")
    file.write_bytes(whole)
    return hashlib.md5(whole).hexdigest()


def _svhn(folder: Path, patch: pytest.MonkeyPatch) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    listed = dict(datasets.SVHN.split_list)
    for part in COUNT:
        file = folder / f"{part}_32x32.mat"
        numbers = np.where(labels(part) == 0, 10, labels(part))[:, None].astype(np.uint8)  # a zero is called 10
        savemat(file, {"X": pixels(part, 3, 32, 32).transpose(2, 3, 1, 0), "y": numbers})
        listed[part] = [listed[part][0], file.name, hashlib.md5(file.read_bytes()).hexdigest()]
    patch.setattr(datasets.SVHN, "split_list", listed)


def _idx(place: Path) -> None:
    place.mkdir(parents=True)
    for part, begin in (("train", "train"), ("test", "t10k")):
        images, numbers = pixels(part, 28, 28), labels(part).astype(np.uint8)
        head = np.array([0x803, len(images), 28, 28], dtype=">u4").tobytes()
        (place / f"{begin}-images-idx3-ubyte").write_bytes(head + images.tobytes())
        head = np.array([0x801, len(numbers)], dtype=">u4").tobytes()
        (place / f"{begin}-labels-idx1-ubyte").write_bytes(head + numbers.tobytes())


WRITERS = {
    "cifar10": _cifar10,
    "cifar100": _cifar100,
    "svhn": _svhn,
    "mnist": lambda folder, patch: _idx(folder / "MNIST" / "raw"),
    "fashion-mnist": lambda folder, patch: _idx(folder / "FashionMNIST" / "raw"),
}
