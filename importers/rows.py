"""Raw text of rows -> validated rows, in whole batches: the one place that knows what a good row is.

Every reader hands over the same raw columns, so CSV and XML are judged alike. Arrow's kernels do the work; Python
looks at single values only where they are wrong or few.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from importers.profile import Profile
from importers.words import Unusable, Words
from kassa.layout import DateError, parse_date
from kassa.money import MINOR_DIGITS

TEXT_COLUMNS = ("account", "name", "address", "service", "balance", "as_of")

RAW = pa.schema([(name, pa.string()) for name in TEXT_COLUMNS] + [("line", pa.int64())])
"""What a reader hands over: text as it stood in the file, empty where there was none, and the line."""

ROWS = pa.schema(
    [
        ("account", pa.string()),
        ("service", pa.string()),
        ("name", pa.string()),
        ("address", pa.string()),
        ("minor", pa.int64()),
        ("line", pa.int64()),
    ]
)
"""What is stored: accounts in normal form, our service ids, minor units with minus for debt."""

TEXT_MAX = 500
"""Characters of a name or address; real ones stay below 200."""

BAD_ROWS_KEPT = 10_000
"""So many bad rows are kept with line, column and value; the rest is only counted."""

VALUE_SHOWN = 80
"""Characters of a wrong value in a report."""

DATES_MAX = 10_000
"""Different dates in one file; a column that holds more is no date of the data."""

AMOUNT_DIGITS_MAX = 11
"""Of whole roubles. No debt has more, and money that is paid onto it stays far below what one Money may hold."""

ROWS_MAX = 20_000_000
"""Ten times the largest operator a terminal will serve; bounds time and disk."""

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be taken: where, and why. `reason` is a code of `importers.words`."""

    line: int
    column: str
    value: str
    reason: str
    values: dict[str, object] = field(default_factory=dict)

    def as_words(self) -> Words:
        """Line, column, value and reason as one part of a sentence."""
        return Words(
            "bad_row",
            line=self.line,
            column=Words(f"column_{self.column}"),
            value=self.value,
            reason=Words(self.reason, **self.values),
        )


@dataclass
class Findings:
    """What was found while a file was read; the verdict is made from it at the end."""

    rows: int = 0
    """All rows with anything in them, bad ones too."""
    bad: Counter[str] = field(default_factory=Counter)
    """How many, by reason."""
    bad_rows: list[BadRow] = field(default_factory=list)
    fixes: Counter[str] = field(default_factory=Counter)
    records: int | None = None
    """What the file's own count counts, where it is not rows."""
    file_minor: int = 0
    """The sum over all rows with a readable amount, in the file's own sign."""
    dates: set[datetime] = field(default_factory=set)
    control: dict[str, str] = field(default_factory=dict)
    """What the file says of itself, by our names: count, sum, as_of, applied."""
    encoding: str = ""

    def refuse(self, row: BadRow) -> None:
        """Note a bad row."""
        self.bad[row.reason] += 1
        if len(self.bad_rows) < BAD_ROWS_KEPT:
            self.bad_rows.append(row)

    @property
    def bad_total(self) -> int:
        """How many rows are bad."""
        return self.bad.total()


