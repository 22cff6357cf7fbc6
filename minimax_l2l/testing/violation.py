"""A broken law as a sentence: what must hold, what was seen, what to do."""

from __future__ import annotations


class ContractViolation(AssertionError):
    """Something breaks a law that the rest of the library leans on."""


def require(holds: bool, *, law: str, seen: str, remedy: str) -> None:
    """Do nothing where a law holds.

    Args:
        holds: whether it does.
        law: what must hold, as a sentence without its full stop.
        seen: what was seen instead.
        remedy: what to do about it.

    Raises:
        ContractViolation: if it does not hold.
    """
    if not holds:
        raise ContractViolation(f"{law}, but {seen}; {remedy}.")
