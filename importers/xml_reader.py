"""An XML file -> RAW batches, element by element, in bounded memory.

lxml gets a file object and never a name: by a name it would unpack archives of any size. DOCTYPE, XInclude, foreign
encodings and shapes that no subscriber list has are refused.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import pyarrow as pa
from lxml import etree

from importers.encoding import SAMPLE_BYTES, complain_if_implausible, complain_if_mojibake
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

ENCODINGS = frozenset({"UTF-8", "WINDOWS-1251", "CP1251", "US-ASCII", "ASCII"})

_XINCLUDE = "{http://www.w3.org/2001/XInclude}"


def read_xml(source: BinaryIO, layout: Layout, findings: Findings) -> Iterator[pa.RecordBatch]:
    """Read an operator's XML file in RAW batches. `source` stands at its beginning and can seek.

    Raises Unusable when the file as a whole is refused.
    """
    forced = None if layout.encoding == "auto" else layout.encoding
    if source.read(len(codecs.BOM_UTF8)) == codecs.BOM_UTF8:
        findings.fixes["fix_bom"] += 1
        forced = "utf-8"
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
        encoding=forced,
    )
    records = _Records(layout, findings, source, forced)
    try:
        for event, element in parser:
            yield from records.start(element) if event == "start" else records.end(element)
    except etree.XMLSyntaxError as error:
        if records.saw_doctype(parser):
            raise Unusable("doctype") from error
        raise Unusable("unreadable_xml", line=error.lineno or 1, detail=error.msg or "?") from error
    yield from records.rest()


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

    def find(self, record: etree._Element, group: etree._Element | None) -> str | None:
        """The value as text; None when it is not there."""
        element: etree._Element | None = group if self.in_group else record
        for tag in self.tags:
            element = (
                next((child for child in element if _local(child.tag) == tag), None)
                if element is not None
                else None
            )
        if element is None:
            return None
        if self.attribute is None:
            return "".join(map(str, element.itertext()))
        attributes = element.attrib.items()
        return next((str(value) for name, value in attributes if _local(name) == self.attribute), None)


class _Records:
    """Collects records while the parser goes through the file."""

    def __init__(self, layout: Layout, findings: Findings, source: BinaryIO, forced: str | None) -> None:
        self._layout, self._findings, self._source, self._forced = layout, findings, source, forced
        self._paths: dict[str, tuple[_Path, ...]] = {}
        for name in TEXT_COLUMNS:
            where = getattr(layout.columns, name)
            texts = () if where is None else (where,) if isinstance(where, str) else where
            self._paths[name] = tuple(_Path.parse(text, layout.xml.group) for text in texts)
        self._columns: dict[str, list[str]] = {name: [] for name in TEXT_COLUMNS}
        self._lines: list[int] = []
        self._depth = self._elements = 0
        self._children = 0
        self._record_depth: int | None = None
        self._first_batch = True
        findings.records = 0

    def start(self, element: etree._Element) -> Iterator[pa.RecordBatch]:
        """An element begins: look at its shape before anything is read into it."""
        if self._elements == 0:
            self._look_at_root(element)
        self._depth += 1
        self._elements += 1
        self._children += 1
        line = _line(element)
        if element.tag.startswith(_XINCLUDE):
            raise Unusable("xml_include", line=line)
        for what, count, allowed in (
            ("attributes", len(element.attrib), ATTRIBUTES_MAX),
            ("levels", self._depth, DEPTH_MAX),
            ("elements", self._elements, ELEMENTS_MAX),
        ):
            if count > allowed:
                raise Unusable("xml_cap", line=line, what=what, allowed=allowed)
        if self._record_depth is None and _local(element.tag) == self._layout.xml.record:
            self._record_depth = self._depth
            self._children = 0
        elif self._record_depth is not None and self._children > CHILDREN_MAX:
            raise Unusable("xml_cap", line=line, what="elements", allowed=CHILDREN_MAX)
        return iter(())

    def end(self, element: etree._Element) -> Iterator[pa.RecordBatch]:
        """An element is complete: take a record, and free what lies behind."""
        depth, self._depth = self._depth, self._depth - 1
        if self._record_depth is not None and depth > self._record_depth:
            return
        if depth == self._record_depth:
            self._record_depth = None
            self._take(element)
            if len(self._lines) >= BATCH_ROWS:
                yield self._batch()
        if depth > 1:
            element.clear()
            while element.getprevious() is not None:
                del element.getparent()[0]  # type: ignore[union-attr]

    def rest(self) -> Iterator[pa.RecordBatch]:
        """The last batch."""
        if self._lines:
            yield self._batch()

    def saw_doctype(self, parser: etree.iterparse[tuple[str, etree._Element]]) -> bool:
        """Whether broken XML has a DOCTYPE before its first element: then that is the better thing to say."""
        if self._elements:
            return False
        self._source.seek(0)
        return b"<!DOCTYPE" in self._source.read(SAMPLE_BYTES).replace(b"\0", b"")

    def _look_at_root(self, root: etree._Element) -> None:
        document = root.getroottree().docinfo
        if document.internalDTD is not None or document.doctype:
            raise Unusable("doctype")
        declared = (document.encoding or "UTF-8").upper()
        if declared not in ENCODINGS:
            raise Unusable("xml_encoding", found=document.encoding)
        self._findings.encoding = self._forced or declared.lower()
        if _local(root.tag) != self._layout.xml.root:
            raise Unusable("xml_root", found=_local(root.tag)[:80], expected=self._layout.xml.root)
        for name in ("count", "sum", "as_of", "applied"):
            attribute = getattr(self._layout.control, name)
            if attribute is not None and (value := root.get(attribute)) is not None:
                self._findings.control[name] = value

    def _take(self, record: etree._Element) -> None:
        assert self._findings.records is not None
        self._findings.records += 1
        group_tag = self._layout.xml.group
        groups: list[etree._Element | None] = [None]
        if group_tag:
            groups = [child for child in record if _local(child.tag) == group_tag] or [None]
        for group in groups:
            for name, paths in self._paths.items():
                values = (path.find(record, group) for path in paths)
                self._columns[name].append(next((value for value in values if value is not None), ""))
            self._lines.append(_line(record))

    def _batch(self) -> pa.RecordBatch:
        if self._first_batch:
            self._first_batch = False
            text = "\n".join((*self._columns["name"], *self._columns["address"]))[:SAMPLE_BYTES]
            complain_if_mojibake(text)
            if self._findings.encoding in ("windows-1251", "cp1251"):
                complain_if_implausible(text.encode("cp1251", "replace"))
        columns = [pa.array(self._columns[name], pa.string()) for name in TEXT_COLUMNS]
        batch = pa.record_batch([*columns, pa.array(self._lines, pa.int64())], schema=RAW)
        self._columns = {name: [] for name in TEXT_COLUMNS}
        self._lines = []
        return batch


def _line(element: etree._Element) -> int:
    return int(element.sourceline or 0)  # type: ignore[call-overload, no-any-return]


def _local(name: str | bytes) -> str:
    """A name without its namespace."""
    return str(name).rpartition("}")[2]
