"""The extra that imitation needs, asked for before anything is begun."""

from __future__ import annotations

from minimax_l2l import require_extra


def require_libraries() -> None:
    """Refuse to go on without the environments and the policies that imitation needs.

    Raises:
        MissingExtraError: if one is not installed.
    """
    for library in ("gymnasium", "stable_baselines3", "sb3_contrib"):
        require_extra(library, extra="gail", purpose="imitation")
