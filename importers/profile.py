"""How an operator's file is laid out: declared in TOML, checked before any file is read by it."""

from __future__ import annotations

import hashlib
import re
import tomllib
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Meta, Struct, field

from kassa.errors import KassaError
from kassa.home import Home, data_folder
from kassa.layout import DateForm, DecimalSign, Encoding, Separator
from kassa.untrusted import printable, read_toml

PROFILE_MAX_BYTES = 1 << 18

Text = Annotated[str, Meta(min_length=1, max_length=256)]
Identifier = Annotated[str, Meta(pattern=r"\A[a-z][a-z0-9_]{0,31}\Z")]
Position = Annotated[int, Meta(ge=1, le=1000)]
Where = Text | Position | Annotated[tuple[Text, ...], Meta(min_length=1, max_length=50)]
"""Where a value stands. CSV: a header name, several spellings of it, or a position from 1. XML: a path, or several."""


class ProfileError(KassaError):
    """A value in a profile that cannot be used."""

    def __init__(self, file: str, key: str, value: object, allowed: str) -> None:
        super().__init__(printable(f"{file}: {key} = {value!r} cannot be used; allowed: {allowed}"))


class Csv(Struct, frozen=True, forbid_unknown_fields=True):
    """How lines are cut into columns."""

    separator: Separator = ";"
    quote: Literal['"', ""] = '"'
    """Empty: quotes are ordinary letters, as exporters write that know no quoting."""
    header: bool = True
    """False: the columns are positions."""
    comment: Annotated[str, Meta(max_length=8)] = "#"
    """Lines that begin so are keys and values (`#COUNT 120`), never rows; empty: there are none."""
    trailer: tuple[Text, ...] = ()
    """Last lines that begin so hold totals; their sum stands in the balance column."""
    trailer_count: Position | None = None
    """Where a trailer with fewer columns holds the number of rows."""
    trailer_sum: Position | None = None
    """Where a trailer with fewer columns holds the sum."""


class Xml(Struct, frozen=True, forbid_unknown_fields=True):
    """Which elements are records. Names are compared without their namespaces."""

    root: Text = "subscribers"
    record: Text = "s"
    group: Annotated[str, Meta(max_length=256)] = ""
    """A child that a record may have several times, one row each; empty: a record is a row."""


class Columns(Struct, frozen=True, forbid_unknown_fields=True):
    """Where the values of a row stand; a column that is not named is never stored."""

    account: Where
    balance: Where
    """The amount; `amount.sign` says whether it is a balance or a debt."""
    name: Where | None = None
    address: Where | None = None
    service: Where | None = None
    as_of: Where | None = None


class Amount(Struct, frozen=True, forbid_unknown_fields=True):
    """How sums are written."""

    decimal: DecimalSign | Literal["any"] = ","
    """`any`: comma or point, but only before the last one or two digits."""
    thousands: Literal["none", "blank", "apostrophe"] = "none"
    """`blank` knows the no-break and the narrow ones too. Groups must be of three."""
    sign: Literal["balance", "debt"] = "balance"
    """`balance`: minus is a debt. `debt`: plus is a debt."""
    minus: tuple[Literal["leading", "trailing", "parentheses", "typographic"], ...] = ("leading",)


class Account(Struct, frozen=True, forbid_unknown_fields=True):
    """How account numbers are written: always text, never numbers."""

    pattern: Text = "[0-9]{1,20}"
    """Of the normal form, whole."""
    pad_width: Annotated[int, Meta(ge=0, le=20)] = 0
    """Fill with zeros on the left up to this width; 0: never."""
    letters: Literal["as_is", "latin", "cyrillic"] = "as_is"
    """Letters that look alike in both alphabets (A, B, C ...) become those of this one."""


class Date(Struct, frozen=True, forbid_unknown_fields=True):
    """How dates are written."""

    forms: Annotated[tuple[DateForm, ...], Meta(min_length=1)] = ("dd.mm.yyyy", "iso")
    """The first that fits counts."""
    zone: str = ""
    """A name like `Europe/Moscow` for dates without an offset; empty: the terminal's own zone."""


class Control(Struct, frozen=True, forbid_unknown_fields=True):
    """Names of what the file says of itself: comment lines of a CSV, attributes of an XML root."""

    count: Text | None = None
    sum: Text | None = None
    as_of: Text | None = None
    applied: Text | None = None
    """The last payment batch the balances contain: `00042-000316`."""
    required: tuple[Literal["count", "sum", "as_of", "applied"], ...] = ()
    """Without these the file is refused as cut off."""


