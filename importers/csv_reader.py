"""A CSV file -> RAW batches. Arrow parses, this module watches over what it is given.

A record is always one line: a quote that runs on over a line end refuses the file, so a lone quote can never swallow
the rows behind it, and every row's line number is known without looking for it.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pc_csv

from importers.encoding import CALLED, Found, complain_if_mojibake, find_encoding
from importers.profile import Layout
from importers.rows import RAW, TEXT_COLUMNS, VALUE_SHOWN, BadRow, Findings
from importers.words import Unusable
from kassa.layout import SEPARATORS

PIECE_BYTES = 1 << 16
"""One read of the file; also the length a line may not exceed, which real ones miss by a factor of a hundred."""

BLOCK_BYTES = 1 << 21
"""What Arrow parses at once. Together with its read-ahead this bounds memory, whatever the file's size."""

ODD_ROWS_MAX = 1_000_000
"""Lines of another width: a real file has a few, and each costs us memory and a call."""

HEAD_BYTES = 1 << 16
"""Comments and header must fit in here."""

FOUND_SHOWN = 300
"""Characters of a wrong header in the report."""

_LINE_END = re.compile(r"\r\n|\n|\r")


def read_csv(source: BinaryIO, layout: Layout, findings: Findings) -> Iterator[pa.RecordBatch]:
    """Read an operator's CSV file in RAW batches; lines that are no rows at all go into the findings.

    `source` stands at its beginning and can seek. Raises Unusable when the file as a whole is refused.
    """
    found = find_encoding(source, layout.encoding)
    findings.encoding = found.name
    if found.mark_bytes:
        findings.fixes["fix_bom"] += 1
    head = _read_head(source, found, layout)
    for line in head.comments:
        _note_comment(line, layout, findings)
    rows = _Rows(source, found, head, layout, findings)
    yield from rows.batches()


@dataclass(frozen=True)
class _Head:
    """What stands before the first row."""

    comments: list[str]
    data_offset: int
    """In bytes."""
    data_line: int
    """From 1."""
    width: int
    """Columns of every row."""
    positions: dict[str, int]
    """Our column name -> its position from 0."""
    header_account: str
    """What the account's column is called; a row that says so is a header again."""


def _read_head(source: BinaryIO, found: Found, layout: Layout) -> _Head:
    """Read comments and header. Raises Unusable with what would fit."""
    source.seek(found.mark_bytes)
    raw = source.read(HEAD_BYTES)
    decoder = codecs.getincrementaldecoder(found.name)("strict")
    try:
        text = decoder.decode(raw, final=len(raw) < HEAD_BYTES)
    except UnicodeDecodeError as error:
        raise _undecodable(found, raw, error, 1, found.mark_bytes) from error
    if "\0" in text:
        raise Unusable("nul", line=1 + len(_LINE_END.findall(text[: text.index("\0")])))
    complain_if_mojibake(text)
    comments: list[str] = []
    position, line_number = 0, 1
    while True:
        end = _LINE_END.search(text, position)
        line = text[position : end.start() if end else len(text)]
        if end is None and len(raw) == HEAD_BYTES:
            raise Unusable("no_header", bytes=HEAD_BYTES)
        if end is None and not line.strip():
            raise Unusable("no_rows")
        is_comment = bool(layout.csv.comment) and line.startswith(layout.csv.comment)
        if not is_comment and line.strip(f" \t{layout.csv.separator}"):
            break
        if is_comment:
            comments.append(line)
        if end is None:
            raise Unusable("no_rows")
        position, line_number = end.end(), line_number + 1
    cells = _cells(line, layout.csv.separator, layout.csv.quote)
    if not layout.csv.header:
        positions = _by_position(cells, line, line_number, layout)
        offset = found.mark_bytes + len(text[:position].encode(found.name))
        return _Head(comments, offset, line_number, len(cells), positions, "")
    positions = _by_name(cells, line, layout)
    if end is None:
        raise Unusable("no_rows")
    offset = found.mark_bytes + len(text[: end.end()].encode(found.name))
    return _Head(
        comments, offset, line_number + 1, len(cells), positions, cells[positions["account"]].strip()
    )


def _cells(line: str, separator: str, quote: str) -> list[str]:
    if quote:
        return next(csv.reader([line], delimiter=separator, quotechar=quote), [])
    return line.split(separator)


def _by_name(cells: list[str], line: str, layout: Layout) -> dict[str, int]:
    """Find the profile's columns by their header names."""
    positions, missing = _match(cells, layout)
    if missing:
        hint = _hint(line, layout, lambda others: not _match(others, layout)[1])
        raise Unusable("columns_missing", missing=missing, found=", ".join(cells)[:FOUND_SHOWN], hint=hint)
    return positions


