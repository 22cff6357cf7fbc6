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

from minimax_l2l.errors import require_a, require_count
from tasks.adversarial.data.images import CHANNELS, Images, as_tensor
from tasks.adversarial.data.parts import ImageData, count_classes
from tasks.adversarial.data.split import set_apart

ARRAYS = ("x_train", "y_train", "x_test", "y_test")


def from_npz(path: Path | str, *, classes: int | None = None) -> ImageData:
    """Your own images, from a NumPy archive with the arrays x_train, y_train, x_test and y_test.

    A random tenth of the training images, the same every time, becomes the validation part.

    Args:
        path: the archive; pickled arrays in it are refused.
        classes: how many; the largest training label plus one if None.

    Returns:
        Images of shape (n, channels, height, width), bytes or floats in [0, 1]; grey images may come as
        (n, height, width) or (n, height, width, 1), colour ones as (n, height, width, 3).

    Raises:
        ValueError: if the file is missing or damaged, lacks an array, or `Images` refuses what is in it; or if no
            one dimension of the images, the second or the last, is of 1 or 3 channels.
        TypeError: if labels are not whole numbers, or an argument is of another kind.
    """
    file = Path(require_a("path", path, (str, Path), "the name of a file", "pass that of a NumPy archive"))
    if classes is not None:
        require_count("classes", classes, least=1)
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
    train = Images(_image_tensor("x_train", arrays), _label_tensor("y_train", arrays))
    test = Images(_image_tensor("x_test", arrays), _label_tensor("y_test", arrays))
    kept, held_out = set_apart(train, file)
    return ImageData(
        name=file.stem,
        train=kept,
        validation=held_out,
        test=test,
        classes=classes if classes is not None else count_classes(train.labels),
        sha256=hashlib.sha256(file.read_bytes()).hexdigest(),
    )


def _label_tensor(name: str, arrays: Mapping[str, np.ndarray]) -> Tensor:
    labels = arrays[name]
    if labels.dtype.kind not in "iu":
        from_names = (
            f"number the classes from 0, with numpy.unique({name}, return_inverse=True)[1] if they are names"
        )
        one_hot = labels.ndim == 2 and labels.dtype.kind in "fb"
        raise TypeError(
            f"the labels {name} must be whole numbers, got an array of {labels.dtype}; "
            f"{f'save {name}.argmax(1) of one-hot ones' if one_hot else from_names}."
        )
    return torch.from_numpy(labels.astype(np.int64))


def _image_tensor(name: str, arrays: Mapping[str, np.ndarray]) -> Tensor:
    tensor = as_tensor("images", arrays[name])
    tensor = tensor.float() if tensor.is_floating_point() else tensor
    if tensor.dim() == 3:
        return tensor[:, None]
    if tensor.dim() != 4:
        return tensor  # refused by whoever takes it
    first, last = (tensor.shape[place] in CHANNELS for place in (1, 3))
    if first == last:
        raise ValueError(
            f"{name} has shape {tuple(tensor.shape)}, of which {'either' if first else 'neither'} end could be the "
            "channels, 1 or 3 of them; save images as (n, channels, height, width), grey ones as (n, height, "
            "width)."
        )
    return tensor if first else tensor.movedim(-1, 1).contiguous()
