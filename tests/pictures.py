"""A folder of pictures, as a user has one."""

from pathlib import Path

import numpy as np
from PIL import Image

CLASSES = ("bird", "cat", "dog", "eel")


def picture(seed: int, *, height: int = 8, width: int = 8) -> np.ndarray:
    """Random bytes, shape (height, width, 3)."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)


def pictures(folder: Path, *, parts: tuple[str, ...] = ("train", "test"), each: int = 5, **size: int) -> Path:
    """In every part `each` pictures of each of four classes, none of them twice."""
    for place, part in enumerate(parts):
        for number, name in enumerate(CLASSES):
            (folder / part / name).mkdir(parents=True)
            for count in range(each):
                seed = 1000 * place + 100 * number + count
                Image.fromarray(picture(seed, **size)).save(folder / part / name / f"{count}.png")
    return folder
