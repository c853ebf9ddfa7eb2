"""What staff say of themselves and their reasons, as the journal keeps it. Pure."""

from __future__ import annotations

from kassa.errors import KassaError
from kassa.untrusted import printable

BY_MAX_CHARS, REASON_MAX_CHARS = 64, 200


def said(text: str, most: int, option: str, what: str, refused: type[KassaError]) -> str:
    """The text without what could steer a screen. Raises `refused` where nothing is left of it, or too much."""
    found = printable(text.strip())
    if not found or len(found) > most:
        raise refused(f"say {what}, in 1 to {most} characters: {option}")
    return found


def who(by: str, refused: type[KassaError]) -> str:
    """Somebody's name. Raises `refused`."""
    return said(by, BY_MAX_CHARS, "--by NAME", "who you are", refused)


def why(reason: str, refused: type[KassaError], what: str = "why") -> str:
    """Somebody's reason. Raises `refused`."""
    return said(reason, REASON_MAX_CHARS, "--reason", what, refused)
