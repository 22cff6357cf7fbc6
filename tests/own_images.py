"""Images of one's own, as a user's archive holds them."""

from pathlib import Path

import numpy as np


def archive(path: str | Path = "mine.npz", **changes: np.ndarray) -> Path:
    """Images of one's own: 60 and 20 of 8 x 8 bytes in 4 classes."""
    random = np.random.default_rng(0)
    arrays = {
        "x_train": random.integers(0, 256, (60, 8, 8)).astype(np.uint8),
        "y_train": np.arange(60) % 4,
        "x_test": random.integers(0, 256, (20, 8, 8)).astype(np.uint8),
        "y_test": np.arange(20) % 4,
    }
    np.savez(path, **{**arrays, **changes})
    return Path(path)
