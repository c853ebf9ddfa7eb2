"""Text, JSON and TOML that somebody else wrote: read, or refused with the one error that the reader's callers expect.

The parsers have errors of their own for what they understand. Brackets in brackets without an end, bytes that are no
text or a number of ten thousand digits end in errors of Python that nobody would catch.
"""

from __future__ import annotations

import tomllib
from typing import Any, TypeVar

import msgspec

from kassa.errors import KassaError

T = TypeVar("T")

NUMBER_MAX_DIGITS = 18
"""Of an entry or a note; SQLite keeps one digit more."""
TOML_DEPTH_MAX = 16
"""Tables and lists inside each other; our own files have four."""
TOML_LINE_MAX_CHARS = 4096
"""The time for a key grows with the square of its parts, and neither a key nor a number can leave its line: in so few
characters there is no number that Python would not convert."""


def printable(text: str) -> str:
    """Text that must not steer the terminal or the log it is shown in: control characters as escapes, and so what was
    no UTF-8 in a file's name."""
    escaped = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in escaped
    )


def whole_number(text: str) -> int | None:
    """A number that may be left out. Raises KassaError for what is none, or has more digits than a journal counts."""
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= NUMBER_MAX_DIGITS):
        raise KassaError(f"{text[:40]!a} is no number of at most {NUMBER_MAX_DIGITS} digits")
    return int(text)


def read_json(decoder: msgspec.json.Decoder[T], data: bytes | str) -> T:
    """What the decoder's type says. Raises msgspec.MsgspecError for everything else."""
    try:
        return decoder.decode(data)
    except msgspec.MsgspecError as error:  # it quotes what it found
        raise msgspec.DecodeError(printable(str(error))) from error
    except UnicodeError as error:
        raise msgspec.DecodeError(f"JSON is not UTF-8: {error}") from error
    except RecursionError as error:
        raise msgspec.DecodeError("JSON is nested too deeply") from error
    except ArithmeticError as error:  # of a `float_hook`
        raise msgspec.DecodeError("JSON holds what is no number") from error


def read_toml(text: str) -> dict[str, Any]:
    """A whole document. Raises tomllib.TOMLDecodeError for everything that is none, or none of a person's making."""
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) > TOML_LINE_MAX_CHARS:
            raise tomllib.TOMLDecodeError(
                f"line {number} has {len(line)} characters; allowed are {TOML_LINE_MAX_CHARS}"
            )
    try:
        document = tomllib.loads(text)
    except RecursionError as error:
        raise _too_deep() from error
    _check_depth(document)
    return document


def _check_depth(document: dict[str, Any]) -> None:
    """Without recursion, of which too deep a document would make too much."""
    level: list[Any] = [document]
    for _ in range(TOML_DEPTH_MAX):
        level = [inner for one in level for inner in (one.values() if isinstance(one, dict) else one)]
        level = [inner for inner in level if isinstance(inner, dict | list)]
        if not level:
            return
    raise _too_deep()


def _too_deep() -> tomllib.TOMLDecodeError:
    return tomllib.TOMLDecodeError(f"tables or lists lie deeper than {TOML_DEPTH_MAX} levels in each other")
