"""Our own files as a disk may give them back: damaged, cut off, or put there by somebody else."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import apsw
import msgspec
from counting_clock import CountingClock
from entry_stories import visits
from operator_files import CSV, place, profiles, terminal
from pieces import Pieces, Target, check_error, string

from devices import truths
from devices.shtrih.memory import Truth
from devices.validator.mechanics import Mechanics
from importers.job import Job
from kassa.cli.imports import LOG_NAME, read_log
from kassa.errors import KassaError
from kassa.importing import Outcome
from kassa.journal import entries as e
from kassa.journal.chain import GENESIS, link
from kassa.journal.mark import Mark, MarkDamaged
from kassa.journal.store import Journal
from kassa.journal.verify import verify
from kassa.money import MINOR_MAX
from kassa.subscribers import INDEX, SCHEMA, Snapshot, SnapshotError, mask_address, mask_name

LENGTHS = (0, 1, 24, 32, 4096, 4120, 8192)
"""Where files of pages and frames like to end."""


def journal_entry(data: bytes) -> None:
    """The text of one entry: read as what was written, or not known to this version."""
    body = data.decode("utf-8", "replace")
    try:
        entry = e.decode(body)
    except msgspec.MsgspecError as error:
        check_error(error)
        return
    text = e.encode(entry)
    assert e.decode(text) == entry
    assert e.encode(e.decode(text)) == text
    assert e.kind(entry) in e.KINDS
    assert link(GENESIS, 1, "at", e.kind(entry), text) != link(GENESIS, 1, "at", e.kind(entry), text + " ")


def journal_mark(data: bytes) -> None:
    """The mark beside the journal: what was written, nothing, or known to be damaged."""
    journal = place().run / "marked.db"
    path = Path(f"{journal}-mark")
    journal.touch()  # SQLite takes a log's permissions from its database
    path.write_bytes(data)
    mark = Mark("", str(journal))
    try:
        found = mark.read()
        assert found is not None or len(data) <= 1  # SQLite calls a file of one byte empty
        if found is not None:
            mark.write(*found)
            assert path.read_bytes() == data, "another mark reads the same"
    except MarkDamaged:
        pass
    finally:
        mark.close()


def journal_files(data: bytes) -> None:
    """Database, log and mark, changed anywhere: refused in words, or still the very chain that was written."""
    pieces = Pieces(data)
    folder = place().run / "journal"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(written_journal(), folder)
    is_read_only = bool(pieces.number(2))
    while pieces.are_left:
        damage(folder / pieces.choice("journal.db", "journal.db-wal", "journal.db-mark"), pieces)
    before = [path.stat().st_size for path in folder.iterdir()]
    try:
        journal = Journal.open(folder / "journal.db", CountingClock(), read_only=is_read_only)
    except KassaError as error:
        check_error(error)
        return
    try:
        verdict = verify(journal)
        if verdict.ok:
            assert verdict.head in written_heads(), "it calls a journal whole that was never written"
            # Where nothing is left, nothing can know better; slips and payment files are the anchors outside.
            is_nothing_left = max(before) <= 1
            assert is_read_only or is_nothing_left or verdict.head == written_heads()[-1], (
                "it has forgotten what it had promised"
            )
        else:
            assert verdict.problem
    except KassaError as error:
        check_error(error)
    finally:
        close(journal)


def close(journal: Journal) -> None:
    try:
        journal.close()
    except KassaError as error:
        check_error(error)


def damage(path: Path, pieces: Pieces) -> None:
    """Cut it, lengthen it, or put other bytes somewhere into it; the place is a share of the file's length."""
    content = bytearray(path.read_bytes()) if path.exists() else bytearray()
    kind = pieces.number(4)
    at = (pieces.number() * 256 + pieces.number()) * (len(content) + 1) >> 16
    if kind == 0:
        del content[at:]
    elif kind == 1:
        length = pieces.choice(*LENGTHS)
        content[length:] = b""
    else:
        other = pieces.string() or b"\xff"
        at = at if kind == 2 else at // 4096 * 4096
        content[at : at + len(other)] = other
    path.write_bytes(content)


@cache
def written_journal() -> Path:
    """The folder of a journal of three visits, its last entries in the log only, as a power cut leaves it."""
    folder, copy = place().run / "written", place().run / "as-cut-off"
    journal = Journal.open(folder / "journal.db", CountingClock())
    stories = visits(3)
    for entries in stories[:-4]:
        journal.append(*entries)
    journal.checkpoint()
    for entries in stories[-4:]:
        journal.append(*entries)
    shutil.copytree(folder, copy)
    journal.close()
    return copy


