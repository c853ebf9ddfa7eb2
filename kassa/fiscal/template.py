"""What an operator lets a receipt say: TOML files of lines with placeholders, and how they are filled in.

A service names its template in kassa.toml. The home's own `receipts/NAME.toml` comes before the one that is installed.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta, Struct

from kassa.config import Config
from kassa.errors import KassaError
from kassa.home import Home, data_folder
from kassa.money import Money
from kassa.paper import QR_MAX_BYTES, Align, Code, Feed, Line, Pair, Rule, Words
from kassa.ports import Agent, Document, Receipt
from kassa.untrusted import printable, read_toml

TEMPLATE_MAX_BYTES = 1 << 16
ELEMENTS_MAX = 60
"""On one receipt; a roll has an end."""
REGISTRAR_LINES_MAX = 10
"""A fiscal receipt has thirty lines of its own."""
ROWS_MAX = 10
SHOWN_MAX = 120
DEFAULT = "default"
"""The template of a service that names none, or that left kassa.toml since."""

BEFORE_DOCUMENT = {
    "owner": "the operator's name, terminal.owner",
    "tax_id": "terminal.tax_id",
    "terminal": "the terminal's number",
    "automaton": "its number with the tax service, tag 1036",
    "address": "where it stands",
    "place": "what the place is called, tag 1187",
    "phone": "whom a customer may call",
    "payment": "the payment's number",
    "service": "the service's name",
    "account": "the account that was paid for",
    "total": "the sum, like 650.00",
    "currency": "its three letters, like RUB",
    "contact": "the customer's phone or e-mail, where the receipt goes, too",
    "correction_date": "of a correction: the day on which the money was taken",
    "correction_number": "of a correction: the number of the act or order",
}
OF_DOCUMENT = {
    "number": "the receipt's number",
    "date": "the day of the receipt",
    "time": "its hour and minute",
}
PLACEHOLDERS = BEFORE_DOCUMENT | OF_DOCUMENT

Content = Annotated[str, Meta(min_length=1, max_length=200)]


class TemplateError(KassaError):
    """A value in a receipt's template that cannot be used; None: it is missing."""

    def __init__(self, file: str, key: str, value: object, allowed: str) -> None:
        shown = repr(value) if len(repr(value)) <= SHOWN_MAX else f"{value!r:.{SHOWN_MAX}} ..."
        found = f"{key} is missing" if value is None else f"{key} = {shown} cannot be used"
        super().__init__(printable(f"{file}: {found}; allowed: {allowed}"))


class Element(Struct, frozen=True, forbid_unknown_fields=True):
    """One line, or one block of lines: exactly one of the first kinds, and how it looks.

    With a placeholder that has nothing to say, the line is left out.
    """

    text: Content | None = None
    name: Content | None = None
    """At the left margin, with `value` at the right one."""
    value: Content | None = None
    rule: Annotated[str, Meta(min_length=1, max_length=1, description='one character, like "-"')] | None = (
        None
    )
    show: Literal["items", "totals"] | None = None
    """`items`: what was paid, and for whom the money is taken. `totals`: what it adds up to."""
    qr: Content | None = None
    feed: Annotated[int, Meta(ge=1, le=ROWS_MAX)] | None = None
    align: Align = "left"
    bold: bool = False
    large: bool = False


KINDS = ("text", "name", "rule", "show", "qr", "feed")


class Template(Struct, frozen=True, forbid_unknown_fields=True):
    """All of a template's file."""

    registrar: Annotated[tuple[Content, ...], Meta(max_length=REGISTRAR_LINES_MAX)]
    """What a fiscal registrar prints above the items; the rest of the receipt is its own."""
    printer: Annotated[tuple[Element, ...], Meta(min_length=1, max_length=ELEMENTS_MAX)]
    """The whole receipt of a printer without fiscal functions."""


Templates = Mapping[str, Template]
"""By name; DEFAULT is always among them."""


# --- filling in -------------------------------------------------------------------------------------------------


def lines_above_items(template: Template, receipt: Receipt, config: Config) -> tuple[str, ...]:
    """What a fiscal registrar prints beside what it must."""
    known = _known(receipt, config)
    filled = (_fill(text, known) for text in template.registrar)
    return tuple(line for line in filled if line is not None)


def whole_receipt(template: Template, receipt: Receipt, document: Document, config: Config) -> list[Line]:
    """The receipt of a printer that adds nothing to it."""
    known = _known(receipt, config) | {
        "number": str(document.number),
        "date": f"{document.at:%d.%m.%Y}",
        "time": f"{document.at:%H:%M}",
    }
    words = WORDS[config.terminal.language]
    lines: list[Line] = []
    for element in template.printer:
        lines += _lines_of(element, receipt, known, words)
    return lines


