"""What a disk may hold after a cut, by what was recorded: each write and each name is there for certain only once synced.

Stricter than any file system in use: a file's own sync says nothing of its name, and a folder's sync nothing of the
names in other folders. Between two syncs each change may be there without the one before it.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from recording import Kind, Record

SECTOR_BYTES = 512
LOSE, KEEP, PREFIX, SECTORS, NAMES_LOST, DATA_LOST = CUTS = (
    "lose", "keep", "prefix", "sectors", "names lost", "data lost",
)  # fmt: skip
"""Of what was not synced stays nothing; all; what was first; sectors and names at random; data only; names only."""


@dataclass(eq=False)
class Node:
    """A file, a folder or a link; a name leads to it, or several, or none any more."""

    is_folder: bool = False
    target: str | None = None
    """Of a link."""
    live: bytearray = field(default_factory=bytearray)
    durable: bytearray = field(default_factory=bytearray)


@dataclass(frozen=True, eq=False)
class _Write:
    """`data` at `at`; None: the file ends there."""

    node: Node
    at: int
    data: bytes | None


@dataclass(frozen=True, eq=False)
class _Names:
    """One change of names, whole or not at all; None: the name is gone."""

    changes: dict[str, Node | None]

    @property
    def folders(self) -> set[str]:
        return {os.path.dirname(name) for name in self.changes}


Tree = dict[str, bytes | str | None]
"""By path below the folder: a file's content, a link's target, None for a folder."""


class RecordedFolder:
    """What lies below `folder`, followed record by record; at first `tree` lies there, and is durable."""

    def __init__(self, folder: Path, tree: Tree) -> None:
        self._root = str(folder)
        self._names = {f"{self._root}/{name}": _node(found) for name, found in tree.items()}
        self._names[self._root] = Node(is_folder=True)
        self._durable_names = dict(self._names)
        self._unsynced: list[_Write | _Names] = []

    def apply(self, record: Record) -> None:
        """Follow one record of the disk. A name that nobody recorded, as a socket's, means nothing here."""
        node = self._names.get(record.name)
        match record.kind:
            case Kind.CREATED:
                self._change({record.name: Node()})
            case Kind.FOLDER_MADE:
                self._change({record.name: Node(is_folder=True)})
            case Kind.LINKED:
                self._change({record.name: Node(target=record.other)})
            case Kind.REMOVED if node is not None:
                self._change({record.name: None})
            case Kind.RENAMED if node is not None:
                assert not node.is_folder, f"{record}: nobody renamed folders when this was written"
                self._change({record.name: None, record.other: node})
            case Kind.WRITTEN if node is not None:
                self._write(_Write(node, record.at, record.data))
            case Kind.TRUNCATED if node is not None:
                self._write(_Write(node, record.at, None))
            case Kind.SYNCED if node is not None and node.is_folder:
                self._settle(lambda one: isinstance(one, _Names) and record.name in one.folders)
            case Kind.SYNCED if node is not None:
                self._settle(lambda one: isinstance(one, _Write) and one.node is node)

    def after_cut(self, how: str, chance: random.Random) -> Tree:
        """What the next start finds."""
        names, kept = dict(self._durable_names), []
        for one in self._kept(how, chance):
            if isinstance(one, _Names):
                _rename(names, one)
            else:
                kept.append(one)
        content = {node: bytearray(node.durable) for node in names.values()}
        for one in kept:
            if one.node in content:
                _put(content[one.node], one)
        return {
            name.removeprefix(self._root + "/"): _found(node, content[node])
            for name, node in names.items()
            if name != self._root and self._is_reachable(name, names)
        }

    def live(self) -> Tree:
        """What every process sees."""
        return {
            name.removeprefix(self._root + "/"): _found(node, node.live)
            for name, node in self._names.items()
            if name != self._root
        }

    def _change(self, changes: dict[str, Node | None]) -> None:
        change = _Names(changes)
        _rename(self._names, change)
        self._unsynced.append(change)

    def _write(self, write: _Write) -> None:
        _put(write.node.live, write)
        self._unsynced.append(write)

    def _settle(self, is_synced: Callable[[_Write | _Names], bool]) -> None:
        left = []
        for one in self._unsynced:
            if not is_synced(one):
                left.append(one)
            elif isinstance(one, _Names):
                _rename(self._durable_names, one)
            else:
                _put(one.node.durable, one)
        self._unsynced = left

    def _kept(self, how: str, chance: random.Random) -> Iterator[_Write | _Names]:
        unsynced = self._unsynced
        if how == KEEP:
            yield from unsynced
        elif how == PREFIX:
            yield from unsynced[: chance.randint(0, len(unsynced))]
        elif how in (NAMES_LOST, DATA_LOST):
            yield from (one for one in unsynced if isinstance(one, _Write) == (how == NAMES_LOST))
        elif how == SECTORS:
            for one in unsynced:
                pieces = _sectors(one) if isinstance(one, _Write) else [one]
                yield from (piece for piece in pieces if chance.random() < 0.5)

    def _is_reachable(self, name: str, names: dict[str, Node]) -> bool:
        above = os.path.dirname(name)
        return above == self._root or (above in names and self._is_reachable(above, names))


def tree_of(folder: Path) -> Tree:
    """What lies below a folder now; sockets are left out."""
    found: Tree = {}
    for path in folder.rglob("*"):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            found[name] = os.readlink(path)
        elif path.is_dir():
            found[name] = None
        elif path.is_file():
            found[name] = path.read_bytes()
    return found


def lay_out(tree: Tree, folder: Path, *, below: str) -> None:
    """Make what the tree holds below one of its folders."""
    (folder / below).mkdir(parents=True)
    for name, found in sorted(tree.items()):
        if not name.startswith(below + "/"):
            continue
        if found is None:
            (folder / name).mkdir()
        elif isinstance(found, str):
            (folder / name).symlink_to(found)
        else:
            (folder / name).write_bytes(found)


def _node(found: bytes | str | None) -> Node:
    if isinstance(found, bytes):
        return Node(live=bytearray(found), durable=bytearray(found))
    return Node(is_folder=found is None, target=found)


def _found(node: Node, content: bytearray) -> bytes | str | None:
    if node.is_folder:
        return None
    return bytes(content) if node.target is None else node.target


def _rename(names: dict[str, Node], change: _Names) -> None:
    for name, node in change.changes.items():
        if node is None:
            names.pop(name, None)
        else:
            names[name] = node


def _put(content: bytearray, write: _Write) -> None:
    end = write.at if write.data is None else write.at + len(write.data)
    if len(content) < end:
        content.extend(bytes(end - len(content)))
    if write.data is None:
        del content[write.at :]
    else:
        content[write.at : end] = write.data


def _sectors(write: _Write) -> Iterator[_Write]:
    if write.data is None:
        yield write
        return
    at, data = write.at, write.data
    while data:
        size = SECTOR_BYTES - at % SECTOR_BYTES
        yield _Write(write.node, at, data[:size])
        at, data = at + size, data[size:]
