"""Which encoding a file is in, and whether the letters it gives look like Russian text at all.

The order is: byte order mark, strict UTF-8, the profile's word, and then a look at the shapes of words. Nothing is
ever replaced or guessed silently: a file that reads better another way is refused with both readings.
"""

from __future__ import annotations

import codecs
import math
import re
from dataclasses import dataclass
from typing import BinaryIO, Literal

from importers.words import Unusable

PIECE_BYTES = 1 << 16
SAMPLE_BYTES = 1 << 16
"""Enough words to tell encodings apart; the first rows of every real file hold some."""

WORDS_SHOWN_BYTES = 60
"""Of a line that reads strangely: enough to recognise a name."""

LETTERS_MIN = 12
"""Fewer letters than this tell nothing."""

PLAUSIBLE = 0.95
"""A right reading of a subscriber list scores nearly 1: the rest are rare signs."""

MARGIN = 0.15
"""So much better must another reading be; wrong ones were never nearer than 0.3 in 12-letter samples."""

RUBBISH = 0.5
"""Below this a text is in no encoding we know; the letters of other Cyrillic alphabets cost a tenth or two."""

CALLED = {"cp1251": "windows-1251", "utf-8": "UTF-8"}
"""As the programs call it that clerks export with."""

OTHERS = ("cp866", "koi8-r", "iso8859-5", "mac-cyrillic")
"""What else Russian text was ever written in, the likeliest first."""

LETTERS_MARGIN = 0.1
LETTERS_COMPARED_MIN = 40
"""KOI8-R puts a capital where windows-1251 has a small letter: a list all in capitals has good shapes either way.
Then the letters themselves decide, by how common each is. Eight names differ by 0.4 to 0.7 in their mean
logarithm, in 5,000 samples."""


@dataclass(frozen=True)
class Found:
    """A file's encoding by Python's name, and the bytes of the mark before its text."""

    name: Literal["utf-8", "cp1251"]
    mark_bytes: int


def find_encoding(source: BinaryIO, declared: Literal["utf-8", "cp1251", "auto"]) -> Found:
    """Settle the encoding of a file that stands at its beginning; may read it whole when that is plain ASCII.

    Raises Unusable when a mark or the shape of the words speak against it. What has fewer than LETTERS_MIN letters
    beyond ASCII cannot be told and is taken at its word.
    """
    sample = source.read(SAMPLE_BYTES)
    if sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or sample.count(0) * 4 > len(sample):
        raise Unusable("utf16")
    if sample.startswith(codecs.BOM_UTF8):
        return Found("utf-8", len(codecs.BOM_UTF8))
    if declared == "utf-8":
        return Found("utf-8", 0)
    while sample.isascii() and (piece := source.read(SAMPLE_BYTES)):
        sample = piece
    if sample.isascii():
        return Found("utf-8" if declared == "auto" else "cp1251", 0)
    if is_utf8(sample):
        if declared == "cp1251":
            raise _mismatch(sample, "cp1251", "utf-8")
        # Many letters are no accident: then a broken byte far inside is an error of this UTF-8, and told as that.
        if sum(byte > 0x7F for byte in sample) >= 2 * LETTERS_MIN or is_utf8(sample, source):
            return Found("utf-8", 0)
    complain_if_implausible(sample[: sample.rfind(b"\n") + 1] or sample)
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
    """Refuse bytes that are called windows-1251 and read clearly better in another encoding, or badly in all."""
    text = sample.decode("cp1251", "replace")
    ours = plausibility(text)
    if ours is None:
        return
    for other in OTHERS:
        reading = sample.decode(other, "replace")
        theirs = plausibility(reading) or 0.0
        if theirs >= PLAUSIBLE and (theirs - ours >= MARGIN or _has_likelier_letters(reading, text)):
            raise _mismatch(sample, "cp1251", other)
    if ours < RUBBISH:
        strange = (
            line
            for line in sample.split(b"\n")
            if (plausibility(line.decode("cp1251", "replace")) or 1) < RUBBISH
        )
        raise Unusable(
            "letters_strange", ours=_first_words(next(strange, sample)).decode("cp1251", "replace")
        )


def _has_likelier_letters(theirs: str, ours: str) -> bool:
    """Whether one reading has clearly more common letters than the other, and both have enough of them."""
    scores = []
    for text in (theirs, ours):
        found = [_LIKELIHOOD[letter] for letter in text.lower().replace("ё", "е") if letter in _LIKELIHOOD]
        if len(found) < LETTERS_COMPARED_MIN:
            return False
        scores.append(sum(found) / len(found))
    return scores[0] - scores[1] >= LETTERS_MARGIN


_PER_MILLE = (110, 85, 80, 74, 67, 63, 55, 47, 45, 44, 35, 32, 30, 28, 26, 20, 19, 17, 17, 17, 16, 14, 12, 10, 9, 7, 6, 5,
              4, 3, 3, 0.4)  # fmt: skip
_LIKELIHOOD = {
    letter: math.log(share)
    for letter, share in zip("оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъ", _PER_MILLE, strict=True)
}


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
    line = _first_words(sample)
    return Unusable(
        "encoding_mismatch",
        declared=CALLED.get(declared, declared),
        likely=CALLED.get(likely, likely),
        ours=line.decode(declared, "replace"),
        theirs=line.decode(likely, "replace"),
    )


def _first_words(sample: bytes) -> bytes:
    """The beginning of the first line that is not plain ASCII."""
    line = next(line for line in sample.split(b"\n") if not line.isascii())
    start = next(index for index, byte in enumerate(line) if byte > 0x7F)
    return line[max(0, start - 10) : start + WORDS_SHOWN_BYTES].strip()