class Accept(Struct, frozen=True, forbid_unknown_fields=True):
    """When a file with faults is taken all the same."""

    bad_rows_max_share: Annotated[float, Meta(ge=0, le=0.5)] = 0.0
    duplicates: Literal["refuse", "same_row_ok"] = "refuse"
    """`same_row_ok`: rows that are the same in every stored value count once."""


class Layout(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All of a profile's file."""

    kind: Literal["csv", "xml"]
    columns: Columns
    encoding: Encoding | Literal["auto"] = "auto"
    """`auto`: UTF-8 if the whole file is that, else windows-1251; XML: as the file declares."""
    service: Identifier | None = None
    """The one service of all rows, where the file has no column for it."""
    services: dict[str, Identifier] = field(default_factory=dict)
    """What the file calls a service -> our id. Upper and lower case are the same."""
    name_date: str = ""
    """A regular expression over the file's name; its first group is the data's date in one of `date.forms`."""
    csv: Csv = field(default_factory=Csv)
    xml: Xml = field(default_factory=Xml)
    amount: Amount = field(default_factory=Amount)
    account: Account = field(default_factory=Account)
    date: Date = field(default_factory=Date)
    control: Control = field(default_factory=Control)
    accept: Accept = field(default_factory=Accept)


@dataclass(frozen=True)
class Profile:
    """A layout with its name and the digest of its text."""

    name: str
    sha256: str
    layout: Layout

    @property
    def zone(self) -> ZoneInfo | None:
        """The zone of dates without an offset; None: the terminal's own."""
        return ZoneInfo(self.layout.date.zone) if self.layout.date.zone else None


def find_profile(home: Home, name: str) -> Profile:
    """The profile of this name: the home's own first, then those that come with kassa.

    Raises ProfileError with file, key and what is allowed; KassaError when there is none of this name.
    """
    folders = (home.path / "profiles", data_folder() / "profiles")
    if re.fullmatch("[a-z][a-z0-9_]{0,31}", name):
        for folder in folders:
            path = folder / f"{name}.toml"
            if path.is_file():
                return load_profile(path)
    known = sorted({path.stem for folder in folders for path in folder.glob("*.toml")})
    raise KassaError(
        f"there is no profile {name!r} in {folders[0]} or {folders[1]}; known are: {', '.join(known)}"
    )


def load_profile(path: Path) -> Profile:
    """Read and check one profile. Raises ProfileError; KassaError when it cannot be read at all."""
    try:
        with path.open("rb") as file:
            raw = file.read(PROFILE_MAX_BYTES + 1)
        if len(raw) > PROFILE_MAX_BYTES:
            raise KassaError(f"{path} is larger than {PROFILE_MAX_BYTES} bytes; that is no profile")
        document = read_toml(raw.decode("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise KassaError(f"{path} cannot be read: {error}") from error
    return Profile(path.stem, hashlib.sha256(raw).hexdigest(), parse_layout(document, path.name))


def parse_layout(document: dict[str, Any], file: str) -> Layout:
    """Turn a profile's TOML document into a layout. Raises ProfileError."""
    try:
        layout = msgspec.convert(document, Layout)
    except msgspec.ValidationError as error:
        raise _explain(str(error), document, file) from error
    _check(layout, file)
    return layout


def _check(layout: Layout, file: str) -> None:
    """What no type can say."""
    if layout.service is None and layout.columns.service is None:
        raise ProfileError(
            file, "service", None, "one service id for all rows, or a column in columns.service"
        )
    if layout.columns.service is not None and not layout.services:
        raise ProfileError(file, "services", {}, "what the file calls each service -> our service id")
    positions = layout.kind == "csv" and not layout.csv.header
    for name in Columns.__struct_fields__:
        where = getattr(layout.columns, name)
        if where is None:
            continue
        if isinstance(where, int) != positions:
            allowed = (
                "a position from 1, as csv.header is false" if positions else "a name, or several spellings"
            )
            raise ProfileError(file, f"columns.{name}", where, allowed)
        if layout.kind == "xml":
            _check_paths(where, f"columns.{name}", file)
    _check_pattern(layout.account.pattern, "account.pattern", file)
    if layout.name_date and _check_pattern(layout.name_date, "name_date", file) != 1:
        raise ProfileError(file, "name_date", layout.name_date, "an expression with one group: the date")
    try:
        ZoneInfo(layout.date.zone or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # OSError: the name of a folder
        raise ProfileError(file, "date.zone", layout.date.zone, "a zone like Europe/Moscow") from error
    if layout.kind == "xml":
        for name in ("count", "sum", "as_of", "applied"):
            attribute = getattr(layout.control, name)
            if attribute is not None and not _NAME.fullmatch(attribute):
                raise ProfileError(file, f"control.{name}", attribute, "the name of an attribute of the root")
    for name in layout.control.required:
        if getattr(layout.control, name) is None:
            raise ProfileError(
                file, "control.required", name, f"names that control says how to find: {name} = ..."
            )


_NAME = re.compile(r"[\w.-]+")
_PATH = re.compile(r"(?:[\w.-]+/)*@?[\w.-]+")


def _check_paths(where: object, key: str, file: str) -> None:
    for path in (where,) if isinstance(where, str) else where:  # type: ignore[attr-defined]
        if not _PATH.fullmatch(path):
            raise ProfileError(
                file, key, path, "a path below the record: child, child/child, @attribute, child/@attribute"
            )


def _check_pattern(pattern: str, key: str, file: str) -> int:
    """Both engines must know it: Arrow's runs over millions of rows in linear time, Python's over names."""
    try:
        pc.match_substring_regex(pa.array([""]), f"^(?:{pattern})$")
        with warnings.catch_warnings():
            warnings.simplefilter(
                "error", FutureWarning
            )  # a set in a set: Python will come to read it otherwise
            return re.compile(pattern).groups
    except (pa.ArrowInvalid, re.error, OverflowError, RecursionError, FutureWarning) as error:
        raise ProfileError(file, key, pattern, f"a regular expression ({error})") from error


_AT = re.compile(r"^(?P<what>.*?)(?: - at `(?P<path>[^`]*)`)?$", re.DOTALL)
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`")
_MISSING = re.compile(r"Object missing required field `(.*)`")


def _explain(message: str, document: Any, file: str) -> ProfileError:
    """Say what msgspec found in the words of the profile."""
    match = _AT.match(message)
    assert match is not None
    what, path = match["what"], (match["path"] or "$").removeprefix("$").lstrip(".")
    if unknown := _UNKNOWN.match(what):
        key, table = ".".join(filter(None, (path, unknown[1]))), _look_up(document, path)
        value = table.get(unknown[1]) if isinstance(table, dict) else None
        return ProfileError(
            file,
            key,
            value,
            f"no key of this name: {', '.join(_keys_at(path))}",
        )
    if missing := _MISSING.match(what):
        key = ".".join(filter(None, (path, missing[1])))
        return ProfileError(file, key, None, "a value: this key must be given")
    allowed = what.removeprefix("Expected ").split(", got")[0].replace("`", "")
    if what.startswith("Invalid enum value"):
        allowed = _choices(path) or allowed
    return ProfileError(file, path, _look_up(document, path), allowed)


def _look_up(document: Any, path: str) -> Any:
    for name in re.findall(r"[^.\[\]]+", path):
        try:
            document = document[int(name)] if isinstance(document, list) else document[name]
        except (KeyError, IndexError, TypeError, ValueError):
            return None
    return document


def _field(path: str) -> tuple[type[Struct], Any]:
    """The structure a path lies in, and the type of its last key."""
    kind: Any = Layout
    owner = Layout
    for name in re.findall(r"[^.\[\]]+", path):
        fields = {one.name: one.type for one in msgspec.structs.fields(kind)} if _is_struct(kind) else {}
        owner, kind = (kind, fields[name]) if name in fields else (owner, kind)
    return owner, kind


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Struct)


def _keys_at(path: str) -> tuple[str, ...]:
    _, kind = _field(path)
    return tuple(kind.__struct_fields__) if _is_struct(kind) else ()


def _choices(path: str) -> str:
    """The values of a key that knows only a few."""

    def values(kind: Any) -> list[str]:
        found = []
        for inner in getattr(kind, "__args__", ()):
            found += [repr(inner)] if isinstance(inner, str) else values(inner)
        return found

    return ", ".join(values(_field(path)[1]))