@cache
def written_heads() -> tuple[str, ...]:
    """The chain's hash behind each entry that was written."""
    folder = place().run / "read"
    shutil.copytree(written_journal(), folder)
    journal = Journal.open(folder / "journal.db", CountingClock())
    heads = [GENESIS.hex()] + [journal.entry(seq)[2].hex() for seq in range(1, journal.head()[0] + 1)]
    journal.close()
    shutil.rmtree(folder)
    return tuple(heads)


def snapshot_file(data: bytes) -> None:
    """A subscriber store of any bytes: refused in words, or what it tells can be shown and paid for."""
    path = place().run / "fuzzed.db"
    path.write_bytes(data)
    look_up(path)


def snapshot_damaged(data: bytes) -> None:
    """A finished store with damage in it."""
    pieces = Pieces(data)
    path = place().run / "damaged.db"
    shutil.copyfile(finished_store(), path)
    path.chmod(0o600)
    while pieces.are_left:
        damage(path, pieces)
    look_up(path)


def snapshot_forged(data: bytes) -> None:
    """A store that SQLite finds in order, with values that no importer writes."""
    pieces = Pieces(data)
    path = place().run / "forged.db"
    path.unlink(missing_ok=True)
    connection = apsw.Connection(str(path))
    try:
        for statement in (
            "PRAGMA synchronous = OFF", *SCHEMA, INDEX, "INSERT INTO balance VALUES ('1', 'tv', 'N', 'A', 5, 1)",
        ):  # fmt: skip
            connection.execute(statement)
        for name, value in finished_info():
            connection.execute("INSERT INTO info VALUES (?, ?)", (name, value))
        while pieces.are_left:
            column = pieces.choice("account", "service", "name", "address", "minor", "line", *INFO)
            table = (
                "UPDATE info SET value = {} WHERE name = ?"
                if column in INFO
                else "UPDATE balance SET {1} = {0}"
            )
            statement = table.format(
                pieces.choice("?1", "CAST(?1 AS TEXT)", "CAST(?1 AS INTEGER)", "?1 || ''"), column
            )
            values: tuple[object, ...] = (pieces.string(),)
            if column in INFO:
                statement, values = statement.replace("name = ?", "name = ?2"), (*values, column)
            try:
                connection.execute(statement, values)
            except apsw.ConstraintError:
                continue
    finally:
        connection.close()
    look_up(path)


def look_up(path: Path) -> None:
    try:
        snapshot = Snapshot.open(path)
    except SnapshotError as error:
        check_error(error)
        return
    try:
        info = snapshot.info
        assert info.as_of.tzinfo is not None
        assert info.to_rows() == type(info).from_rows(dict(info.to_rows())).to_rows()
        for account in ("0017742", "1", ""):
            found = snapshot.find(account)
            if found is None:
                continue
            assert found.account == account
            assert (mask_name(found.name) + mask_address(found.address)).count("\n") == 0
            for one in found.services:
                assert isinstance(one.service, str)
                assert abs(one.balance.minor) <= MINOR_MAX
                assert one.balance == found.balance(one.service)
    except SnapshotError as error:
        check_error(error)
    finally:
        snapshot.close()


@cache
def finished_store() -> Path:
    """The store of the example file, as the importer leaves it."""
    home = place()
    shutil.rmtree(home.snapshots)
    home.snapshots.mkdir()
    file = home.path / "good.csv"
    file.write_bytes(CSV)
    outcome = Job(home, terminal(), profiles()[0], file, home.logs / "imports").run()
    assert outcome.snapshot is not None, outcome.reason
    return Path(shutil.copyfile(outcome.snapshot, home.run / "finished.db"))


@cache
def finished_info() -> list[tuple[str, str]]:
    snapshot = Snapshot.open(finished_store())
    try:
        return snapshot.info.to_rows()
    finally:
        snapshot.close()


INFO = (
    "file",
    "sha256",
    "currency",
    "as_of",
    "as_of_is_certain",
    "loaded_at",
    "accounts",
    "rows",
    "applied_batch",
)


def device_state(data: bytes) -> None:
    """What a simulated device kept in a file: its truth, or a sentence."""
    pieces = Pieces(data)
    kind = pieces.choice(Mechanics, Truth)
    path = place().run / "state.json"
    path.write_bytes(pieces.rest())
    try:
        truth = truths.load(path, kind)
    except KassaError as error:
        check_error(error)
        return
    again = msgspec.json.encode(truth)
    assert msgspec.json.encode(msgspec.json.decode(again, type=kind)) == again


