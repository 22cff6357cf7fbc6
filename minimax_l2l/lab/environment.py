"""What a result was measured with: versions, machine, command, commit, date."""

from __future__ import annotations

import platform
import subprocess
import sys
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = (
    "minimax-l2l",
    "torch",
    "numpy",
    "lightning-fabric",
    "scikit-learn",
    "pyautoattack",
    "gymnasium",
    "stable-baselines3",
)


def describe_environment(data: dict[str, str] | None = None) -> dict[str, object]:
    """What result files keep under `"environment"`: versions, machine, command, commit and date, and no path.

    Args:
        data: sha256 of each data set used, by name.
    """
    import torch

    return {
        "versions": {"python": platform.python_version(), **_versions()},
        "machine": {
            "system": platform.system(),
            "processor": platform.machine(),
            "torch_threads": torch.get_num_threads(),
            "accelerator": torch.cuda.get_device_name() if torch.cuda.is_available() else "none",
        },
        "command": _command(sys.argv),
        "commit": _commit(),
        "date": datetime.now(UTC).date().isoformat(),
        **({"data_sha256": data} if data else {}),
    }


def _command(arguments: list[str]) -> str:
    """What was typed, absolute paths by their last name alone."""
    program = "minimax-l2l" if Path(arguments[0]).name == "__main__.py" else Path(arguments[0]).name
    return " ".join([program, *map(_without_folders, arguments[1:])])


def _without_folders(word: str) -> str:
    option, equals, value = word.partition("=") if word.startswith("-") else ("", "", word)
    return option + equals + (Path(value).name if Path(value).is_absolute() else value)


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def _commit() -> str | None:
    """The commit of a checkout; None for an installed package."""
    source = Path(__file__).resolve().parents[2]
    if not (source / ".git").exists():
        return None
    try:
        done = subprocess.run(
            ["git", "-C", str(source), "rev-parse", "HEAD"], capture_output=True, text=True, check=True, timeout=10
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