def _lines_of(
    element: Element, receipt: Receipt, known: Mapping[str, str], words: Mapping[str, str]
) -> Iterable[Line]:
    match element:
        case Element(text=str(text)):
            filled = _fill(text, known)
            return () if filled is None else (Words(filled, element.align, element.bold, element.large),)
        case Element(name=str(name), value=str(value)):
            left, right = _fill(name, known), _fill(value, known)
            return () if left is None or right is None else (Pair(left, right, element.bold, element.large),)
        case Element(rule=str(letter)):
            return (Rule(letter),)
        case Element(show="items"):
            return items(receipt, words)
        case Element(show="totals"):
            return totals(receipt, words, is_bold=element.bold, is_large=element.large)
        case Element(qr=str(text)):
            filled = _fill(text, known)
            return () if filled is None else (Code(_cut(filled, QR_MAX_BYTES)),)
        case _:
            assert element.feed is not None, "an element is checked when it is read"
            return (Feed(element.feed),)


def items(receipt: Receipt, words: Mapping[str, str]) -> list[Line]:
    """What was paid and, where the money is somebody else's, all that a customer must be told of him."""
    lines: list[Line] = []
    for item in receipt.items:
        lines.append(Pair(item.name, sum_of(item.price)))
        if item.agent is not None:
            lines += agent_lines(item.agent, words)
    return lines


def totals(receipt: Receipt, words: Mapping[str, str], *, is_bold: bool, is_large: bool) -> list[Line]:
    """The sum, and how it was paid."""
    total = sum_of(receipt.total)
    return [Pair(words["total"], total, is_bold, is_large), Pair(words["cash"], total)]


def agent_lines(agent: Agent, words: Mapping[str, str]) -> list[Line]:
    """Whose money it is, and whom to call."""
    lines: list[Line] = [Words(words[f"agent_{agent.sign}"])]
    known = (
        ("supplier", agent.supplier.name),
        ("supplier_inn", agent.supplier.inn),
        ("supplier_phone", ", ".join(agent.supplier.phones)),
        ("agent_phone", ", ".join(agent.phones)),
        ("operator_phone", ", ".join(agent.operator_phones)),
    )
    return lines + [Pair(words[name], value) for name, value in known if value]


def sum_of(money: Money) -> str:
    """A sum as it stands at the right margin."""
    return f"={money.decimal()}"


WORDS: Mapping[str, Mapping[str, str]] = {
    "ru": {
        "total": "ИТОГ",
        "cash": "НАЛИЧНЫМИ",
        "agent_2": "ПЛАТЁЖНЫЙ АГЕНТ",
        "agent_3": "ПЛАТЁЖНЫЙ СУБАГЕНТ",
        "agent_6": "АГЕНТ",
        "supplier": "ПОСТАВЩИК",
        "supplier_inn": "ИНН ПОСТАВЩИКА",
        "supplier_phone": "ТЛФ. ПОСТ.",
        "agent_phone": "ТЛФ. ПЛ. АГЕНТА",
        "operator_phone": "ТЛФ. ОП. ПР. ПЛАТЕЖА",
    },
    "en": {
        "total": "TOTAL",
        "cash": "CASH",
        "agent_2": "PAYING AGENT",
        "agent_3": "PAYING SUB-AGENT",
        "agent_6": "AGENT",
        "supplier": "SUPPLIER",
        "supplier_inn": "SUPPLIER'S TAX ID",
        "supplier_phone": "SUPPLIER'S PHONE",
        "agent_phone": "AGENT'S PHONE",
        "operator_phone": "OPERATOR'S PHONE",
    },
}
"""By the terminal's language; the shortened Russian names are those of the fiscal documents' printed forms."""


def _known(receipt: Receipt, config: Config) -> dict[str, str]:
    terminal, correction = config.terminal, receipt.correction
    service = config.find_service(receipt.service)
    name = service.name.get(terminal.language, service.name["ru"]) if service else receipt.service
    return {
        "owner": terminal.owner,
        "tax_id": terminal.tax_id,
        "terminal": terminal.number,
        "automaton": receipt.place.automaton if receipt.place else terminal.automaton or terminal.number,
        "address": receipt.place.address if receipt.place else terminal.address,
        "place": receipt.place.name if receipt.place else terminal.place,
        "phone": terminal.phone,
        "payment": receipt.payment,
        "service": name,
        "account": receipt.account,
        "total": receipt.total.decimal(),
        "currency": receipt.total.currency,
        "contact": receipt.contact or "",
        "correction_date": f"{correction.of:%d.%m.%Y}" if correction else "",
        "correction_number": correction.number if correction else "",
    }


_PLACE = re.compile(r"\{([^{}]*)\}")


def _fill(text: str, known: Mapping[str, str]) -> str | None:
    """The text with what its placeholders stand for; None when one of them has nothing to say."""
    values = [known[name] for name in _PLACE.findall(text)]
    return _PLACE.sub(lambda found: known[found[1]], text) if all(values) else None


def _cut(text: str, size_bytes: int) -> str:
    return text.encode("utf-8")[:size_bytes].decode("utf-8", "ignore")


