"""Whether a run is resumed with what it was made with, so that it goes on as the same run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from minimax_l2l.training.description import PLAIN, POSITIONAL


def require_same(
    folder: Path, now: Mapping[str, Any], then: Mapping[str, Any], within: str = "", *, told_later: bool = False
) -> None:
    """Refuse to go on with a run that was made otherwise; data whose checksum is told may have another name.

    Args:
        folder: of the run, for the sentence.
        now: what is asked for.
        then: what its `config.json` holds.
        within: what both are part of.
        told_later: whether names that `then` lacks are those of which its run did not tell yet.

    Raises:
        ValueError: if something differs; the first such thing is named.
    """
    if within and not told_later:
        now = {**dict.fromkeys(then), **now}
    for name, value in now.items():
        if name == "environment" or (name not in then and (told_later or name == POSITIONAL)):
            continue
        if _is_name_of_contents(name, now, then):
            continue
        inside = "" if name in ("settings", "game") else f"{within}{name}."
        _require_equal(folder, f"{within}{name}", value, then.get(name), inside, told_later=name == "game")


def _is_name_of_contents(name: str, now: Mapping[str, Any], then: Mapping[str, Any]) -> bool:
    """Whether it is what data are called whose checksum stands beside it: `sha256` of `name`, `x_sha256` of x."""
    checksum = "sha256" if name == "name" else f"{name}_sha256"
    return all(isinstance(one.get(name), str) and _is_checksum(one.get(checksum)) for one in (now, then))


def _require_equal(
    folder: Path, full: str, value: Any, before: Any, inside: str, *, told_later: bool = False
) -> None:
    if isinstance(value, Mapping) and isinstance(before, Mapping):
        require_same(folder, value, before, inside, told_later=told_later or "class" in value)
    elif _are_lists_of_objects(value, before):
        for place, (own, was) in enumerate(zip(value, before, strict=True)):
            _require_equal(folder, f"{full}[{place}]", own, was, f"{full}[{place}].")
    elif before != value and _is_checksum(before) and _is_checksum(value):
        raise ValueError(
            f"{folder} was run with other values in {full}: the data differ by their checksums; resume it "
            "with the data it was made with, or choose another out=."
        )
    elif before != value and not (isinstance(value, Mapping) and value.get("function") == before):
        raise ValueError(
            f"{folder} was run with {full}={_shown(before)}, not {_shown(value)}; resume it with the settings it "
            "was made with, or choose another out=."
        )


def _are_lists_of_objects(value: Any, before: Any) -> bool:
    """Whether they are as long and hold more than numbers and words, so that where they differ is worth saying."""
    return (
        isinstance(value, list)
        and isinstance(before, list)
        and len(value) == len(before)
        and any(isinstance(own, Mapping) or _is_checksum(own) for own in value)
    )


def _shown(value: Any) -> str:
    """An object as Python would write it, without what is within its parts; everything else as it is."""
    if isinstance(value, list):
        return f"[{', '.join(map(_shown, value))}]"
    if not isinstance(value, Mapping) or "class" not in value:
        return "a tensor" if _is_checksum(value) else repr(value)
    told = [f"{name}={own!r}" for name, own in value.items() if name != "class" and _is_word(own)]
    return f"{value['class']}({', '.join(told)})"


def _is_word(value: Any) -> bool:
    return isinstance(value, PLAIN) and not _is_checksum(value)


def _is_checksum(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value) is not None