def _by_position(cells: list[str], line: str, line_number: int, layout: Layout) -> dict[str, int]:
    """Take the profile's columns by number."""
    wanted = _wanted(layout)
    needed = max(int(where) for where in wanted.values())
    if len(cells) < needed:
        hint = _hint(line, layout, lambda others: len(others) >= needed)
        raise Unusable("columns_few", line=line_number, found=len(cells), needed=needed, hint=hint)
    return {name: int(where) - 1 for name, where in wanted.items()}


def _hint(line: str, layout: Layout, fits: Callable[[list[str]], bool]) -> Unusable | str:
    """The separator with which the columns would fit; empty when none does."""
    for other in SEPARATORS:
        if other != layout.csv.separator and fits(_cells(line, other, layout.csv.quote)):
            return Unusable("separator_hint", separator="TAB" if other == "\t" else other)
    return ""


def _wanted(layout: Layout) -> dict[str, Any]:
    """The columns the profile names."""
    columns = {name: getattr(layout.columns, name) for name in TEXT_COLUMNS}
    return {name: where for name, where in columns.items() if where is not None}


def _match(cells: list[str], layout: Layout) -> tuple[dict[str, int], str]:
    """Positions by our names, and the first column that is missing."""
    names = [_fold(cell) for cell in cells]
    positions: dict[str, int] = {}
    for ours, where in _wanted(layout).items():
        spellings = {_fold(name) for name in ((where,) if isinstance(where, str) else where)}
        places = [index for index, name in enumerate(names) if name in spellings]
        if len(places) > 1:
            raise Unusable("columns_twice", name=cells[places[1]])
        if places:
            positions[ours] = places[0]
        elif ours in ("account", "balance", "service"):
            return positions, where if isinstance(where, str) else where[0]
    return positions, ""


def _fold(name: str) -> str:
    """Header names are compared without case, double blanks, and with Ё as Е."""
    return " ".join(name.casefold().replace("ё", "е").split())


def _note_comment(line: str, layout: Layout, findings: Findings) -> None:
    """`#COUNT 120`, `#COUNT=120`, `#COUNT;120`: a key and its value. What the profile does not ask for is counted."""
    body = line.removeprefix(layout.csv.comment).strip()
    key, value = re.fullmatch(r"([^\s=;:|,]*)[\s=;:|,]*(.*)", body, re.DOTALL).groups()  # type: ignore[union-attr]
    for name in ("count", "sum", "as_of", "applied"):
        if key and key.casefold() == (getattr(layout.control, name) or "").casefold():
            findings.control[name] = value.strip().rstrip(layout.csv.separator)
            return
    findings.fixes["note_comment"] += 1


