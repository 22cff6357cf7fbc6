"""Images of your own, from a NumPy archive."""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from tasks.adversarial.data.images import ImageData, Images

ARRAYS = ("x_train", "y_train", "x_test", "y_test")
SPLIT_SEED = 0


def from_npz(path: Path | str, *, classes: int | None = None) -> ImageData:
    """Your own images, from a NumPy archive with the arrays x_train, y_train, x_test and y_test.

    The last tenth of the training images (a fixed random tenth) becomes the validation part.

    Args:
        path: the archive; pickled arrays in it are refused.
        classes: how many; the largest training label plus one if None.

    Returns:
        Images of shape (n, channels, height, width): bytes are divided by 255, floats must lie in [0, 1]
        already; grey images may come as (n, height, width) or (n, height, width, 1), colour ones as
        (n, height, width, 3).

    Raises:
        ValueError: if the file is missing or damaged, lacks an array, or `Images` refuses what is in it.
        TypeError: if labels are not whole numbers.
    """
    file = Path(path)
    if not file.is_file():
        raise ValueError(f"there is no file {file}; give a NumPy archive with x_train, y_train, x_test and y_test.")
    try:
        with zipfile.ZipFile(file), np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in ARRAYS if name in archive.files}
    except (ValueError, OSError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"{file} is no readable NumPy archive ({error}); write it with numpy.savez.") from error
    if missing := [name for name in ARRAYS if name not in arrays]:
        raise ValueError(
            f"{file} has no array {' or '.join(missing)}; it needs x_train, y_train, x_test and y_test."
        )
    train = Images(_image_tensor(arrays["x_train"]), _label_tensor("y_train", arrays))
    test = Images(_image_tensor(arrays["x_test"]), _label_tensor("y_test", arrays))
    if len(train) < 10:
        raise ValueError(f"{file} holds {len(train)} training images; at least 10 are needed to set some apart.")
    order = torch.randperm(len(train), generator=torch.Generator().manual_seed(SPLIT_SEED))
    held_out, kept = order[: len(train) // 10], order[len(train) // 10 :]
    return ImageData(
        name=file.stem,
        train=Images(train.images[kept], train.labels[kept]),
        validation=Images(train.images[held_out], train.labels[held_out]),
        test=test,
        classes=classes if classes is not None else _count_classes(train.labels),
        sha256=hashlib.sha256(file.read_bytes()).hexdigest(),
    )


def _count_classes(labels: Tensor) -> int:
    classes = max(int(labels.max()), 0) + 1
    if classes > len(labels):
        raise ValueError(
            f"the largest label is {classes - 1}, but there are only {len(labels)} training images; number the "
            "classes from 0 without gaps."
        )
    return classes


def _label_tensor(name: str, arrays: Mapping[str, np.ndarray]) -> Tensor:
    labels = arrays[name]
    if labels.dtype.kind not in "iu":
        raise TypeError(
            f"the labels {name} must be whole numbers, got an array of {labels.dtype}; number the classes from 0 "
            f"and save {name}.astype(int)."
        )
    return torch.from_numpy(labels.astype(np.int64))


def _image_tensor(array: np.ndarray) -> Tensor:
    tensor = torch.from_numpy(array)
    tensor = tensor.float() / 255 if tensor.dtype == torch.uint8 else tensor
    if tensor.is_floating_point():
        tensor = tensor.float()
    if tensor.dim() == 3:
        return tensor[:, None]
    colours_last = tensor.dim() == 4 and tensor.shape[-1] in (1, 3) and tensor.shape[1] not in (1, 3)
    return tensor.movedim(-1, 1).contiguous() if colours_last else tensor
