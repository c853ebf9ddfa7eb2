"""The configuration: one TOML file as typed structures; an error names the key, the value and what is allowed."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct, field

from kassa.errors import KassaError
from kassa.money import MINOR_DIGITS, Money, of_whole
from kassa.untrusted import printable, read_toml

LANGUAGES = ("ru", "en")
CONFIG_MAX_BYTES = 1 << 18
"""A hundred services have 100 KB; reading time may grow faster than size, see kassa.untrusted."""
SHOWN_MAX = 160
"""A whole table in the wrong place would fill a page of the error message."""

Text = Annotated[str, Meta(min_length=1, max_length=256)]
FiscalText = Annotated[
    str,
    Meta(
        pattern=r"\A(?=.{0,255}\w)[^\x00-\x1f\x7f]{1,256}\Z",
        description="one line with at least a letter or a digit, at most 256 characters: it stands in fiscal documents",
    ),
]
Identifier = Annotated[
    str,
    Meta(
        pattern=r"\A[a-z][a-z0-9_]{0,31}\Z",
        description="lower-case letters, digits and _, a letter first, at most 32",
    ),
]
Digits = Annotated[str, Meta(pattern=r"\A[0-9]{1,12}\Z", description="1 to 12 digits in quotes")]
TimeOfDay = Annotated[
    str,
    Meta(pattern=r"\A([01][0-9]|2[0-3]):[0-5][0-9]\Z", description='a time of day in quotes, like "03:00"'),
]
Whole = Annotated[int, Meta(ge=1, le=1_000_000)]
Seconds = Annotated[int, Meta(ge=1, le=3600)]
Speed = Literal[2400, 4800, 9600, 19200, 38400, 57600, 115200]
FixedKey = Annotated[str, Meta(pattern=r"\A[0-9A-Fa-f]{16}\Z", description="16 hexadecimal digits in quotes")]
ByLanguage = Annotated[
    dict[Literal["ru", "en"], Text],
    Meta(description='texts by language, like { ru = "Интернет", en = "Internet" }'),
]
ReceiptName = Annotated[
    str,
    Meta(
        pattern=r"\A[^\x00-\x1f\x7f]{1,100}\Z",
        description="one line of 1 to 100 characters: the account follows it on the receipt",
    ),
]


class ConfigError(KassaError):
    """A value in kassa.toml that cannot be used; None: a key that must be there is not."""

    def __init__(self, key: str, value: object, allowed: str) -> None:
        shown = repr(value) if len(repr(value)) <= SHOWN_MAX else f"{value!r:.{SHOWN_MAX}} ..."
        found = f"{key} is missing" if value is None else f"{key} = {shown} cannot be used"
        super().__init__(printable(f"kassa.toml: {found}; allowed: {allowed}"))


class Terminal(Struct, frozen=True, forbid_unknown_fields=True):
    """Which terminal this is, and whose."""

    number: Digits
    operator: Digits
    owner: Text
    address: FiscalText
    phone: Text
    place: FiscalText = "Платёжный терминал"
    """What customers call the place of the payment: tag 1187."""
    automaton: Annotated[
        str,
        Meta(
            pattern=r"\A((?=.{0,19}\w)[^\x00-\x1f\x7f]{1,20})?\Z",
            description='at most 20 characters with at least a letter or a digit, or "" for the terminal\'s number',
        ),
    ] = ""
    """The serial number under which the tax service knows this kiosk, tag 1036; empty: `number`."""
    tax_id: Annotated[str, Meta(max_length=64)] = ""
    """The operator's tax number with its name, for receipts that no fiscal registrar prints."""
    language: Literal["ru", "en"] = "ru"
    currency: Text = "RUB"


