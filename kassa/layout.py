"""The knobs that incoming and outgoing file layouts share: encoding, separator, decimal sign, dates."""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import Literal

from kassa.errors import KassaError

Encoding = Literal["utf-8", "cp1251"]
"""What operators' programs write and read; `cp1251` is windows-1251."""

Separator = Literal[";", ",", "\t", "|"]
SEPARATORS: tuple[Separator, ...] = (";", "\t", ",", "|")

DecimalSign = Literal[",", "."]

DateForm = Literal[
    "dd.mm.yyyy",
    "dd/mm/yyyy",
    "yyyy-mm-dd",
    "yyyymmdd",
    "dd.mm.yyyy hh:mm",
    "dd.mm.yyyy hh:mm:ss",
    "yyyy-mm-dd hh:mm:ss",
    "iso",
]
"""How a date is written; `iso` is ISO 8601 with or without an offset."""

_STRPTIME: dict[DateForm, str] = {
    "dd.mm.yyyy": "%d.%m.%Y",
    "dd/mm/yyyy": "%d/%m/%Y",
    "yyyy-mm-dd": "%Y-%m-%d",
    "yyyymmdd": "%Y%m%d",
    "dd.mm.yyyy hh:mm": "%d.%m.%Y %H:%M",
    "dd.mm.yyyy hh:mm:ss": "%d.%m.%Y %H:%M:%S",
    "yyyy-mm-dd hh:mm:ss": "%Y-%m-%d %H:%M:%S",
}


class DateError(KassaError):
    """A text is not a date in the form that the layout names."""


def parse_date(text: str, form: DateForm, zone: tzinfo | None = None) -> datetime:
    """Read a date with its offset; a date without a time is the beginning of that day.

    Where the text has no offset it is local time in `zone` (None: the machine's own zone). Raises DateError for
    every other form, unpadded days and digits that are not ASCII included.
    """
    try:
        found = datetime.fromisoformat(text) if form == "iso" else datetime.strptime(text, _STRPTIME[form])  # noqa: DTZ007
        if not text.isascii() or (form != "iso" and found.strftime(_STRPTIME[form]) != text):
            raise DateError(f"{text!r} is not a date like {form}")
        if found.tzinfo is None:
            return found.replace(tzinfo=zone) if zone else found.astimezone()
        return found
    except (ValueError, OverflowError) as error:
        raise DateError(f"{text!r} is not a date like {form}") from error
