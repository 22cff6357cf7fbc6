"""The public data sets that results are usually stated on, by torchvision."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import torch

from minimax_l2l import require_extra
from minimax_l2l.errors import require_choice, require_flag, require_path
from tasks.adversarial.data.images import Images
from tasks.adversarial.data.parts import ImageData, require_within
from tasks.adversarial.data.split import set_apart


@dataclass(frozen=True)
class Public:
    """A data set as torchvision has it.

    Attributes:
        reader: its class in torchvision.datasets.
        place: the folder that its files lie in, within the one that is named.
        files: their names.
        classes: how many.
    """

    reader: str
    place: str
    files: tuple[str, ...]
    classes: int = 10

    def missing(self, folder: Path) -> list[str]:
        """The files that are not there."""
        return [name for name in self.files if not (folder / self.place / name).is_file()]


IDX = tuple(f"{part}-{kind}-ubyte" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1"))
CIFAR10 = (*(f"data_batch_{place}" for place in range(1, 6)), "test_batch", "batches.meta")
PUBLIC = {
    "cifar10": Public("CIFAR10", "cifar-10-batches-py", CIFAR10),
    "cifar100": Public("CIFAR100", "cifar-100-python", ("train", "test", "meta"), classes=100),
    "svhn": Public("SVHN", ".", ("train_32x32.mat", "test_32x32.mat")),
    "mnist": Public("MNIST", "MNIST/raw", IDX),
    "fashion-mnist": Public("FashionMNIST", "FashionMNIST/raw", IDX),
}


def public_data(name: str, folder: Path | str, *, download: bool = False) -> ImageData:
    """CIFAR-10, CIFAR-100, SVHN, MNIST or Fashion-MNIST from a folder, bytes as bytes.

    A random tenth of the training images, the same every time, becomes the validation part. torchvision reads the
    files where it puts them itself. Those of CIFAR are pickles: torchvision compares the MD5 checksum of each with
    the published one before it opens it, so nothing else is ever unpickled.

    Args:
        name: `"cifar10"`, `"cifar100"`, `"svhn"`, `"mnist"` or `"fashion-mnist"`.
        folder: that holds them: `cifar-10-batches-py/`, `cifar-100-python/`, `train_32x32.mat` and
            `test_32x32.mat`, `MNIST/raw/` or `FashionMNIST/raw/`.
        download: get them from where torchvision knows them to be, unless they are there.

    Returns:
        Images of shape (n, 3, 32, 32), or (n, 1, 28, 28) of the two MNISTs.

    Raises:
        MissingExtraError: if torchvision is not installed, or SciPy, which reads SVHN.
        TypeError: if an argument is of another kind.
        ValueError: if the name is of none of them, files are missing or damaged, or the download fails.
    """
    known = PUBLIC[require_choice("name", name, PUBLIC)]
    place = require_path("folder", folder).expanduser()
    require_flag("download", download)
    datasets = require_extra("torchvision.datasets", extra="vision", purpose=f"reading {name}")
    if name == "svhn":
        require_extra("scipy.io", extra="vision", purpose="reading svhn")
    if not download and (missing := known.missing(place)):
        raise ValueError(
            f"{place} lacks {', '.join(missing)} of {name}, in {place / known.place}; name the folder that holds "
            f"them, or get them with public_data({name!r}, {str(place)!r}, download=True)."
        )
    try:
        train, test = (_part(datasets, known, place, training, download) for training in (True, False))
    except Exception as error:  # damaged files and torn connections raise anything
        reason = " ".join(str(error).split(";")[0].split()) or type(error).__name__
        raise ValueError(
            f"{name} cannot be {'downloaded into' if download else 'read from'} {place} ({reason}); put the "
            f"published files into {place / known.place}: {', '.join(known.files)}."
        ) from error
    kept, held_out = set_apart(train, place)
    return ImageData(name=name, train=kept, validation=held_out, test=test, classes=known.classes)


def _part(datasets: ModuleType, known: Public, folder: Path, training: bool, download: bool) -> Images:
    which = {"split": "train" if training else "test"} if known.reader == "SVHN" else {"train": training}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"dtype\(\): align")  # NumPy 2.4.0 to 2.4.4 warn of CIFAR's old pickles
        read = getattr(datasets, known.reader)(folder, download=download, **which)
    pixels = torch.as_tensor(read.data)
    pixels = pixels[:, None] if pixels.dim() == 3 else pixels
    pixels = pixels.movedim(-1, 1) if known.reader.startswith("CIFAR") else pixels
    images = Images(pixels.contiguous(), read.labels if known.reader == "SVHN" else read.targets)
    require_within("training" if training else "test", images, known.classes, images.shape)
    return images