# --- reading ----------------------------------------------------------------------------------------------------


def load_templates(config: Config, home: Home) -> Templates:
    """The templates of all services. Raises TemplateError with file, key and what is allowed, and KassaError."""
    names = {DEFAULT, *(service.receipt_template for service in config.service)}
    return {name: find_template(name, home) for name in sorted(names)}


def find_template(name: str, home: Home) -> Template:
    """One template: the home's own, else the one that comes with kassa. Raises as `load_templates` does."""
    folders = (home.path / "receipts", data_folder() / "receipts")
    for folder in folders:
        path = folder / f"{name}.toml"
        if path.is_file():
            return _read(path)
    known = sorted({path.stem for folder in folders for path in folder.glob("*.toml")})
    raise KassaError(
        f"there is no receipt template {name!r} in {folders[0]} or {folders[1]}; known are: {', '.join(known)}"
    )


def _read(path: Path) -> Template:
    try:
        with path.open("rb") as file:
            raw = file.read(TEMPLATE_MAX_BYTES + 1)
        if len(raw) > TEMPLATE_MAX_BYTES:
            raise KassaError(f"{path} cannot be read: it is larger than {TEMPLATE_MAX_BYTES >> 10} KB")
        return parse_template(raw.decode("utf-8-sig"), str(path))
    except OSError as error:
        raise KassaError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise KassaError(f"{path} cannot be read: line {line} is not UTF-8; save it as UTF-8") from error


@lru_cache(maxsize=64)
def parse_template(text: str, file: str) -> Template:
    """A template's TOML. Raises TemplateError; KassaError with the line for what is no TOML."""
    try:
        document = read_toml(text)
    except tomllib.TOMLDecodeError as error:
        raise KassaError(f"{file} cannot be read: {error}") from error
    try:
        template = msgspec.convert(document, Template)
    except msgspec.ValidationError as error:
        raise _explain(str(error), document, file) from error
    for number, line in enumerate(template.registrar):
        _check_content(line, BEFORE_DOCUMENT, file, f"registrar[{number}]")
    for number, element in enumerate(template.printer):
        _check(element, document["printer"][number], file, f"printer[{number}]")
    return template


def _check(element: Element, found: object, file: str, key: str) -> None:
    """What no type can say."""
    kinds = [name for name in KINDS if getattr(element, name) is not None]
    if len(kinds) != 1 or (element.name is None) != (element.value is None):
        raise TemplateError(
            file,
            key,
            found,
            "exactly one of text, name with value, rule, show, qr, feed; beside it align, bold, large",
        )
    for name in ("text", "name", "value", "qr"):
        if (content := getattr(element, name)) is not None:
            _check_content(content, PLACEHOLDERS, file, f"{key}.{name}")


def _check_content(content: str, allowed: Mapping[str, str], file: str, key: str) -> None:
    unknown = [name for name in _PLACE.findall(content) if name not in allowed]
    if unknown or set(_PLACE.sub("", content)) & set("{}"):
        raise TemplateError(file, key, content, f"text with {', '.join(f'{{{name}}}' for name in allowed)}")


_AT = re.compile(r"^(?P<what>.*?)(?: - at `(?P<path>[^`]*)`)?$", re.DOTALL)
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`")
_MISSING = re.compile(r"Object missing required field `(.*)`")


def _explain(message: str, document: Any, file: str) -> TemplateError:
    """Say what msgspec found in the words of the template."""
    match = _AT.match(message)
    assert match is not None
    what, path = match["what"], (match["path"] or "$").removeprefix("$").lstrip(".")
    owner: type[Struct] = Element if path.startswith("printer[") else Template
    if unknown := _UNKNOWN.match(what):
        names = ", ".join(owner.__struct_fields__)
        table = _look_up(document, path)
        return TemplateError(
            file,
            ".".join(filter(None, (path, unknown[1]))),
            table.get(unknown[1]) if isinstance(table, dict) else None,
            f"no key of this name; there are: {names}",
        )
    if missing := _MISSING.match(what):
        return TemplateError(file, missing[1], None, "a value: this key must be given")
    allowed = _choices(owner, path) or what.removeprefix("Expected ").split(", got")[0].replace("`", "")
    return TemplateError(file, path, _look_up(document, path), allowed)


def _choices(owner: type[Struct], path: str) -> str | None:
    """The values of a key that has few."""
    kind: Any = get_type_hints(owner).get(path.rpartition(".")[2])
    for one in (kind, *get_args(kind)):
        if get_origin(one) is Literal:
            return ", ".join(repr(choice) for choice in get_args(one))
    return None


def _look_up(document: Any, path: str) -> Any:
    for name, index in re.findall(r"([^.\[\]]+)|\[(\d+)\]", path):
        try:
            document = document[int(index)] if index else document[name]
        except (KeyError, IndexError, TypeError):
            return None
    return document
