"""Which encoding a file is in, and whether the letters it gives look like Russian text at all.

The order is: byte order mark, strict UTF-8, the profile's word, and then a look at the shapes of words. Nothing is
ever replaced or guessed silently: a file that reads better another way is refused with both readings.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import BinaryIO, Literal

from importers.words import Unusable

PIECE_BYTES = 1 << 16
SAMPLE_BYTES = 1 << 16
"""Enough words to tell encodings apart; the first rows of every real file hold some."""

LETTERS_MIN = 12
"""Fewer letters than this tell nothing."""

PLAUSIBLE = 0.95
"""A right reading of a subscriber list scores nearly 1: the rest are rare signs."""

MARGIN = 0.15
"""So much better must another reading be; wrong ones were never nearer than 0.3 in 12-letter samples."""


@dataclass(frozen=True)
class Found:
    """A file's encoding by Python's name, and the bytes of the mark before its text."""

    name: Literal["utf-8", "cp1251"]
    mark_bytes: int


def find_encoding(source: BinaryIO, declared: Literal["utf-8", "cp1251", "auto"]) -> Found:
    """Settle the encoding of a file that stands at its beginning; reads it whole once when `declared` is `auto`.

    Raises Unusable when a mark or the shape of the words speak against it.
    """
    sample = source.read(SAMPLE_BYTES)
    if sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise Unusable("utf16")
    if sample.startswith(codecs.BOM_UTF8):
        return Found("utf-8", len(codecs.BOM_UTF8))
    if declared == "utf-8":
        return Found("utf-8", 0)
    if declared == "auto" and is_utf8(sample, source):
        return Found("utf-8", 0)
    sample = sample[: sample.rfind(b"\n") + 1] or sample
    if declared == "cp1251" and not sample.isascii() and is_utf8(sample):
        raise _mismatch(sample, "cp1251", "utf-8")
    complain_if_implausible(sample)
    return Found("cp1251", 0)


def is_utf8(sample: bytes, rest: BinaryIO | None = None) -> bool:
    """Whether all bytes, those of `rest` included, are strict UTF-8; one character may be cut off at the end."""
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    try:
        decoder.decode(sample)
        while rest is not None and (piece := rest.read(PIECE_BYTES)):
            decoder.decode(piece)
        decoder.decode(b"", final=rest is not None)
    except UnicodeDecodeError:
        return False
    return True


def complain_if_implausible(sample: bytes) -> None:
    """Refuse bytes that are called windows-1251 and read clearly better as cp866 or KOI8-R."""
    ours = plausibility(sample.decode("cp1251", "replace"))
    if ours is None or ours >= PLAUSIBLE:
        return
    for other in ("cp866", "koi8-r"):
        theirs = plausibility(sample.decode(other, "replace"))
        if theirs is not None and theirs >= PLAUSIBLE and theirs - ours >= MARGIN:
            raise _mismatch(sample, "cp1251", other)


def complain_if_mojibake(text: str) -> None:
    """Refuse UTF-8 text whose letters are themselves UTF-8 bytes that somebody took for windows-1251."""
    words = _BROKEN.findall(text)
    if sum(map(len, words)) < LETTERS_MIN:
        return
    broken = next((word for word in words if _unbreak(word)), None)
    mended = sum(1 for word in words if _unbreak(word))
    if broken is not None and mended * 2 > len(words):
        raise Unusable("mojibake", ours=broken[:40], theirs=_unbreak(broken)[:40])


_BROKEN = re.compile(r"[^\x00-\x7f«»№—–\u00a0]+")


def _unbreak(word: str) -> str:
    """The word before it was broken; empty when it never was."""
    try:
        mended = word.encode("cp1251").decode("utf-8")
    except UnicodeError:
        return ""
    return mended if re.fullmatch("[А-Яа-яЁё]+", mended) else ""


_WORD = re.compile(r"[А-Яа-яЁё]+")
_SHAPE = re.compile(r"[А-ЯЁ]?[а-яё]+|[А-ЯЁ]+")
_ORDINARY = "«»№—–\u00a0\u202f\u2212"


def plausibility(text: str) -> float | None:
    """The share of non-ASCII characters that stand in words shaped like words; None when there are too few."""
    foreign = sum(1 for letter in text if letter > "\x7f" and letter not in _ORDINARY)
    if foreign < LETTERS_MIN:
        return None
    return sum(len(word) for word in _WORD.findall(text) if _SHAPE.fullmatch(word)) / foreign


def _mismatch(sample: bytes, declared: str, likely: str) -> Unusable:
    """Both readings of the first words that differ."""
    line = next(line for line in sample.split(b"\n") if not line.isascii()).strip()[:60]
    return Unusable(
        "encoding_mismatch",
        declared=declared,
        likely=likely,
        ours=line.decode(declared, "replace"),
        theirs=line.decode(likely, "replace"),
    )
