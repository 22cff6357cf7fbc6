"""Demonstrations of one's own for a preset: the Minari dataset in a folder that a person names."""

from __future__ import annotations

import re
from pathlib import Path

from tasks.gail.demonstrations.demonstrations import Demonstrations
from tasks.gail.demonstrations.minari_files import read_minari


def read_own(path: Path) -> Demonstrations:
    """Read the one Minari dataset that lies in a folder.

    Args:
        path: the dataset's folder, or one above it that holds no other.

    Raises:
        MissingExtraError: if Minari, h5py or Pillow is not installed.
        ValueError: if there is no such folder, if it holds no dataset or several, or as `read_minari`.
    """
    if not path.is_dir():
        raise ValueError(f"there is no folder {path}; give that of a Minari dataset.")
    found = sorted(file.parents[1] for file in path.rglob("data/metadata.json"))
    if not found:
        raise ValueError(
            f"{path} holds no Minari dataset; give a folder that tasks.gail.write_minari or Minari wrote."
        )
    if len(found) > 1:
        names = ", ".join(str(one.relative_to(path)) for one in found[:5])
        raise ValueError(f"{path} holds {len(found)} Minari datasets, {names} among them; give the folder of one.")
    folder = found[0].resolve()
    if not re.fullmatch(r"\w[-\w]*-v\d+", folder.name):
        raise ValueError(
            f"{folder.name} is no longer called as Minari called it, a name and a version; rename the folder, for "
            f"example {folder.name}-v0."
        )
    return read_minari(folder.name, root=folder.parent)
