"""English for staff."""

from __future__ import annotations


def counted(number: int, one: str, many: str = "") -> str:
    """A number with its noun: `1 payment`, `2 payments`; `many` where an s is not enough."""
    return f"{number:,} {one if number == 1 else many or one + 's'}".replace(",", " ")