class Validator(Struct, frozen=True, forbid_unknown_fields=True):
    """The bill validator and its port."""

    port: Text
    protocol: Literal["ccnet", "id003", "ssp"] = "ccnet"
    speed: Speed = 9600
    countries: Annotated[tuple[Text, ...], Meta(min_length=1)] = ("RUS", "RUR", "RUB")
    """What the bill table calls our currency."""
    cassette_notes: Whole = 1000
    """How many notes the cassette holds."""
    bill_table: Annotated[tuple[Annotated[int, Meta(ge=0, le=1_000_000)], ...], Meta(max_length=16)] = ()
    """Whole units by bill type, 0 for none: for ID-003 units that do not tell their table."""
    fixed_key: FixedKey = "0123456701234567"
    """The half of an SSP unit's key that both sides know beforehand; this is how they leave the factory."""


CodePage = Literal[
    "cp437", "cp850", "cp852", "cp857", "cp858", "cp866", "cp1125", "cp1250", "cp1251", "cp1252", "cp1254", "cp1257",
]  # fmt: skip

NETWORK = "tcp://"
"""So begins the port of a device in the network: tcp://HOST:PORT."""
WEB = "http://"
"""So begins the address of a server that runs a registrar's tasks."""
USB = "usb"
"""The port of a registrar that its own library finds among the USB devices."""


class Registrar(Struct, frozen=True, forbid_unknown_fields=True):
    """The fiscal registrar, or the printer without fiscal functions (`escpos`), and its port."""

    port: Text
    """A serial port, a printer's own USB port, or tcp://HOST:PORT; http://HOST:PORT of ATOL's web server; "usb" for its library."""
    protocol: Literal["shtrih", "atol_web", "atol_library", "escpos"] = "shtrih"
    speed: Speed = 115200
    password: Annotated[int, Meta(ge=0, le=99_999_999)] = 30
    user: Annotated[
        str, Meta(pattern=r"\A[^:\x00-\x1f]{0,64}\Z", description="at most 64 characters without a colon")
    ] = ""
    """Of ATOL's web server."""
    secret: Annotated[str, Meta(max_length=256)] = ""
    """Of that user; with ATOL's library the registrar's user password, where it has one."""
    library: Annotated[str, Meta(max_length=4096)] = ""
    """The file libfptr10.py of ATOL's driver."""
    tax_system: Literal[0, 1, 2, 4, 5] = 0
    """Bit number of tag 1055: 0 general, 1 simplified (income), 2 simplified (income minus expense), 4 farm, 5 patent."""
    close_shift_at: TimeOfDay = "03:00"
    close_shift_at_collection: bool = False
    """Also when the cassette was collected, so that a shift's Z-report and the collector's slip are of the same money."""
    late_receipt: Literal["same_shift", "any_shift"] = "same_shift"
    """Until when an owed document is made as an ordinary receipt by itself; behind that a person decides."""
    width: Literal[32, 36, 42, 48, 64] = 48
    """Characters on a row of an escpos printer, and of copies on any registrar."""
    code_page: CodePage = "cp866"
    """The letters that an escpos printer has."""
    code_page_number: Annotated[int, Meta(ge=0, le=255)] = 0
    """Which of the printer's pages that is; 0: as Epson numbers them."""


class Account(Struct, frozen=True, forbid_unknown_fields=True):
    """How this service's account numbers look."""

    length_min: Annotated[int, Meta(ge=1, le=20)] = 1
    length_max: Annotated[int, Meta(ge=1, le=20)] = 20
    groups: tuple[Annotated[int, Meta(ge=1, le=20)], ...] = ()
    hint: ByLanguage = field(default_factory=dict)


Phone = Annotated[
    str,
    Meta(pattern=r"\A\+?[0-9]{3,18}\Z", description='a telephone number in quotes, like "+74951112233"'),
]
Inn = Annotated[str, Meta(pattern=r"\A([0-9]{10}|[0-9]{12})\Z", description="10 or 12 digits in quotes")]


class Supplier(Struct, frozen=True, forbid_unknown_fields=True):
    """Whose service it is: tags 1225, 1226, 1171."""

    name: FiscalText
    inn: Inn
    phones: Annotated[tuple[Phone, ...], Meta(min_length=1, max_length=4)]


