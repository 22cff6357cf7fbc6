"""What a run's config says of its data, and whether data that are given are the same ones."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from minimax_l2l.checksums import Checksums
from minimax_l2l.errors import DamagedRunError
from minimax_l2l.lab.answers import require_built
from minimax_l2l.lab.preset import Preset


def checksums(facts: Mapping[str, Any], within: str = "") -> Iterator[tuple[str, str]]:
    """Every fact that is a SHA-256, by its full name."""
    for name, value in facts.items():
        if isinstance(value, Mapping):
            yield from checksums(value, f"{within}{name}.")
        elif isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value):
            yield f"{within}{name}", value


def require_checksum(preset: Preset, facts: Mapping[str, Any]) -> None:
    """Refuse a preset that keeps no checksum of the user's own data, so that nobody could tell them again.

    Raises:
        ValueError: if there is none.
    """
    if getattr(preset, "data", None) is not None and not any(checksums(facts)):
        raise ValueError(
            f"{type(preset).__name__} takes data and keeps no checksum of them, so a run could be measured on "
            "others unnoticed; let build() return Built(..., facts={'data_sha256': the SHA-256 of what it read})."
        )


def require_same_data(preset: Preset, folder: Path) -> None:
    """Refuse data of the user's own that are not those a run was trained on; the preset is built to see.

    Args:
        preset: of the run, with the data that are given.
        folder: of the run.

    Raises:
        DamagedRunError: if the folder's `config.json` is not whole.
        ValueError: if a checksum differs, or the run was trained on none of the user's own data.
    """
    data: Path | None = getattr(preset, "data", None)
    if data is None:
        return
    config = Checksums(folder).read_json("config.json")
    if config["settings"].get("data") is None:
        raise ValueError(f"{folder} was trained on no data of your own; leave --data out.")
    then = dict(checksums(config))
    for name, now in checksums(require_built(preset, preset.build()).facts):
        if name not in then:
            raise DamagedRunError(
                f"{folder / 'config.json'} lacks {name}, so it is not of a whole run; solve it again in another "
                "folder."
            )
        if then[name] != now:
            raise ValueError(
                f"{folder} was trained on other data than {data.name!r} as it is now ({name} differs); name what "
                "it was trained on with --data."
            )