def import_log(data: bytes) -> None:
    """The history of imports: every line is an outcome or counted as unreadable."""
    path = place().logs / LOG_NAME
    path.write_bytes(data)
    outcomes, unreadable = read_log(place())
    path.unlink()
    assert len(outcomes) + unreadable == len(list(filter(None, data.split(b"\n"))))


# --- seeds ----------------------------------------------------------------------------------------------------------


def _entry_seeds() -> Iterator[bytes]:
    for entries in visits(1):
        for entry in entries:
            yield e.encode(entry).encode()
    batch = e.BatchFrozen(
        batch=1, name="KASSA_90001_00042_20261125_000001.csv", operator="90001", terminal="00042", currency="RUB",
        encoding="utf-8", since="2026-11-25T09:00:00+03:00", until="2026-11-25T10:00:00+03:00",
        snapshot=e.SnapshotNamed("2026-11-24T06:00:00+03:00", "0" * 64), payments=((1, 3),), count=3, total=180000,
        sha256="0" * 64,
    )  # fmt: skip
    yield e.encode(batch).encode()
    yield e.encode(e.OrphanFound(7, None, "note_in_stacker")).encode()
    yield e.encode(e.CashCollected(1, None, 7, ((0, 1), (10000, 2)), "Petrov")).encode()
    yield b'{"kind":"condition_raised","code":"disk","detail":"\\u0000"}'


def _mark_seeds() -> Iterator[bytes]:
    whole = (written_journal() / "journal.db-mark").read_bytes()
    yield whole
    yield whole[:-1]
    yield whole[:-8] + bytes(8)
    yield b""


def _journal_seeds() -> Iterator[bytes]:
    for file in range(3):
        for kind in range(4):
            yield bytes((0, file, kind, 0x80, 0)) + string(b"\0\1")
    yield b"\0"
    yield bytes((1, 1, 1, 0, 0, 0))


def _store_seeds() -> Iterator[bytes]:
    yield finished_store().read_bytes()[:4096]
    yield b"SQLite format 3\0" + bytes(84)


def _damaged_seeds() -> Iterator[bytes]:
    for kind in range(4):
        for place_ in (0, 0x40, 0xC0):
            yield bytes((kind, place_, 0)) + string(b"\xff\0\1")


def _forged_seeds() -> Iterator[bytes]:
    for column in range(6 + len(INFO)):
        for number, value in enumerate((b"7", b"x", b"")):
            yield bytes((column, number)) + string(value)
    yield b"\4\2" + string(b"999999999999999")


def _state_seeds() -> Iterator[bytes]:
    yield b"\0" + msgspec.json.encode(Mechanics(cassette=[500, 100], head=50))
    yield b"\1" + msgspec.json.encode(Truth())
    yield b'\0{"cassette":[],"head":null,"jam":true}'


def _log_seeds() -> Iterator[bytes]:
    one = msgspec.json.encode(Outcome(status="imported", file="base.csv", profile="kassa_csv", accepted=39))
    yield one + b"\n" + one + b"\n"
    yield one + b"\n" + one[:20]


ENTRY_WORDS = (
    b'{"kind":"', *(f'"{kind}"'.encode() for kind in sorted(e.KINDS)), b'"payment":"', b'"note":', b'"value":', b"null",
    b"9223372036854775807", b"true", b"[[1,3]]", b"\\u0000",
)  # fmt: skip
TARGETS = {
    "journal_entry": Target(journal_entry, _entry_seeds, ENTRY_WORDS),
    "journal_mark": Target(journal_mark, _mark_seeds, size_max_bytes=128),
    "journal_files": Target(journal_files, _journal_seeds, size_max_bytes=512),
    "snapshot_file": Target(snapshot_file, _store_seeds, (b"SQLite format 3\0",), 8192),
    "snapshot_damaged": Target(snapshot_damaged, _damaged_seeds, size_max_bytes=512),
    "snapshot_forged": Target(
        snapshot_forged, _forged_seeds, (b"RUB", b"JPY", b"-1", b"2026-11-24T06:00:00+03:00")
    ),
    "device_state": Target(device_state, _state_seeds, size_max_bytes=4096),
    "import_log": Target(import_log, _log_seeds),
}
