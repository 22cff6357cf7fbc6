"""scikit-learn's handwritten digits, the embedded default."""

from __future__ import annotations

import hashlib

import numpy as np
import torch

from minimax_l2l import require_extra
from tasks.adversarial.data.images import Images
from tasks.adversarial.data.parts import ImageData

SPLIT_SEED = 0


def digits() -> ImageData:
    """scikit-learn's 1,797 handwritten digits of 8 x 8 pixels: 1,257 to train on, 180 to choose on, 360 to report.

    They ship with scikit-learn, so nothing is downloaded. Source: E. Alpaydin and C. Kaynak, Optical
    Recognition of Handwritten Digits, UCI Machine Learning Repository, 1998; the split is fixed.
    """
    datasets = require_extra("sklearn.datasets", extra="vision", purpose="the digits data set")
    bunch = datasets.load_digits()
    images = torch.tensor(bunch.images / 16, dtype=torch.float32)[:, None]
    labels = torch.tensor(bunch.target, dtype=torch.int64)
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(SPLIT_SEED))
    test, validation, train = order[:360], order[360:540], order[540:]
    return ImageData(
        name="digits",
        train=Images(images[train], labels[train]),
        validation=Images(images[validation], labels[validation]),
        test=Images(images[test], labels[test]),
        classes=10,
        sha256=hashlib.sha256(bunch.images.tobytes() + bunch.target.astype(np.int64).tobytes()).hexdigest(),
    )
