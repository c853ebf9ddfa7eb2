"""An unmodified `kassa run` under the recorder: nothing is said before it is durable, no cut loses or halves anything."""

import struct
from dataclasses import replace

import msgspec
import pytest
from crash_states import DATA_LOST, LOSE, NAMES_LOST
from judge import judge
from recorded_terminal import VISITS, record_visits
from recording import SPOKEN, Kind

SEED = 1
FRAME_HEADER = struct.Struct(">IIIIII")
"""Of SQLite's write-ahead log; the second number is not 0 where a transaction ends."""


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    return record_visits(tmp_path_factory.mktemp("recorded").resolve())


@pytest.fixture(scope="module")
def figures(recording):
    return judge(recording, SEED)


def test_no_byte_leaves_before_the_entry_behind_it_is_durable(figures):
    notes = sum(len(inserted) for _, inserted in VISITS)
    assert figures.spoken_too_early == 0, figures.problems
    assert figures.words["STACK"] >= notes
    assert figures.words["ACK of STACKED"] >= notes
    assert figures.words["receipt's command"] >= 3 * len(VISITS), "to open it, to sell, to close it"
    assert figures.words["export"] == figures.payment_files
    assert figures.words["sum in a view"] > notes
    assert figures.words["document in a view"] >= len(VISITS)
    assert figures.words["status"] > 0


def test_after_any_cut_every_acknowledged_entry_is_there_and_journal_files_and_store_are_whole(figures):
    assert (figures.lost_acknowledged, figures.other_problems) == (0, 0), figures.problems
    assert figures.cut_points > 100
    assert figures.distinct_states > 300
    assert figures.payment_files == 2
    assert figures.entries - figures.acknowledged_entries < 5, "all but the last few were heard of outside"


# --- the rig is able to fail --------------------------------------------------------------------------------------


def is_sync_of(record, ending):
    return record.kind is Kind.SYNCED and record.name.endswith(ending)


@pytest.mark.parametrize(
    ("missing", "cut", "found"),
    [
        ("journal.db-wal", LOSE, "left before the journal had it for certain"),
        ("/journal", LOSE, "left before the journal had it for certain"),
        (".csv.part", DATA_LOST, "bytes that are not those of its batch"),
        ("/outbox", NAMES_LOST, "is noted as written, and is not there"),
        (".db.partial", DATA_LOST, "is neither the old one nor the new one"),
        ("/snapshots", LOSE, "the journal adopted"),
    ],
)  # fmt: skip
def test_a_core_without_one_of_its_syncs_is_caught(recording, missing, cut, found):
    careless = [record for record in recording.records if not is_sync_of(record, missing)]
    assert len(careless) < len(recording.records)

    figures = judge(replace(recording, records=tuple(careless)), SEED, [cut])

    assert any(found in problem for problem in figures.problems), figures.problems


def test_a_core_that_speaks_one_sync_too_early_is_caught(recording):
    hasty = list(recording.records)
    for place, record in enumerate(hasty):
        if record.kind is Kind.SENT and record.name in recording.ports:
            before = max((at for at in range(place) if hasty[at].kind is Kind.SYNCED), default=None)
            if before is not None:
                hasty.insert(before, hasty.pop(place))

    figures = judge(replace(recording, records=tuple(hasty)), SEED, [])

    assert any("STACK" in problem for problem in figures.problems)
    assert any("ACK" in problem for problem in figures.problems)
    assert any("registrar's command" in problem for problem in figures.problems)


def test_what_went_past_the_recorder_is_told(recording):
    deaf = [record for record in recording.records if not is_of_last_file(record)]

    figures = judge(replace(recording, records=tuple(deaf)), SEED, [])

    assert any("the recorder missed something that was done to outbox/" in one for one in figures.problems)


def is_of_last_file(record):
    return record.kind is Kind.WRITTEN and record.name.endswith("000002.csv.part")


# --- settings, and a second core ----------------------------------------------------------------------------------


def test_the_journal_of_the_real_core_is_a_synced_log_that_nobody_else_may_open(recording):
    log = [one for one in recording.records if one.name.endswith("journal.db-wal") and one.kind not in SPOKEN]
    commits = 0
    for place, record in enumerate(log):
        if ends_transaction(record):
            commits += 1
            page, then = log[place + 1 : place + 3]
            assert page.kind is Kind.WRITTEN
            assert then.kind is Kind.SYNCED, "synchronous is not FULL"

    header = recording.after["journal/journal.db"]
    assert header[18:20] == b"\2\2", "journal_mode is not WAL"
    assert commits > len(VISITS)
    assert not any(record.name.endswith("-shm") for record in recording.records), (
        "locking_mode is not EXCLUSIVE"
    )
    assert "another process uses it" in recording.stranger


def ends_transaction(record):
    """A frame's header, which says how many pages the database has after the commit."""
    is_header = record.kind is Kind.WRITTEN and len(record.data) == FRAME_HEADER.size
    return is_header and FRAME_HEADER.unpack(record.data)[1] > 0


def test_a_second_core_says_so_and_touches_nothing(recording):
    process, code, said = recording.second_core
    assert code == 1
    assert "another core runs" in said
    touched = {record.name for record in recording.records if record.process == process}
    assert not {name for name in touched if "/journal/" in name or name in recording.ports}


def test_the_importer_was_recorded_too(recording):
    core = next(record.process for record in recording.records if record.name.endswith("journal.db"))
    swapped = [
        record
        for record in recording.records
        if record.kind is Kind.RENAMED and record.other.endswith("/current")
    ]
    assert [record.process == core for record in swapped] == [False]


def test_the_figures_can_be_kept(figures):
    kept = msgspec.json.decode(msgspec.json.encode(figures), type=type(figures))
    assert kept == figures
