"""Where a save is: in a folder, or in a repository on the Hugging Face Hub."""

from __future__ import annotations

import os
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from huggingface_hub import hf_hub_download
from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, HFValidationError

from minimax_l2l.saves import FILES, require_saved

OPTIONS = ("force_download", "token", "cache_dir", "local_files_only", "revision")  # of every download


def located(place: str | Path, kind: str, advice: str, *, shipped: Sequence[str] = (), **options: Any) -> Path:
    """The folder of a save: the one that is named, or the copy of a repository's.

    Args:
        place: the folder, or the repository's name.
        kind: of what was saved, in words.
        advice: what to do if it is not there.
        shipped: what might have been meant by a name without a slash, for which the Hub is not asked.
        **options: those of `huggingface_hub.hf_hub_download`.

    Raises:
        DamagedRunError: if a file in the folder is not as it was saved, or gone.
        FileNotFoundError: if nothing was saved there, or there is no such folder, nor a repository to be reached.
    """
    name = str(place)
    if os.path.isdir(name):  # a path would raise at a name that is too long
        require_saved(Path(name), kind, advice)
        return Path(name)
    if os.path.isfile(name):
        raise FileNotFoundError(f"{name!r} is a file and no folder; {advice}.")
    if "/" not in name:
        near = get_close_matches(name.lower(), shipped, n=1)
        hint = f"did you mean {near[0]!r}? Otherwise " if near else ""
        ours = f", what ships with this library is called {', '.join(map(repr, shipped))}" if shipped else ""
        raise FileNotFoundError(
            f"there is no folder {name!r}{ours}, and the Hub is asked only for names with a slash; {hint}{advice}."
        )
    try:
        config, _ = (Path(hf_hub_download(name, file, **options)) for file in FILES)
    except HFValidationError as error:
        raise FileNotFoundError(
            f"there is no folder {name!r}, and no repository can have that name; {advice}."
        ) from error
    except (HfHubHTTPError, EntryNotFoundError, ConnectionError) as error:
        raise FileNotFoundError(
            f"there is no folder {name!r}, and {' and '.join(FILES)} of a repository of that name could not be had "
            f"from the Hugging Face Hub ({type(error).__name__}); {advice}."
        ) from error
    return config.parent
