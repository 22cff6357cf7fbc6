"""Which runs may share a page: those whose data, radius, images and attacks are the same."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any


def require_comparable(
    evaluations: Mapping[Path, Mapping[str, Any]], configs: Mapping[Path, Mapping[str, Any]]
) -> None:
    """What a page states of one run it states of all.

    Args:
        evaluations: by folder, its `evaluation.json`.
        configs: by folder, its `config.json`.

    Raises:
        ValueError: if two runs differ in what the page says once.
    """
    first, *others = evaluations
    for other in others:
        one, two = (configs[folder]["data"] for folder in (first, other))
        if configs[first]["data_sha256"] != configs[other]["data_sha256"]:
            alike = " (their checksums differ)" if one == two else ""
            raise ValueError(
                f"{first} was trained on {one!r} and {other} on other data, {two!r}{alike}; write one report for "
                "each data set."
            )
        tiers = [evaluations[folder].get("measured", {}).get("tier") for folder in (first, other)]
        if tiers[0] != tiers[1]:
            raise ValueError(
                f"{first} was measured with AutoAttack's tier {tiers[0]} and {other} with {tiers[1]}, so their "
                f"rows cannot be compared; measure both with the same --tier, or write one report for each."
            )
        own, its = (evaluations[folder]["rows"][0] for folder in (first, other))
        for field, how in {"eps": "with eps={}", "images": "on {} test images"}.items():
            if own[field] != its[field]:
                raise ValueError(
                    f"{first} was measured {how.format(own[field])} and {other} {how.format(its[field])}, so their "
                    "rows cannot be compared; write one report for each."
                )