class Agent(Struct, frozen=True, forbid_unknown_fields=True):
    """The money for this service is taken for somebody else."""

    sign: Literal["paying_agent", "paying_subagent", "agent"]
    """Tag 1222."""
    supplier: Supplier
    phones: Annotated[tuple[Phone, ...], Meta(max_length=4)] = ()
    """The paying agent's own, tag 1073."""
    operator_phones: Annotated[tuple[Phone, ...], Meta(max_length=4)] = ()
    """Of the operator for whom a sub-agent takes payments, tag 1074; a paying agent is that operator himself."""


Subject = Literal[
    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 30, 31, 32, 33,
]  # fmt: skip


class Service(Struct, frozen=True, forbid_unknown_fields=True):
    """Something a subscriber can pay for."""

    id: Identifier
    name: ByLanguage
    icon: Text
    min: Whole
    max: Whole
    description: ByLanguage = field(default_factory=dict)
    account: Account = field(default_factory=Account)
    denominations: tuple[Whole, ...] = ()
    """Whole units; empty: whatever the validator knows."""
    receipt_name: ReceiptName = "Аванс за услуги связи"
    method: Annotated[int, Meta(ge=1, le=7)] = 3
    """Tag 1214: 3 advance, 4 full payment."""
    subject: Subject = 10
    """Tag 1212: 4 service, 10 payment."""
    vat: Annotated[int, Meta(ge=1, le=12)] = 12
    """Tag 1199: 6 none, 11 22 %, 12 22/122."""
    agent: Agent | None = None
    """None: the service is the operator's own."""
    receipt_template: Identifier = "default"
    """What else the receipt says: a file of data/receipts, or of the home's own receipts folder, without .toml."""


class Cash(Struct, frozen=True, forbid_unknown_fields=True):
    """How long a customer may take."""

    idle_timeout_s: Seconds = 90
    """With money inserted: then it is credited to the account on the screen, once no note moves."""
    choosing_timeout_s: Seconds = 60
    """Without money: then the terminal goes back to its first screen."""
    thanks_s: Seconds = 15
    receipt_wait_s: Seconds = 40
    """How long a customer waits for the receipt before the terminal says that it will come later."""


class Receipt(Struct, frozen=True, forbid_unknown_fields=True):
    """What customers are offered besides the paper."""

    contact: Literal["both", "phone", "email", "off"] = "both"
    """What they may leave for an electronic receipt, tag 1008."""


class Inbox(Struct, frozen=True, forbid_unknown_fields=True):
    """A watched folder for subscriber files."""

    profile: Identifier
    folder: Text = "inbox"
    """Relative to the home, or absolute."""
    names: Annotated[tuple[Text, ...], Meta(min_length=1)] = ("*.csv", "*.txt", "*.xml")
    watch: Literal["auto", "events", "polling"] = "auto"
    """`polling` for network shares, where no events arrive; `auto` finds out by the kind of file system."""
    quiet_s: Annotated[float, Meta(ge=0.1, le=600)] = 2.0
    """A file is taken when it did not change for so long."""


class Data(Struct, frozen=True, forbid_unknown_fields=True):
    """How old subscriber data may be."""

    warn_after_h: Whole = 48
    """Customers and staff are told."""
    size_max_mb: Whole = 512


class Outbox(Struct, frozen=True, forbid_unknown_fields=True):
    """Payment files."""

    folder: Text = "outbox"
    every_min: Whole = 60
    after_each_payment: bool = False
    """Write a file as soon as a payment has its document; for demonstrations and slow terminals."""
    encoding: Literal["utf-8", "cp1251"] = "utf-8"


class Disk(Struct, frozen=True, forbid_unknown_fields=True):
    """When the disk is too full to take money."""

    free_min_mb: Whole = 200


class Ui(Struct, frozen=True, forbid_unknown_fields=True):
    """The customer's screen."""

    width: Annotated[int, Meta(ge=640, le=7680)] = 1280
    height: Annotated[int, Meta(ge=480, le=4320)] = 1024
    fullscreen: bool = True
    fps: Annotated[int, Meta(ge=5, le=60)] = 30


