"""What a preset or a family of one's own answers: taken, or refused in a sentence before anything is lost."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from minimax_l2l.errors import require_a, require_choice, told
from minimax_l2l.lab.preset import Built, Preset
from minimax_l2l.lab.report import Section

KEPT = ("preset", "settings", "game", "environment")  # what `config.json` holds beside a preset's facts
ITEM = ("name", "outcome", "numbers", "meaning")  # what a line of an audit says
OUTCOMES = ("passed", "failed", "not applicable")


def require_built(preset: Preset, built: Any) -> Built:
    """What a preset's `build` has to return.

    Raises:
        TypeError: if it is something else.
        ValueError: if one of its facts has a name that `config.json` needs.
    """
    from minimax_l2l.optimizers.base import InnerOptimizer
    from minimax_l2l.task import Task

    what = f"{type(preset).__name__}.build()"
    found: Built = require_a(f"what {what} returns", built, Built, "a Built", "return Built(task, optimizer)")
    require_a(f"the task of {what}", found.task, Task, "a Task", "make one of a subclass")
    require_a(f"the optimizer of {what}", found.optimizer, InnerOptimizer, "an inner optimizer", "make a PGM, say")
    facts = require_a(f"facts of {what}", found.facts, Mapping, "plain values by name", "pass a dict")
    require_plain(f"facts of {what}", dict(facts))
    if taken := [name for name in KEPT if name in facts]:
        raise ValueError(f"facts of {what} must leave {taken[0]!r} to the run's config; give it another name.")
    return found


def require_evaluation(preset: Preset, result: Any) -> dict[str, Any]:
    """What a preset's `evaluate` has to return.

    Raises:
        TypeError: if it is something else.
    """
    what, do = (
        f"what {type(preset).__name__}.evaluate() returns",
        "return {'rows': [{'method': 'mine', 'score': 1.0}]}",
    )
    found: dict[str, Any] = require_a(what, result, dict, "a dict", do)
    rows: Any = found.get("rows")
    for row in require_a(f"'rows' of {what}", rows, (list, tuple), "a list of rows", do):
        require_a(f"each row of {what}", row, dict, "a dict", do)
    require_plain(what, found)
    return found


def require_audit(name: str, result: Any) -> dict[str, Any]:
    """What the function `name` has to return for `audit.json`.

    Raises:
        TypeError: if it is something else.
        ValueError: if an item has another outcome than passed, failed or not applicable.
    """
    what, do = f"what {name} returns", "return {'items': [{'name': ..., 'outcome': 'passed', ...}]}"
    found: dict[str, Any] = require_a(what, result, dict, "a dict", do)
    items: Any = found.get("items")
    for item in require_a(f"'items' of {what}", items, (list, tuple), "a list of items", do):
        require_a(f"each item of {what}", item, dict, "a dict", do)
        if missing := [field for field in ITEM if field not in item]:
            raise TypeError(f"each item of {what} must have {', '.join(ITEM)}, one lacks {missing[0]}; add it.")
        require_choice(f"outcome of {name}", item["outcome"], OUTCOMES)
        require_a(f"'numbers' of {what}", item["numbers"], dict, "numbers by name", do)
    require_plain(what, found)
    return found


def require_sections(name: str, sections: Any) -> list[Section]:
    """What the function `name` has to return for a page.

    Raises:
        TypeError: if it is something else.
    """
    what, do = f"what {name} returns", "return [Section(title, text)]"
    for section in require_a(what, sections, (list, tuple), "a list of sections", do):
        require_a(f"each of {what}", section, Section, "a Section", do)
    return list(sections)


def require_plain(what: str, content: object) -> None:
    """Refuse what JSON cannot hold, by its place.

    Raises:
        TypeError: if it holds such a thing.
    """
    try:
        json.dumps(content)
    except (TypeError, ValueError) as error:
        odd = (f"got {told(value)} at {place}" for place, value in _parts(content) if not _is_plain(value))
        raise TypeError(
            f"{what} must hold plain values, {next(odd, error)}; turn tensors and arrays into numbers with .item() "
            "or .tolist()."
        ) from error


def _parts(content: object, place: str = "") -> Iterator[tuple[str, object]]:
    """All that is no container, and where it lies."""
    if isinstance(content, dict | list | tuple):
        for name, value in content.items() if isinstance(content, dict) else enumerate(content):
            yield from _parts(value, f"{place}[{name!r}]")
    else:
        yield place, content


def _is_plain(value: object) -> bool:
    return value is None or isinstance(value, str | int | float)