class _Rows:
    """The rows of one file, with the line number of each."""

    def __init__(
        self, source: BinaryIO, found: Found, head: _Head, layout: Layout, findings: Findings
    ) -> None:
        self._head, self._layout, self._findings = head, layout, findings
        self._text = _Text(source, found, head)
        self._odd_rows: list[int] = []
        """Numbers, from 1, of lines with another width than the rest: Arrow leaves them out."""
        self._taken = 0
        self._trailer_line: int | None = None

    def batches(self) -> Iterator[pa.RecordBatch]:
        """RAW batches of what looks like rows."""
        if self._text.is_at_end():
            return
        try:
            for batch in self._open():
                raw = self._raw(batch)
                yield self._without_other_lines(raw, batch["f0"])
        except pa.ArrowInvalid as error:
            if self._text.complaint:
                raise self._text.complaint from error
            raise self._open_quote() from error
        if self._taken + len(self._odd_rows) != self._text.lines():
            raise self._open_quote()

    def _open(self) -> Any:
        names = [f"f{position}" for position in range(self._head.width)]
        used = sorted({0, *self._head.positions.values()})
        try:
            return pc_csv.open_csv(
                pa.PythonFile(self._text, mode="r"),
                # In one thread: only then does Arrow know the numbers of lines, and it is as fast (measured).
                read_options=pc_csv.ReadOptions(
                    column_names=names, use_threads=False, block_size=BLOCK_BYTES
                ),
                parse_options=pc_csv.ParseOptions(
                    delimiter=self._layout.csv.separator,
                    quote_char=self._layout.csv.quote or False,
                    ignore_empty_lines=False,
                    invalid_row_handler=self._note_odd_row,
                ),
                convert_options=pc_csv.ConvertOptions(
                    include_columns=[names[position] for position in used],
                    column_types=dict.fromkeys(names, pa.string()),
                ),
            )
        except Unusable:
            raise
        except pa.ArrowInvalid as error:
            raise (self._text.complaint or self._open_quote()) from error

    def _raw(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        numbers = np.arange(self._taken, self._taken + batch.num_rows)
        self._taken += batch.num_rows
        nothing = pa.repeat(pa.scalar(""), batch.num_rows)
        columns = [
            batch[f"f{self._head.positions[name]}"] if name in self._head.positions else nothing
            for name in TEXT_COLUMNS
        ]
        return pa.record_batch([*columns, pa.array(self._lines(numbers), pa.int64())], schema=RAW)

    def _lines(self, numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Line numbers of rows that Arrow took, given their own count from 0."""
        odd = np.asarray(self._odd_rows, np.int64)
        before = odd - np.arange(len(odd)) - 1  # rows taken before each odd one
        return numbers + np.searchsorted(before, numbers, side="right") + self._head.data_line

    def _note_odd_row(self, row: Any) -> str:
        """A line of another width: a comment, a trailer, blank, or a bad row."""
        if len(self._odd_rows) >= ODD_ROWS_MAX:
            self._text.complaint = Unusable("odd_lines", allowed=ODD_ROWS_MAX)
            return "error"
        self._odd_rows.append(row.number)
        line = self._head.data_line + row.number - 1
        text, csv_layout = row.text, self._layout.csv
        if csv_layout.comment and text.startswith(csv_layout.comment):
            _note_comment(text, self._layout, self._findings)
        elif prefix := next((prefix for prefix in csv_layout.trailer if text.startswith(prefix)), None):
            self._note_short_trailer(text, prefix, line)
        elif not text.strip(f" \t\x1a{csv_layout.separator}"):
            self._findings.fixes["fix_blank_line"] += 1
        else:
            self._findings.rows += 1
            widths: dict[str, object] = {"found": row.actual_columns, "expected": row.expected_columns}
            self._findings.refuse(BadRow(line, "", text[:VALUE_SHOWN], "row_columns", widths))
        return "skip"

    def _note_short_trailer(self, text: str, prefix: str, line: int) -> None:
        csv_layout = self._layout.csv
        cells = _cells(text, csv_layout.separator, csv_layout.quote)
        for name, position in (("count", csv_layout.trailer_count), ("sum", csv_layout.trailer_sum)):
            if position is not None and position <= len(cells):
                value = cells[position - 1].strip()
                self._note_total(name, value.removeprefix(prefix) if position == 1 else value)
        self._note_trailer(line)

    def _note_total(self, name: str, value: str) -> None:
        """What a trailer says; an empty cell says nothing."""
        if value:
            self._findings.control[name] = value

    def _note_trailer(self, line: int) -> None:
        """The first one counts: rows between two trailers are rows after a trailer."""
        self._trailer_line = line if self._trailer_line is None else min(self._trailer_line, line)

    def _without_other_lines(self, raw: pa.RecordBatch, first: pa.Array) -> pa.RecordBatch:
        """Take out comments and trailers that have a row's width, and headers that come again."""
        other = pc.equal(pc.utf8_trim_whitespace(raw["account"]), self._head.header_account or "\0")
        for row in raw.filter(other).to_pylist():
            self._findings.rows += 1
            self._findings.refuse(
                BadRow(row["line"], "account", row["account"][:VALUE_SHOWN], "row_header_again")
            )
        prefixes = (*self._layout.csv.trailer, *filter(None, (self._layout.csv.comment,)))
        for prefix in prefixes:
            begins = pc.starts_with(first, pattern=prefix)
            if not pc.any(begins).as_py():
                continue
            for row in raw.filter(begins).append_column("first", first.filter(begins)).to_pylist():
                self._note_wide_line(row, is_trailer=prefix in self._layout.csv.trailer)
            other = pc.or_(other, begins)
        if pc.any(other).as_py():
            raw = raw.filter(pc.invert(other))
        self._complain_of_rows_after_trailer(raw)
        return raw

    def _note_wide_line(self, row: dict[str, Any], *, is_trailer: bool) -> None:
        if is_trailer:
            self._note_total("sum", row["balance"].strip())
            self._note_trailer(row["line"])
        else:
            _note_comment(row["first"], self._layout, self._findings)

    def _complain_of_rows_after_trailer(self, raw: pa.RecordBatch) -> None:
        if self._trailer_line is None or raw.num_rows == 0:
            return
        filled = raw.filter(pc.not_equal(pc.utf8_trim_whitespace(raw["account"]), ""))
        if filled.num_rows and filled["line"][-1].as_py() > self._trailer_line:
            raise Unusable("rows_after_trailer", line=self._trailer_line)

    def _open_quote(self) -> Unusable:
        """Find the first line that opens a quote and does not close it: only called when there is one."""
        for number, line in enumerate(self._text.read_lines_again(), self._head.data_line):
            if _leaves_quote_open(line, self._layout.csv.separator, self._layout.csv.quote):
                return Unusable("open_quote", line=number)
        return Unusable("line_too_long", line=self._head.data_line, allowed=PIECE_BYTES)


def _leaves_quote_open(line: str, separator: str, quote: str) -> bool:
    """As a CSV parser sees it: quotes count only where a cell begins with one."""
    inside, may_open = False, True
    for letter in line:
        if letter == quote and (inside or may_open):
            inside = not inside
            may_open = True  # a doubled quote goes on
        else:
            may_open = letter == separator
    return inside


class _Text:
    """The file's rows as UTF-8 for Arrow: decoded strictly, watched for NUL, endless lines and glued files.

    It has the few methods Arrow wants of a file.
    """

    closed = False

    def __init__(self, source: BinaryIO, found: Found, head: _Head) -> None:
        self._source, self._found, self._head = source, found, head
        self._offset = head.data_offset
        source.seek(self._offset)
        self._decoder = codecs.getincrementaldecoder(found.name)("strict")
        self._ready = bytearray()
        self._at_end = False
        self._line_ends = 0
        self._last = b""
        self.complaint: Unusable | None = None

    def readable(self) -> bool:
        """As Arrow asks."""
        return True

    def close(self) -> None:
        """The file belongs to somebody else."""

    def is_at_end(self) -> bool:
        """Whether there is no row at all."""
        self._fill(1)
        return not self._ready

    def lines(self) -> int:
        """Lines from the first row to the end."""
        return self._line_ends + (self._last not in (b"", b"\n", b"\r"))

    def read(self, size: int) -> bytes:
        """The next bytes, never fewer than asked but at the end."""
        try:
            self._fill(size)
        except Unusable as complaint:
            self.complaint = complaint  # Arrow may wrap it on its way
            raise
        answer = bytes(self._ready[:size])
        del self._ready[:size]
        return answer

    def _fill(self, size: int) -> None:
        while len(self._ready) < size and not self._at_end:
            piece = self._source.read(PIECE_BYTES)
            self._at_end = not piece
            self._ready += self._watch(piece)

    def _watch(self, piece: bytes) -> bytes:
        """Check one piece and give it back as UTF-8."""
        line = self._head.data_line + self._line_ends
        try:
            text = self._decoder.decode(piece, final=not piece)
        except UnicodeDecodeError as error:
            raise _undecodable(self._found, piece, error, line, self._offset) from error
        if b"\0" in piece:
            raise Unusable("nul", line=line + _count_line_ends(piece[: piece.index(b"\0")]))
        if "\ufeff" in text:
            before = text[: text.index("\ufeff")].encode(self._found.name)
            raise Unusable(
                "second_bom", line=line + _count_line_ends(before), offset=self._offset + len(before)
            )
        ends = _count_line_ends(piece)
        if not ends and len(piece) == PIECE_BYTES:
            raise Unusable("line_too_long", line=line, allowed=PIECE_BYTES)
        if piece.startswith(b"\n") and self._last == b"\r":
            ends -= 1  # one line end, cut in two by the piece's border
        self._line_ends += ends
        self._last = piece[-1:] or self._last
        self._offset += len(piece)
        return piece if self._found.name == "utf-8" else text.encode()

    def read_lines_again(self) -> Iterator[str]:
        """Every line from the first row on, the slow way; for finding what Arrow only knows to be there."""
        self._source.seek(self._head.data_offset)
        decoder = codecs.getincrementaldecoder(self._found.name)("replace")
        rest = ""
        while piece := self._source.read(PIECE_BYTES):
            rest += decoder.decode(piece)
            ready = rest if not rest.endswith("\r") else rest[:-1]
            *lines, tail = _LINE_END.split(ready)
            rest = tail + rest[len(ready) :]
            yield from lines
            if len(rest) > 2 * PIECE_BYTES:
                return
        yield rest


def _count_line_ends(piece: bytes) -> int:
    """CR LF, LF and CR each end a line."""
    returns = piece.count(b"\r")
    return piece.count(b"\n") + (returns - piece.count(b"\r\n") if returns else 0)


def _undecodable(found: Found, piece: bytes, error: UnicodeDecodeError, line: int, offset: int) -> Unusable:
    start = error.start - (len(error.object) - len(piece))  # the decoder may have kept a byte or two
    return Unusable(
        "undecodable",
        line=line + _count_line_ends(piece[: max(start, 0)]),
        encoding=CALLED[found.name],
        offset=offset + start,
    )