class Checker:
    """Judges the batches of one file by one profile."""

    def __init__(self, profile: Profile, currency: str, findings: Findings) -> None:
        self._profile, self._layout, self._findings = profile, profile.layout, findings
        self._digits = MINOR_DIGITS[currency]
        self._service_names = pa.array([name.lower() for name in self._layout.services], pa.string())
        self._service_ids = pa.array(list(self._layout.services.values()), pa.string())
        self._dates: dict[str, datetime | None] = {}

    def check(self, raw: pa.RecordBatch) -> pa.RecordBatch:
        """Turn a RAW batch into a ROWS batch of its good rows; the bad ones go into the findings."""
        raw = self._without_blank_rows(raw)
        lines = raw["line"].to_numpy()
        self._findings.rows += raw.num_rows
        if self._findings.rows > ROWS_MAX:
            raise Unusable("too_many_rows", allowed=ROWS_MAX)
        good: Mask = np.ones(raw.num_rows, np.bool_)
        account = self._account(raw["account"])
        ok = pc.match_substring_regex(account, f"^(?:{self._layout.account.pattern})$")
        self._judge(good, ok, "account", raw["account"], lines, "row_account")
        minor, ok = self._amount(pc.utf8_trim_whitespace(raw["balance"]))
        self._judge(good, ok, "balance", raw["balance"], lines, "row_amount")
        service, ok = self._service(raw["service"])
        self._judge(good, ok, "service", raw["service"], lines, "row_service")
        self._judge(good, self._dates_ok(raw["as_of"]), "as_of", raw["as_of"], lines, "row_date")
        texts = []
        for column in ("name", "address"):
            text = self._text(raw[column])
            self._judge(
                good,
                pc.less_equal(pc.utf8_length(text), TEXT_MAX),
                column,
                raw[column],
                lines,
                "row_text_long",
            )
            texts.append(text)
        checked = pa.record_batch([account, service, *texts, minor, raw["line"]], schema=ROWS)
        return checked if good.all() else checked.filter(pa.array(good))

    def _judge(
        self,
        good: Mask,
        ok: pa.Array,
        column: str,
        values: pa.Array,
        lines: npt.NDArray[np.int64],
        reason: str,
    ) -> None:
        """Take the rows that are not `ok` out of `good`; a row is bad for its first reason only."""
        fine = ok.to_numpy(zero_copy_only=False)
        if fine.all():
            return
        for index in np.flatnonzero(good & ~fine).tolist():
            value = values[index].as_py()
            code, shown = _refine(reason, value), value[:VALUE_SHOWN]
            limits: dict[str, object] = {"allowed": TEXT_MAX} if reason == "row_text_long" else {}
            self._findings.refuse(BadRow(int(lines[index]), column, shown, code, limits))
        good &= fine

    def _without_blank_rows(self, raw: pa.RecordBatch) -> pa.RecordBatch:
        """Blank lines and lines of separators, as spreadsheets leave them."""
        empty = pc.equal(pc.utf8_trim_whitespace(raw["account"]), "")
        if not pc.any(empty).as_py():
            return raw
        for name in TEXT_COLUMNS[1:]:
            empty = pc.and_(empty, pc.equal(pc.utf8_trim_whitespace(raw[name]), ""))
        self._findings.fixes["fix_blank_line"] += pc.sum(empty).as_py() or 0
        return raw.filter(pc.invert(empty))

    def _account(self, raw: pa.Array) -> pa.Array:
        """The normal form: no blanks, upper case, one dash, one alphabet, the profile's width."""
        text = pc.utf8_trim_whitespace(raw)
        if not pc.all(pc.ascii_is_decimal(text)).as_py():
            before = text
            text = pc.replace_substring_regex(text, r"^(?:=\"(.*)\"|'(.*))$", r"\1\2")
            text = pc.replace_substring_regex(text, "[ \t\u00a0\u202f]+", "")
            text = pc.replace_substring_regex(pc.utf8_upper(text), "[\u2010-\u2015\u2212]", "-")
            if self._layout.account.letters != "as_is":
                twins = (
                    (_CYRILLIC, _LATIN) if self._layout.account.letters == "latin" else (_LATIN, _CYRILLIC)
                )
                for seen, meant in zip(*twins, strict=True):
                    text = pc.replace_substring(text, seen, meant)
            self._count("fix_account_form", before, text)
        if width := self._layout.account.pad_width:
            before = text
            text = pc.if_else(
                pc.match_substring_regex(text, "^[0-9]+$"), pc.utf8_lpad(text, width, "0"), text
            )
            self._count("fix_account_padded", before, text)
        return text

    def _amount(self, text: pa.Array) -> tuple[pa.Array, pa.Array]:
        """Minor units with minus for debt, and which rows hold an amount at all; the others are zero."""
        amount = self._layout.amount
        before = text
        if "typographic" in amount.minus:
            text = pc.replace_substring(text, "\u2212", "-")
        if "trailing" in amount.minus:
            text = pc.replace_substring_regex(text, r"^([^-]+)-$", r"-\1")
        if "parentheses" in amount.minus:
            text = pc.replace_substring_regex(text, r"^\(([^-]+)\)$", r"-\1")
        sign = {"any": "[.,]", ",": ",", ".": r"\."}[amount.decimal]
        fraction = rf"(?:{sign}[0-9]{{1,{self._digits}}})?" if self._digits else ""
        if amount.thousands != "none":
            gap = {"blank": "[ \u00a0\u202f\u2009]", "apostrophe": "['\u2019]"}[amount.thousands]
            grouped = pc.match_substring_regex(text, rf"^-?[0-9]{{1,3}}(?:{gap}[0-9]{{3}}){{1,3}}{fraction}$")
            if pc.any(grouped).as_py():
                text = pc.if_else(grouped, pc.replace_substring_regex(text, gap, ""), text)
        self._count("fix_amount_form", before, text)
        minus = "-?" if amount.minus else ""
        ok = pc.match_substring_regex(text, f"^{minus}[0-9]{{1,{AMOUNT_DIGITS_MAX}}}{fraction}$")
        if "leading" not in amount.minus:
            ok = pc.and_not(ok, pc.starts_with(before, pattern="-"))
        if not pc.all(ok).as_py():
            text = pc.if_else(ok, text, "0")
        decimals = pc.cast(pc.replace_substring(text, ",", "."), pa.decimal128(18, self._digits))
        minor = _unscaled(decimals)
        # In two halves, as a hostile file's amounts could overflow 64 bits.
        self._findings.file_minor += int((minor // 10**6).sum()) * 10**6 + int((minor % 10**6).sum())
        return pa.array(-minor if amount.sign == "debt" else minor, pa.int64()), ok

    def _service(self, raw: pa.Array) -> tuple[pa.Array, pa.Array]:
        """Our service ids; rows with a service the profile does not know are not ok."""
        if self._layout.columns.service is None:
            return pa.repeat(pa.scalar(self._layout.service), len(raw)), pa.repeat(pa.scalar(True), len(raw))
        found = pc.index_in(pc.utf8_lower(pc.utf8_trim_whitespace(raw)), value_set=self._service_names)
        ids = pc.take(self._service_ids, found)
        return pc.fill_null(ids, ""), pc.is_valid(found)

    def _dates_ok(self, raw: pa.Array) -> pa.Array:
        """Which rows hold a date; every one seen goes into the findings. Without such a column all are ok."""
        if self._layout.columns.as_of is None:
            return pa.repeat(pa.scalar(True), len(raw))
        texts = pc.unique(raw)
        for text in texts.to_pylist():
            if text not in self._dates:
                if len(self._dates) >= DATES_MAX:
                    raise Unusable("as_of_unreadable", value=text[:VALUE_SHOWN])
                self._dates[text] = found = read_date(self._profile, text)
                if found is not None:
                    self._findings.dates.add(found)
        wrong = [text for text in texts.to_pylist() if self._dates[text] is None]
        return pc.invert(pc.is_in(raw, value_set=pa.array(wrong, pa.string())))

    def _text(self, raw: pa.Array) -> pa.Array:
        """Names and addresses as delivered, without blanks around and without control characters inside."""
        text = pc.utf8_trim_whitespace(raw)
        dirty = pc.match_substring_regex(text, "[\\x00-\\x1f\\x7f\u2028\u2029\ufffd]")
        if pc.any(dirty).as_py():
            lost = pc.sum(pc.match_substring(text, "\ufffd")).as_py() or 0
            self._findings.fixes["warn_replacement"] += lost
            before = text
            text = pc.replace_substring_regex(text, "[\\x00-\\x1f\\x7f\u2028\u2029]+", " ")
            self._count("fix_control_letters", before, text)
        return text

    def _count(self, fix: str, before: pa.Array, after: pa.Array) -> None:
        """How many values a repair changed."""
        if after is not before:
            self._findings.fixes[fix] += pc.sum(pc.not_equal(before, after)).as_py() or 0


_LATIN = "ABCEHKMOPTXY"
_CYRILLIC = "АВСЕНКМОРТХУ"


def read_date(profile: Profile, text: str) -> datetime | None:
    """A date in the first of the profile's forms that fits; None: in none of them."""
    for form in profile.layout.date.forms:
        try:
            return parse_date(text.strip(), form, profile.zone)
        except DateError:
            continue
    return None


def _unscaled(decimals: Any) -> npt.NDArray[np.int64]:
    """The whole numbers inside decimals of at most 18 digits: the low half of Arrow's 128 bits."""
    halves = np.frombuffer(decimals.buffers()[1], dtype="<i8")
    return halves[2 * decimals.offset : 2 * (decimals.offset + len(decimals)) : 2].copy()


def _refine(reason: str, value: str) -> str:
    """Say more precisely what is wrong with one value."""
    value = value.strip()
    if reason in ("row_account", "row_amount") and not value:
        return f"{reason}_empty"
    if reason == "row_account" and _is_spreadsheet_number(value):
        return "row_account_number"
    return reason


def _is_spreadsheet_number(value: str) -> bool:
    """`1,23457E+15` and `17742.0`: what Excel and pandas make of account numbers."""
    mantissa, e, exponent = value.upper().partition("E+")
    whole, _, fraction = mantissa.replace(",", ".").partition(".")
    return whole.isdigit() and fraction.isdigit() and (exponent.isdigit() if e else not fraction.strip("0"))
