"""A fiscal document's tags against the table of the format of fiscal documents (ФФД), `ffd_tags.toml`: what is wrong, in words.

It shares no code with the drivers and simulators that it judges. What it knows of a tag stands in the table; here is only
how a value is read, and what a rule of each kind means.
"""

import re
import tomllib
from collections import defaultdict
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

TABLE = tomllib.loads(Path(__file__).with_name("ffd_tags.toml").read_text())
HOST, REGISTRAR, EITHER = "host", "registrar", "either"
EVERYBODY = frozenset({HOST, REGISTRAR, EITHER})
_SIZES = {"byte": 1, "u32": 4, "unixtime": 4}
_HEADER_BYTES = 4
_LINE = r"(?=.*\S)[^\x00-\x1f\x7f]+"
"""Of a text for which the table has no pattern: one line that shows something."""


def check(document, place, version, owed_by=EVERYBODY):
    """What is wrong with the tags `document`, TLV bytes of a "receipt" or a "correction" of format `version`.

    Tags that are missing are told only where one of `owed_by` owes them.
    """
    assert version in TABLE["formats"], version
    return _Check(version, owed_by).of(document, place, place)


def check_told(tags, place, version, owed_by=EVERYBODY):
    """The same of a document as ATOL's driver tells it: texts of numbers and values, roubles, ISO times."""
    complaints = []
    document = _encoded(tags, place, complaints)
    return complaints + check(document, place, version, owed_by)


class _Check:
    def __init__(self, version, owed_by):
        self._version, self._owed_by = version, owed_by

    def of(self, data, place, path):
        tags = _decoded(data)
        if tags is None:
            return [f"{path}: {data.hex(' ')} is no run of whole tags"]
        found = defaultdict(list)
        for tag, value in tags:
            found[tag].append(value)
        complaints = []
        for tag, values in found.items():
            complaints += self._of_tag(tag, values, place, path)
        for tag, presence in TABLE["places"][place].items():
            if self._word(presence) == "must" and tag not in found:
                complaints += self._missing(tag, path)
        return complaints + self._of_rules(found, place, path)

    def _of_tag(self, tag, values, place, path):
        known = TABLE["tags"].get(tag)
        if known is None or self._word(TABLE["places"][place].get(tag, "no")) == "no":
            name = f" ({known['name']})" if known else ""
            return [f"{path}: {tag}{name} must not stand here in format {self._version}"]
        complaints = []
        if len(values) > 1 and not known.get("many"):
            complaints.append(f"{path}: {_named(tag)} stands here {len(values)} times")
        for value in values:
            if (wrong := _wrong(known, value)) is not None:
                complaints.append(f"{path}: {_named(tag)} = {_shown(known, value)} {wrong}")
            elif known["type"] == "stlv":
                complaints += self.of(value, tag, f"{path}/{tag}")
        return complaints

    def _missing(self, tag, path, why=""):
        owner = TABLE["tags"][tag]["by"]
        if owner not in self._owed_by:
            return []
        who = {EITHER: "the host, or the registrar by its registration,"}.get(owner, f"the {owner}")
        return [f"{path}: {_named(tag)} is missing{why}; {who} owes it"]

    def _word(self, presence):
        words = presence.split()
        return words[0] if len(words) == 1 else words[TABLE["formats"].index(self._version)]

    def _rules(self, kind, place):
        for rule in TABLE[kind]:
            if place in rule["in"] and self._version in rule.get("formats", TABLE["formats"]):
                yield rule

    def _of_rules(self, found, place, path):
        complaints = []
        for rule in self._rules("rules", place):
            complaints += self._of_rule(rule, found, path)
        for rule in self._rules("shared", place):
            complaints += self._of_shared(rule, found, path)
        for rule in self._rules("one_of", place):
            if not any(tag in found for tag in rule["tags"]) and REGISTRAR in self._owed_by:
                complaints.append(
                    f"{path}: none of {', '.join(rule['tags'])} stands here; the registrar owes it"
                )
        for rule in self._rules("sums", place):
            complaints += _of_sum(rule, found, path)
        for rule in self._rules("products", place):
            complaints += _of_product(rule, found, path)
        return complaints

    def _of_rule(self, rule, found, path):
        conditions = found.get(rule.get("when"), [b""] if "when" not in rule else [])
        holds = any(_is_as(rule, value) for value in conditions) and not found.get(rule.get("unless"))
        if "values" in rule:
            return [
                f"{path}: {_named(rule['when'])} = {_number(value)}: {rule['says']}"
                for value in conditions
                if _number(value) not in rule["values"]
            ]
        if not holds:
            return []
        complaints = []
        for wanted in rule.get("wants", ()):
            if not _values(found, wanted):
                complaints += self._missing(wanted.split("/")[-1], path, f": {rule['says']}")
        complaints += [
            f"{path}: {_named(tag)} stands here: {rule['says']}"
            for tag in rule.get("forbids", ())
            if found.get(tag)
        ]
        return complaints

    def _of_shared(self, rule, found, path):
        """Where each item says the same, the document says it, too; else it says nothing of the kind."""
        outer, inner = rule["of"].split("/")
        if not found.get(outer):
            return []
        signs = [dict(_decoded(item) or ()).get(inner) for item in found[outer]]
        wanted = signs[0] if len(set(signs)) == 1 else None
        told = found[rule["as"]][0] if rule["as"] in found else None
        if told == wanted:
            return []
        if told is None:
            return self._missing(rule["as"], path, f": each item has {_named(inner)} = {_number(wanted)}")
        return [f"{path}: {_named(rule['as'])} = {_number(told)}, and not each item has {_named(inner)} so"]


