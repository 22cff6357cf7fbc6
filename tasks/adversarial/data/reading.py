"""What `--data` names: an archive, a folder of pictures, or a folder with a public data set."""

from __future__ import annotations

from pathlib import Path

from minimax_l2l.errors import require_choice, require_path
from tasks.adversarial.data.folder import from_folder
from tasks.adversarial.data.npz import from_npz
from tasks.adversarial.data.parts import ImageData
from tasks.adversarial.data.public import PUBLIC, public_data

OWN = "a NumPy archive, or a folder with train/CLASS and test/CLASS of pictures"


def read_data(path: Path | str, name: str | None = None) -> ImageData:
    """Images of any kind that can be read, told by what is there.

    Args:
        path: a NumPy archive, see `from_npz`; a folder of pictures, see `from_folder`; or a folder with the public
            data set that `name` says, see `public_data`.
        name: of a public data set. None if it may be none.

    Raises:
        MissingExtraError: if what reads them is not installed.
        TypeError: if an argument is of another kind.
        ValueError: if there is nothing of the kind, or more than one thing, or what is there cannot be read.
    """
    place = require_path("path", path).expanduser()
    if name is not None:
        require_choice("name", name, PUBLIC)
    if not place.exists():
        raise ValueError(f"there is no file or folder {place}; give {OWN}.")
    if place.is_file():
        return from_npz(place)
    pictures = [part for part in ("train", "test") if (place / part).is_dir()]
    published = [one for one, known in PUBLIC.items() if len(known.missing(place)) < len(known.files)]
    if pictures and name in published:
        raise ValueError(
            f"{place} holds files of {name} and a folder {pictures[0]}; keep pictures in a folder of their own."
        )
    if pictures:
        return from_folder(place)
    if name is not None:
        return public_data(name, place)
    if published:
        raise ValueError(
            f"{place} holds {' and '.join(published)}, which is read by name alone; call "
            f"public_data({published[0]!r}, {str(place)!r}), or give {OWN}."
        )
    raise ValueError(f"{place} holds no images that can be read; give {OWN}.")
