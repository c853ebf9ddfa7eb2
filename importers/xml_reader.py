"""An XML file -> RAW batches, element by element, in bounded memory.

lxml gets a file object and never a name: by a name it would unpack archives of any size. DOCTYPE, XInclude, foreign
encodings and shapes that no subscriber list has are refused.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import BinaryIO, Literal

import pyarrow as pa
from lxml import etree

from importers.encoding import SAMPLE_BYTES, complain_if_mojibake, find_encoding
from importers.profile import Layout
from importers.rows import RAW, TEXT_COLUMNS, Findings
from importers.words import Unusable

BATCH_ROWS = 20_000
"""Rows handed over at once: some megabytes."""

ATTRIBUTES_MAX = 64
CHILDREN_MAX = 1000
"""Elements in one record."""

DEPTH_MAX = 16
ELEMENTS_MAX = 100_000_000

DECLARATION_BYTES = 1024
"""An XML declaration has at most a hundred."""

ENCODINGS: dict[str, Literal["utf-8", "cp1251"]] = {
    "UTF-8": "utf-8",
    "UTF8": "utf-8",
    "US-ASCII": "utf-8",
    "ASCII": "utf-8",
    "WINDOWS-1251": "cp1251",
    "CP1251": "cp1251",
}

_Group = etree._Element | None

_XINCLUDE = "{http://www.w3.org/2001/XInclude}"


def read_xml(source: BinaryIO, layout: Layout, findings: Findings) -> Iterator[pa.RecordBatch]:
    """Read an operator's XML file in RAW batches. `source` stands at its beginning and can seek.

    Raises Unusable when the file as a whole is refused.
    """
    declared = layout.encoding if layout.encoding != "auto" else _declared_encoding(source)
    source.seek(0)
    found = find_encoding(source, declared)
    findings.encoding = found.name
    if found.mark_bytes:
        findings.fixes["fix_bom"] += 1
    source.seek(0)
    parser = etree.iterparse(
        source,
        events=("start", "end"),
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        encoding="utf-8" if found.name == "utf-8" else "windows-1251",
    )
    records = _Records(layout, findings)
    try:
        yield from records.batches(parser)
    except etree.XMLSyntaxError as error:
        if not records.saw_root and _has_doctype(source):
            raise Unusable("doctype") from error
        raise Unusable("unreadable_xml", line=error.lineno or 1, detail=error.msg or "?") from error


_DECLARATION = re.compile(rb"""<\?xml\s[^>]*?\bencoding\s*=\s*["']([^"'>]{0,80})["']""")


def _declared_encoding(source: BinaryIO) -> Literal["utf-8", "cp1251"]:
    """What the XML declaration says, UTF-8 when it says nothing. Raises Unusable for an encoding we do not take.

    We look ourselves and tell the parser: the parser's own finding comes too late, after the first letters.
    """
    head = source.read(DECLARATION_BYTES).removeprefix(codecs.BOM_UTF8)
    match = _DECLARATION.match(head)
    name = match[1].decode("ascii", "backslashreplace") if match else "UTF-8"
    if name.upper() not in ENCODINGS:
        raise Unusable("xml_encoding", found=name)
    return ENCODINGS[name.upper()]


def _has_doctype(source: BinaryIO) -> bool:
    """Whether XML that breaks before its first element has a DOCTYPE: then that is the better thing to say."""
    source.seek(0)
    return b"<!DOCTYPE" in source.read(SAMPLE_BYTES)


@dataclass(frozen=True)
class _Path:
    """Where a value stands below a record, or below its group."""

    tags: tuple[str, ...]
    attribute: str | None
    in_group: bool

    @classmethod
    def parse(cls, text: str, group: str) -> _Path:
        """Read `name`, `address/street`, `@account`, `service/@code`."""
        *tags, last = text.split("/")
        attribute = last[1:] if last.startswith("@") else None
        if attribute is None:
            tags.append(last)
        in_group = bool(group) and tags[:1] == [group]
        return cls(tuple(tags[1:] if in_group else tags), attribute, in_group)

    def find(self, record: etree._Element, children: dict[str, etree._Element], group: _Group) -> str | None:
        """The value as text; None when it is not there. `children`: the first of each name below the record."""
        element: etree._Element | None = group if self.in_group else record
        for depth, tag in enumerate(self.tags):
            if element is None:
                return None
            if depth == 0 and not self.in_group:
                element = children.get(tag)
            else:
                element = next((child for child in element if _local(child.tag) == tag), None)
        if element is None:
            return None
        if self.attribute is None:
            return (element.text or "") if len(element) == 0 else "".join(map(str, element.itertext()))
        if (value := element.get(self.attribute)) is not None:
            return str(value)
        named = (value for name, value in element.items() if _local(name) == self.attribute)
        return next(map(str, named), None)  # it may have a namespace


class _Records:
    """Collects records while the parser goes through the file."""

    def __init__(self, layout: Layout, findings: Findings) -> None:
        self._layout, self._findings = layout, findings
        self._paths: dict[str, tuple[_Path, ...]] = {}
        for name in TEXT_COLUMNS:
            where = getattr(layout.columns, name)
            texts = () if where is None else (where,) if isinstance(where, str) else where
            self._paths[name] = tuple(_Path.parse(text, layout.xml.group) for text in texts)
        self._columns: dict[str, list[str]] = {name: [] for name in TEXT_COLUMNS}
        self._lines: list[int] = []
        self._is_first_batch = True
        self.saw_root = False
        findings.records = 0

    def batches(self, parser: etree.iterparse[tuple[str, etree._Element]]) -> Iterator[pa.RecordBatch]:
        """All records. The shape of an element is looked at before anything is read into it."""
        record_tag = self._layout.xml.record
        depth = elements = children = 0
        record_depth: int | None = None
        for event, element in parser:
            if event == "start":
                if elements == 0:
                    self._look_at_root(element)
                depth, elements, children = depth + 1, elements + 1, children + 1
                tag = element.tag
                if len(element.keys()) > ATTRIBUTES_MAX:
                    raise Unusable("xml_attributes", line=_line(element), allowed=ATTRIBUTES_MAX)
                if depth > DEPTH_MAX:
                    raise Unusable("xml_depth", line=_line(element), allowed=DEPTH_MAX)
                if elements > ELEMENTS_MAX or (record_depth is not None and children > CHILDREN_MAX):
                    allowed = ELEMENTS_MAX if record_depth is None else CHILDREN_MAX
                    raise Unusable("xml_elements", line=_line(element), allowed=allowed)
                if tag.startswith(_XINCLUDE):
                    raise Unusable("xml_include", line=_line(element))
                if record_depth is None and _local(tag) == record_tag:
                    record_depth, children = depth, 0
                continue
            depth -= 1
            if record_depth is not None:
                if depth >= record_depth:
                    continue  # a part of a record; it is read as a whole
                record_depth = None
                self._take(element)
                if len(self._lines) >= BATCH_ROWS:
                    yield self._batch()
            if depth:
                element.clear()
                while element.getprevious() is not None:
                    del element.getparent()[0]
        if self._lines:
            yield self._batch()

    def _look_at_root(self, root: etree._Element) -> None:
        document = root.getroottree().docinfo
        if document.internalDTD is not None or document.doctype:
            raise Unusable("doctype")
        self.saw_root = True
        if _local(root.tag) != self._layout.xml.root:
            raise Unusable("xml_root", found=_local(root.tag)[:80], expected=self._layout.xml.root)
        for name in ("count", "sum", "as_of", "applied"):
            attribute = getattr(self._layout.control, name)
            if attribute is not None and (value := root.get(attribute)) is not None:
                self._findings.control[name] = value

    def _take(self, record: etree._Element) -> None:
        assert self._findings.records is not None
        self._findings.records += 1
        line = _line(record)
        group_tag = self._layout.xml.group
        children: dict[str, etree._Element] = {}
        groups: list[_Group] = []
        for child in record:
            tag = _local(child.tag)
            children.setdefault(tag, child)
            if tag == group_tag:
                groups.append(child)
        for group in groups or [None]:
            for name, paths in self._paths.items():
                text = ""
                for path in paths:
                    if (value := path.find(record, children, group)) is not None:
                        text = value
                        break
                self._columns[name].append(text)
            self._lines.append(line)

    def _batch(self) -> pa.RecordBatch:
        if self._is_first_batch:
            self._is_first_batch = False
            complain_if_mojibake(
                "\n".join((*self._columns["name"], *self._columns["address"]))[:SAMPLE_BYTES]
            )
        columns = [pa.array(self._columns[name], pa.string()) for name in TEXT_COLUMNS]
        batch = pa.record_batch([*columns, pa.array(self._lines, pa.int64())], schema=RAW)
        self._columns = {name: [] for name in TEXT_COLUMNS}
        self._lines = []
        return batch


def _line(element: etree._Element) -> int:
    return int(element.sourceline or 0)  # type: ignore[call-overload, no-any-return]


@lru_cache(maxsize=1024)
def _local(name: str | bytes) -> str:
    """A name without its namespace; the names of a file are few."""
    return str(name).rpartition("}")[2]