class Config(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All of kassa.toml."""

    terminal: Terminal
    validator: Validator
    registrar: Registrar
    service: Annotated[tuple[Service, ...], Meta(min_length=1, max_length=100)]
    inbox: tuple[Inbox, ...] = ()
    cash: Cash = field(default_factory=Cash)
    receipt: Receipt = field(default_factory=Receipt)
    data: Data = field(default_factory=Data)
    outbox: Outbox = field(default_factory=Outbox)
    disk: Disk = field(default_factory=Disk)
    ui: Ui = field(default_factory=Ui)

    def find_service(self, service_id: str) -> Service | None:
        """The service of this id."""
        return next((service for service in self.service if service.id == service_id), None)

    def money(self, units: int) -> Money:
        """Whole units of the terminal's currency."""
        return of_whole(units, self.terminal.currency)


def load(path: Path) -> Config:
    """Read and check kassa.toml. Raises ConfigError with key, value and what is allowed; KassaError when unreadable."""
    try:
        with path.open("rb") as file:
            raw = file.read(CONFIG_MAX_BYTES + 1)
        if len(raw) > CONFIG_MAX_BYTES:
            raise KassaError(f"{path} cannot be read: it is larger than {CONFIG_MAX_BYTES >> 10} KB")
        document = read_toml(raw.decode("utf-8-sig"))  # Notepad writes a BOM
    except FileNotFoundError as error:
        raise KassaError(
            f"{path} is missing; make a terminal's folder with: kassa init {path.parent}"
        ) from error
    except OSError as error:
        raise KassaError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise KassaError(f"{path} cannot be read: line {line} is not UTF-8; save it as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise KassaError(f"{path} cannot be read: {error}") from error
    return parse(document)


def parse(document: Mapping[str, Any]) -> Config:
    """Turn a TOML document into a Config; raises ConfigError."""
    try:
        config = msgspec.convert(document, Config)
    except msgspec.ValidationError as error:
        raise _explain(str(error), document) from error
    _check(config)
    return config


def _check(config: Config) -> None:
    """What no type can say."""
    _check_registrar(config.registrar)
    if config.terminal.currency not in MINOR_DIGITS:
        raise ConfigError("terminal.currency", config.terminal.currency, ", ".join(MINOR_DIGITS))
    seen: set[str] = set()
    for index, service in enumerate(config.service):
        key = f"service[{index}]"
        if service.id in seen:
            raise ConfigError(f"{key}.id", service.id, "each id once")
        seen.add(service.id)
        if "ru" not in service.name:
            raise ConfigError(f"{key}.name", service.name, 'at least the Russian name: { ru = "..." }')
        if service.max < service.min:
            raise ConfigError(f"{key}.max", service.max, f"{service.min} (the minimum) or more")
        if too_large := [units for units in service.denominations if units > service.max]:
            raise ConfigError(
                f"{key}.denominations", too_large, f"notes of at most {service.max} (the maximum)"
            )
        if service.account.length_max < service.account.length_min:
            raise ConfigError(
                f"{key}.account.length_max",
                service.account.length_max,
                f"{service.account.length_min} or more",
            )
        if service.agent is not None:
            _check_agent(f"{key}.agent", service.agent)
    claimed: set[tuple[str, str]] = set()
    for index, inbox in enumerate(config.inbox):
        names = {(inbox.folder, name.casefold()) for name in inbox.names}
        if twice := sorted(name for _, name in names & claimed):
            raise ConfigError(f"inbox[{index}].names", twice, "names that no other inbox of this folder has")
        claimed |= names


def _check_agent(key: str, agent: Agent) -> None:
    """Whose phones a receipt must name: without them the fiscal document is not what the law wants."""
    if agent.sign != "agent" and not agent.phones:
        raise ConfigError(f"{key}.phones", agent.phones, f"at least one: the {agent.sign}'s own, tag 1073")
    if agent.sign == "paying_subagent" and not agent.operator_phones:
        raise ConfigError(
            f"{key}.operator_phones",
            agent.operator_phones,
            "at least one: of the operator for whom the sub-agent takes payments, tag 1074",
        )


def _check_registrar(registrar: Registrar) -> None:
    """Whether port and protocol go together."""
    if registrar.protocol == "atol_web":
        _check_address(registrar.port, WEB, 'ATOL\'s web server, like "http://127.0.0.1:16732"')
        return
    if registrar.protocol == "atol_library" and not registrar.library:
        raise ConfigError("registrar.library", registrar.library, "the path of libfptr10.py of ATOL's driver")
    if registrar.port.startswith(NETWORK):
        _check_address(
            registrar.port, NETWORK, "a serial port, or tcp://HOST:PORT like tcp://192.168.137.111:7778"
        )


def _check_address(port: str, begins: str, allowed: str) -> None:
    try:
        address = urlsplit(port)
        is_whole = bool(address.hostname) and bool(address.port) and not address.path.strip("/")
        is_whole &= "@" not in address.netloc  # a port is shown to everybody: it is no place for a secret
    except ValueError:
        is_whole = False
    if not (is_whole and port.startswith(begins)):
        raise ConfigError("registrar.port", port, allowed)


_AT = re.compile(r"^(?P<what>.*?)(?: - at (?:`key` in )?`(?P<path>[^`]*)`)?$", re.DOTALL)
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`")
_MISSING = re.compile(r"Object missing required field `(.*)`")


def _explain(message: str, document: Mapping[str, Any]) -> ConfigError:
    """Say what msgspec found in the words of kassa.toml."""
    match = _AT.match(message)
    assert match is not None
    what, path = match["what"], (match["path"] or "$").removeprefix("$").lstrip(".")
    if unknown := _UNKNOWN.match(what):
        key, table = ".".join(filter(None, (path, unknown[1]))), _look_up(document, path)
        value = table.get(unknown[1]) if isinstance(table, Mapping) else None
        return ConfigError(
            key,
            value,
            f"no key of this name; there are: {', '.join(_keys_at(path))}",
        )
    if missing := _MISSING.match(what):
        key = ".".join(filter(None, (path, missing[1])))
        return ConfigError(key, None, _allowed_at(key) or "a value: this key must be given")
    path = path.removesuffix("[...]")  # one of the texts by language: the table as a whole is shown
    return ConfigError(path, _look_up(document, path), _allowed_at(path) or _in_words(what))


_TYPE_WORDS = {
    "int": "a whole number",
    "float": "a number",
    "str": "text",
    "bool": "true or false",
    "array": "a list",
    "object": "a table",
}


def _in_words(what: str) -> str:
    """`Expected `int` >= 1` -> `a whole number >= 1`."""
    expected = what.removeprefix("Expected ").split(", got")[0].replace("`", "")
    name, _, rest = expected.partition(" ")
    return f"{_TYPE_WORDS.get(name, name)} {rest}".strip()


def _allowed_at(path: str) -> str | None:
    """What the type of a key says in words: the choices, or its description."""
    kind: Any = Config
    for name, index in re.findall(r"([^.\[\]]+)|\[(\d+|\.\.\.)\]", path):
        if index:
            kind = get_args(_plain(kind))[0]
        elif isinstance(kind := _plain(kind), type) and issubclass(kind, Struct):
            kind = get_type_hints(kind, include_extras=True)[name]
        else:
            return None
    metas = get_args(kind)[1:] if get_origin(kind) is Annotated else ()
    if described := next((meta.description for meta in metas if getattr(meta, "description", None)), None):
        return str(described)
    if get_origin(kind) is Literal:
        return ", ".join(repr(choice) for choice in get_args(kind))
    return None


def _plain(kind: Any) -> Any:
    return get_args(kind)[0] if get_origin(kind) is Annotated else kind


def _look_up(document: Any, path: str) -> Any:
    for name, index in re.findall(r"([^.\[\]]+)|\[(\d+)\]", path):
        try:
            document = document[int(index)] if index else document[name]
        except (KeyError, IndexError, TypeError):
            return None
    return document


def _keys_at(path: str) -> list[str]:
    """The keys a table of kassa.toml may have."""
    kind: Any = Config
    for name, index in re.findall(r"([^.\[\]]+)|\[(\d+)\]", path):
        kind = get_args(_plain(kind))[0] if index else get_type_hints(_plain(kind), include_extras=True)[name]
    return [one.name for one in msgspec.structs.fields(_plain(kind))]