def _is_as(rule, value):
    if "value" in rule:
        return _number(value) == rule["value"]
    if "bits" in rule:
        return any(_number(value) >> bit & 1 for bit in rule["bits"])
    return True


def _of_sum(rule, found, path):
    totals = _values(found, rule["total"])
    parts = [value for part in rule["parts"] for value in _values(found, part)]
    if len(totals) != 1 or not parts:
        return []
    total, whole = _number(totals[0]), sum(map(_number, parts))
    if 0 <= whole - total <= rule.get("less", 0):
        return []
    return [f"{path}: {_named(rule['total'])} = {total}, and {' + '.join(rule['parts'])} = {whole}"]


def _of_product(rule, found, path):
    results = _values(found, rule["result"])
    factors = [_values(found, factor) for factor in rule["factors"]]
    if len(results) != 1 or any(len(values) != 1 or not values[0] for values in factors):
        return []
    product = Fraction(1)
    for factor, (value,) in zip(rule["factors"], factors, strict=True):
        is_fraction = TABLE["tags"][factor]["type"] == "fvln"
        product *= Fraction(_number(value[1:]), 10 ** value[0]) if is_fraction else _number(value)
    if abs(_number(results[0]) - product) <= rule["within"]:
        return []
    return [
        f"{path}: {_named(rule['result'])} = {_number(results[0])}, and {' x '.join(rule['factors'])} = {product}"
    ]


def _values(found, way):
    """All values at a way like 1224/1171."""
    outer, *inner = way.split("/")
    if not inner:
        return found.get(outer, [])
    return [value for data in found.get(outer, []) for tag, value in _decoded(data) or () if [tag] == inner]


# --- values ------------------------------------------------------------------------------------------------------------


def _decoded(data):
    """Tags as text with their values; None when it is no run of whole tags, or none at all."""
    tags = []
    while data:
        size = int.from_bytes(data[2:4], "little")
        if len(data) < _HEADER_BYTES + size:
            return None
        tags.append((str(int.from_bytes(data[:2], "little")), data[_HEADER_BYTES : _HEADER_BYTES + size]))
        data = data[_HEADER_BYTES + size :]
    return tags or None


def _wrong(known, value):
    """What is wrong with a value by itself; None when nothing is."""
    kind = known["type"]
    exact, most = known.get("exact", _SIZES.get(kind)), known.get("max")
    if exact is not None and len(value) != exact:
        return f"has {len(value)} bytes, not {exact}"
    if most is not None and len(value) > most:
        return f"has {len(value)} bytes; at most {most} are allowed"
    if kind == "string":
        text = value.decode("cp866")
        text = text.rstrip(" ") if "exact" in known else text
        if not re.fullmatch(known.get("pattern", _LINE), text):
            return f"is not of the form {known.get('pattern', 'of a line that shows something')}"
    if kind in ("vln", "fvln"):
        digits = value[1:] if kind == "fvln" else value
        if not digits:
            return "has no digits"
        if len(digits) > 1 and digits[-1] == 0:
            return "is longer than it needs to be"
    if "values" in known and _number(value) not in known["values"]:
        return f"is none of {', '.join(map(str, known['values']))}"
    if "bits" in known and _number(value) not in {1 << bit for bit in known["bits"]}:
        return f"has not exactly one of the bits {', '.join(map(str, known['bits']))}"
    return None


def _named(tag):
    return f"{tag} ({TABLE['tags'][tag]['name']})"


def _shown(known, value):
    return repr(value.decode("cp866")) if known["type"] == "string" else value.hex(" ")


def _number(value):
    return int.from_bytes(value, "little")


# --- documents as ATOL's driver tells them -------------------------------------------------------------------------------


def _encoded(tags, path, complaints):
    document = b""
    for tag, told in tags.items():
        known = TABLE["tags"].get(tag)
        if known is None:
            complaints.append(f"{path}: {tag} is no tag of the table")
            continue
        for value in told if isinstance(told, list) else [told]:
            try:
                encoded = _encode(tag, known, value, path, complaints)
            except (TypeError, ValueError, ArithmeticError, AttributeError, UnicodeError) as error:
                complaints.append(f"{path}: {_named(tag)} = {value!r} is no {known['type']}: {error}")
                continue
            document += int(tag).to_bytes(2, "little") + len(encoded).to_bytes(2, "little") + encoded
    return document


def _encode(tag, known, value, path, complaints):
    if isinstance(value, dict) != (known["type"] == "stlv") or isinstance(value, bool):
        raise TypeError(type(value).__name__)
    match known["type"]:
        case "stlv":
            return _encoded(value, f"{path}/{tag}", complaints)
        case "string":
            return value.encode("cp866").ljust(known.get("exact", 0))
        case "bytes":
            return bytes.fromhex(value)
        case "unixtime":
            at = datetime.fromisoformat(value.replace(".", "-")).replace(tzinfo=UTC)
            return int(at.timestamp()).to_bytes(4, "little")
        case "vln":
            return _shortest(_exactly(Decimal(str(value)) * 100))
        case "fvln":
            decimals = max(0, -Decimal(str(value)).normalize().as_tuple().exponent)
            return bytes((decimals,)) + _shortest(_exactly(Decimal(str(value)) * 10**decimals))
        case kind:
            if not isinstance(value, int):
                raise TypeError(type(value).__name__)
            return value.to_bytes(_SIZES[kind], "little")


def _exactly(value):
    if value != value.to_integral_value() or value < 0:
        raise ValueError(value)
    return int(value)


def _shortest(value):
    return value.to_bytes(max(1, (value.bit_length() + 7) // 8), "little")
