"""Pictures of your own, from a folder of class folders."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from minimax_l2l import require_extra
from minimax_l2l.errors import require_count, require_path, told
from tasks.adversarial.data.images import Images
from tasks.adversarial.data.parts import ImageData
from tasks.adversarial.data.split import set_apart

FORMATS = (
    "PNG",
    "JPEG",
    "PPM",
    "BMP",
    "TIFF",
    "WEBP",
)  # those of ImageFolder's endings; none of them runs a program
ONE_BYTE = (
    "1",
    "L",
    "LA",
    "P",
    "PA",
    "RGB",
    "RGBA",
    "CMYK",
    "YCbCr",
)  # Pillow's modes of a byte per channel or less
LAYOUT = "put pictures into train/CLASS and test/CLASS"
RESIZE = "resize them, or read them with from_folder(path, size=32), say"


def from_folder(path: Path | str, *, size: int | tuple[int, int] | None = None) -> ImageData:
    """Your own pictures, from a folder with `train/CLASS/*.png` and `test/CLASS/*.png`.

    Classes are numbered by their folders' names in sorted order, and are the same in every part. A folder
    `validation/` is the validation part. Without one it is a random tenth of the training images, the same every
    time. torchvision's `ImageFolder` finds the pictures: .png, .jpg, .jpeg, .bmp, .ppm, .pgm, .tif, .tiff, .webp.
    Other files are left out. Grey pictures become RGB, and transparency is dropped.

    Args:
        path: the folder.
        size: resize every picture to that many pixels, (height, width) or the side of a square, with antialiasing.
            None leaves them as they are, all of one size.

    Returns:
        Images of shape (n, 3, height, width), bytes.

    Raises:
        MissingExtraError: if torchvision is not installed.
        TypeError: if an argument is of another kind.
        ValueError: if a part or a class is missing or empty, a picture is damaged, or pictures differ in size.
    """
    folder, shape = require_path("path", path).expanduser(), _require_size(size)
    if missing := [part for part in ("train", "test") if not (folder / part).is_dir()]:
        raise ValueError(f"{folder} has no folder {' and no folder '.join(missing)}; {LAYOUT}.")
    found = [part for part in ("train", "validation", "test") if (folder / part).is_dir()]
    classes = _require_classes(folder, found)
    parts = {part: _read(folder / part, shape) for part in found}
    for part, images in parts.items():
        if images.shape != parts["train"].shape:
            own, others = (_sides(one.images[0]) for one in (images, parts["train"]))
            raise ValueError(f"{folder / part} has pictures of {own} pixels, train those of {others}; {RESIZE}.")
    held_out = parts.get("validation")
    kept, held_out = set_apart(parts["train"], folder) if held_out is None else (parts["train"], held_out)
    return ImageData(folder.resolve().name, kept, held_out, parts["test"], classes)


def _require_classes(folder: Path, parts: list[str]) -> int:
    """How many class folders there are, the same in every part."""
    names = {part: {one.name for one in (folder / part).iterdir() if one.is_dir()} for part in parts}
    if not names["train"]:
        raise ValueError(f"{folder / 'train'} has no class folder; {LAYOUT}.")
    for part, own in names.items():
        if odd := sorted(own ^ names["train"]):
            raise ValueError(
                f"{folder / part} and {folder / 'train'} have different classes: only one of them has "
                f"{', '.join(odd)}; give each part a folder for every class."
            )
    return len(names["train"])


def _read(part: Path, shape: tuple[int, int] | None) -> Images:
    datasets = require_extra("torchvision.datasets", extra="vision", purpose="reading a folder of pictures")
    try:
        found = datasets.ImageFolder(part)
    except FileNotFoundError as error:
        raise ValueError(f"{part} lacks pictures ({error}); give each class some.") from error
    pictures: list[Tensor] = []
    for file, _ in found.samples:
        pictures.append(_picture(Path(file), shape))
        if pictures[-1].shape != pictures[0].shape:
            first, other = _sides(pictures[0]), _sides(pictures[-1])
            raise ValueError(
                f"pictures must be of one size, got {found.samples[0][0]} of {first} pixels and {file} of {other}; "
                f"{RESIZE}."
            )
    return Images(torch.stack(pictures), found.targets)


def _picture(file: Path, shape: tuple[int, int] | None) -> Tensor:
    """Its bytes, shape (3, height, width)."""
    from PIL import Image  # comes with torchvision

    try:
        with Image.open(file, formats=FORMATS) as opened:
            mode, picture = opened.mode, opened.convert("RGB")
    except Exception as error:  # decoders of damaged files raise anything
        raise ValueError(f"{file} is no readable picture ({error}); repair it, or take it away.") from error
    if mode not in ONE_BYTE:
        raise ValueError(f"{file} has more than a byte per channel (Pillow's mode {mode}); save it with 8 bits.")
    if shape is not None:
        picture = picture.resize(
            shape[::-1], Image.Resampling.BILINEAR
        )  # its support grows as it shrinks a picture
    return torch.from_numpy(np.array(picture)).movedim(-1, 0)


def _require_size(size: int | tuple[int, int] | None) -> tuple[int, int] | None:
    if size is None:
        return None
    sides = size if isinstance(size, tuple | list) else (size, size)
    if len(sides) != 2:
        raise ValueError(
            f"size must be a number of pixels or (height, width), got {told(size)}; pass size=32, say."
        )
    height, width = (require_count("size", side, least=1) for side in sides)
    return height, width


def _sides(image: Tensor) -> str:
    return " x ".join(map(str, image.shape[1:]))
