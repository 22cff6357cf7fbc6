"""The commands that messages advise, each whole, so that it can be typed as it stands."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from minimax_l2l.checksums import Checksums


def evaluating(folder: Path) -> str:
    """What measures the run in a folder."""
    return _command("evaluate", folder, *_own_data(Checksums(folder).read_json("config.json")))


def resuming(folder: Path) -> str:
    """What goes on with the run in a folder, which knows its settings."""
    config = Checksums(folder).read_json("config.json")
    return _command("solve", config.get("preset", "PRESET"), "--out", folder, "--resume", *_own_data(config))


def _own_data(config: dict[str, Any]) -> list[str]:
    """By their name alone, for no run stores a path."""
    name = config.get("settings", {}).get("data")
    return [] if name is None else ["--data", name]


def _command(*words: object) -> str:
    return "minimax-l2l " + shlex.join(map(str, words))
