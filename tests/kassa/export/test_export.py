"""Payments become files: each payment in exactly one, each file always the same bytes."""

import hashlib
import os
import re
import resource
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from counting_clock import CountingClock
from entry_stories import credited, intended, opened, payment_number, registered, registering, stacked, visit
from hypothesis import given
from hypothesis import strategies as st
from simulated_disk import SimulatedDisk, SimulatedFiles

from kassa.config import Terminal
from kassa.export import batch as batches
from kassa.export.batch import contents, freeze
from kassa.export.layout import COLUMNS, ROWS_A_PIECE, file_name, render
from kassa.export.writer import (
    ExportFailed,
    described,
    file_of,
    note_written,
    outgoing_folder,
    waiting,
    write,
)
from kassa.journal import entries as e
from kassa.journal.records import BatchRow
from kassa.journal.store import Journal
from kassa.journal.tables import ACCOUNT


def run(journal, clock, terminal, folder, encoding="utf-8"):
    """What an export does, from the payments to the note that the files lie there; the files' paths."""
    return [keep(journal, file, folder) for file in waiting(journal, clock, terminal, encoding)]


def keep(journal, file, folder):
    path = write(file, folder)
    note_written(journal, file.batch, file.name)
    return path


def unwritten(journal):
    return [batch.number for batch in journal.batches(only_unwritten=True)]


def rows(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line.split(";") for line in lines if line[0] != "#"]


def test_the_file_says_who_paid_what_and_its_totals_add_up(journal, clock, terminal, folder):
    [written] = run(journal, clock, terminal, folder)

    lines = written.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "#KASSA-PAYMENTS 1"
    assert lines[3] == "#BATCH 00042-000001"
    assert lines[5] == "#SNAPSHOT -"
    assert re.fullmatch(
        r"1;00042-0000000001;0017742;internet;2026-11-25T\d\d:\d\d:\d\d\+00:00;600\.00;RUB;cash;1001;3141592653;ok",
        lines[7],
    )
    assert lines[-3] == "#TOTAL 3;1800.00"
    assert lines[-2].startswith(f"#HASH accounts:{3 * 17742} chain:")
    assert lines[-1] == "#END"


def test_the_file_holds_the_journals_head_from_before_and_the_sum_of_its_own_bytes(
    journal, clock, terminal, folder
):
    head = journal.head()[1]
    [written] = run(journal, clock, terminal, folder)
    content = written.read_bytes()
    body, _, last = content.partition(b"#HASH ")
    assert f"chain:{head} sha256:{hashlib.sha256(body).hexdigest()}".encode() in last
    assert hashlib.sha256(content).hexdigest() == journal.batch(1).sha256


def test_each_payment_stands_in_one_file(journal, clock, terminal, folder):
    run(journal, clock, terminal, folder)
    for entries in visit(4, 7, (10000,), 1004):
        journal.append(*entries)
    [second] = run(journal, clock, terminal, folder)
    assert run(journal, clock, terminal, folder) == []

    assert [row[1] for row in rows(second)] == [payment_number(4)]
    assert len(list(folder.iterdir())) == 2


def test_a_payment_waits_for_its_document_or_goes_out_as_owed(journal, clock, terminal, folder):
    for one in (opened(4), intended(4, 7, 10000), stacked(4, 7, 10000), credited(4, 10000)):
        journal.append(one)
    [first] = run(journal, clock, terminal, folder)
    assert payment_number(4) not in [row[1] for row in rows(first)]

    journal.append(e.DocumentOwed(payment=payment_number(4), reason="the customer left"))
    [second] = run(journal, clock, terminal, folder)
    assert [row[-3:] for row in rows(second)] == [["", "", "owed"]]


def test_a_document_that_comes_later_does_not_change_the_file(journal, clock, terminal, folder, tmp_path):
    for one in (opened(4), intended(4, 7, 10000), stacked(4, 7, 10000), credited(4, 10000)):
        journal.append(one)
    journal.append(e.DocumentOwed(payment=payment_number(4), reason="the customer left"))
    [written] = run(journal, clock, terminal, folder)
    journal.append(registering(4, 1003))
    journal.append(registered(4, 1004, 10000))

    assert write(file_of(journal, 1), tmp_path).read_bytes() == written.read_bytes()


def test_written_again_it_is_the_same_bytes_after_a_restart_too(journal, clock, terminal, folder, tmp_path):
    [written] = run(journal, clock, terminal, folder)
    before = written.read_bytes()
    for entries in visit(4, 7, (10000,), 1004):
        journal.append(*entries)
    journal.close()

    with closing(Journal.open(tmp_path / "journal" / "journal.db", CountingClock())) as again:
        head = again.head()
        assert write(file_of(again, 1), tmp_path).read_bytes() == before
        assert again.head() == head


def test_killed_between_freezing_and_writing_the_same_file_comes_at_the_next_time(
    journal, clock, terminal, folder
):
    frozen = freeze(journal, "90001", "00042", clock, "utf-8")
    expected = b"".join(contents(journal, 1)[1])
    assert (frozen.batch, frozen.content) == (1, expected)
    assert unwritten(journal) == [1]

    [written] = run(journal, clock, terminal, folder)
    assert written.read_bytes() == expected
    assert unwritten(journal) == []


def test_more_payments_than_fit_one_batch_wait_for_the_next(journal, clock, terminal, folder, monkeypatch):
    monkeypatch.setattr(batches, "PAYMENTS_MAX", 2)
    [first] = run(journal, clock, terminal, folder)
    [second] = run(journal, clock, terminal, folder)
    assert [len(rows(path)) for path in (first, second)] == [2, 1]


def test_the_period_of_a_batch_begins_where_the_one_before_ended(journal, clock, terminal, folder):
    run(journal, clock, terminal, folder)
    for entries in visit(4, 7, (10000,), 1004):
        journal.append(*entries)
    run(journal, clock, terminal, folder)
    first, second = (
        next(line for line in path.read_text().splitlines() if line.startswith("#PERIOD"))[8:].split("/")
        for path in sorted(folder.iterdir())
    )
    assert first[1] == second[0]


def test_the_first_period_begins_with_the_journal(clock, terminal, folder, tmp_path):
    with closing(Journal.open(tmp_path / "new.db", clock)) as journal:
        journal.append(e.Started(version="1.0.0", terminal="00042"))
        started = clock.now()
        clock.looks += 4 * 3600  # an hour later the first customer comes
        for entries in visit(1, 1, (10000,), 1001):
            journal.append(*entries)
        [written] = run(journal, clock, terminal, folder)
    [period] = [line for line in written.read_text().splitlines() if line.startswith("#PERIOD")]
    assert period.removeprefix("#PERIOD ").split("/")[0] == started.isoformat(timespec="seconds")


def test_the_file_says_whose_it_is_of_which_day_and_after_which_data(journal, clock, terminal, folder):
    adopted = "2026-11-24T06:00:00+03:00"
    journal.append(e.SnapshotAdopted(sha256="ab" * 32, file="base.csv", accounts=3, as_of=adopted))
    [written] = run(journal, clock, terminal, folder)

    lines = written.read_text(encoding="utf-8").splitlines()
    assert written.name == f"KASSA_90001_00042_{clock.now():%Y%m%d}_000001.csv"
    assert lines[1:3] == ["#OPERATOR 90001", "#TERMINAL 00042"]
    assert lines[5] == f"#SNAPSHOT {adopted} sha256:{'ab' * 32}"


@pytest.mark.parametrize("as_of", ["", "yesterday", "2026-11-24T06:00:00\n#END"])
def test_data_whose_time_is_none_are_not_named(journal, clock, terminal, folder, as_of):
    journal.append(e.SnapshotAdopted(sha256="ab" * 32, file="base.csv", accounts=3, as_of=as_of))
    [written] = run(journal, clock, terminal, folder)
    assert written.read_text(encoding="utf-8").splitlines()[5] == "#SNAPSHOT -"


def test_payments_that_follow_one_another_are_kept_as_one_range(journal, clock, terminal, folder):
    for one in (opened(4), intended(4, 7, 10000), stacked(4, 7, 10000), credited(4, 10000)):
        journal.append(one)
    for entries in (*visit(5, 8, (10000,), 1005), *visit(6, 9, (5000,), 1006)):
        journal.append(*entries)
    run(journal, clock, terminal, folder)
    assert contents(journal, 1)[0].payments == ((1, 3), (5, 6))


def test_the_terminals_currency_is_that_of_its_files(journal, clock, terminal, folder):
    [written] = run(journal, clock, msgspec.structs.replace(terminal, currency="KZT"), folder)
    assert {row[6] for row in rows(written)} == {"KZT"}


def test_a_file_is_told_with_its_payments_and_their_sum(journal, clock, terminal, folder):
    [file] = waiting(journal, clock, terminal, "utf-8")
    assert described(file, folder, "RUB") == {
        "file": str(folder / file.name), "payments": 3, "total": "1800.00",
    }  # fmt: skip
    assert described(file, folder, "JPY")["total"] == "180000"
    [again] = waiting(journal, clock, terminal, "utf-8")  # from the journal alone, as after a restart
    assert again == file


def test_that_a_file_lies_there_is_noted_once(journal, clock, terminal, folder):
    [written] = run(journal, clock, terminal, folder)
    head = journal.head()
    note_written(journal, 1, written.name)
    assert journal.head() == head


def test_the_operators_encoding_is_kept_for_ever(journal, clock, folder, tmp_path):
    terminal = Terminal(number="00042", operator="90001", owner="o", address="a", phone="p")
    for entries in visit(4, 7, (10000,), 1004):
        journal.append(*(
            e.PaymentOpened(payment=one.payment, service=one.service, account="АБ-17", snapshot=None)
            if isinstance(one, e.PaymentOpened) else one
            for one in entries
        ))  # fmt: skip
    [written] = run(journal, clock, terminal, folder, "cp1251")
    assert "АБ-17".encode("cp1251") in written.read_bytes()
    assert write(file_of(journal, 1), tmp_path).read_bytes() == written.read_bytes()


# --- media that fail -----------------------------------------------------------------------------------------------


def test_the_folder_inside_of_the_home_is_made_and_found_again(tmp_path):
    for _ in range(2):
        assert outgoing_folder(tmp_path, "data/outbox") == tmp_path / "data" / "outbox"
    assert (tmp_path / "data" / "outbox").is_dir()


def test_the_folder_outside_of_the_home_is_for_its_owner_to_make(tmp_path):
    stick = tmp_path / "media" / "stick"
    assert outgoing_folder(tmp_path / "home", str(stick)) == stick
    assert list(tmp_path.iterdir()) == []


def test_a_file_where_the_folder_should_be_is_told_in_words(tmp_path):
    (tmp_path / "outbox").write_bytes(b"")
    with pytest.raises(ExportFailed, match="outbox cannot be made: File exists; name another folder"):
        outgoing_folder(tmp_path, "outbox")


def test_a_folder_that_is_not_there_is_no_folder_to_make(journal, clock, terminal, tmp_path):
    """It may be where a stick should be; a file on the terminal's own disk would reach nobody."""
    with pytest.raises(ExportFailed, match="plug the medium in"):
        run(journal, clock, terminal, tmp_path / "media" / "stick")
    assert not (tmp_path / "media").exists()
    assert unwritten(journal) == [1]


def test_a_folder_that_cannot_even_be_looked_at_is_told_in_words(journal, clock, terminal, tmp_path):
    """A dying stick answers with an error of its own; that must not end the core."""
    with pytest.raises(ExportFailed, match="cannot be written"):
        run(journal, clock, terminal, tmp_path / ("n" * 300))
    assert unwritten(journal) == [1]


def test_a_medium_that_takes_no_more_leaves_no_half_file_and_the_batch_can_go_elsewhere(
    journal, clock, terminal, folder, tmp_path
):
    """A limit on the size of files stands for a full stick."""
    freeze(journal, "90001", "00042", clock, "utf-8")
    allowed = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200, allowed[1]))
    try:
        with pytest.raises(ExportFailed, match="cannot be written: File too large"):
            write(file_of(journal, 1), folder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, allowed)
    assert list(folder.iterdir()) == []

    keep(journal, file_of(journal, 1), tmp_path)
    assert unwritten(journal) == []


def test_a_folder_in_the_files_place_is_told_in_words(journal, clock, terminal, folder):
    freeze(journal, "90001", "00042", clock, "utf-8")
    (folder / journal.batch(1).name).mkdir()
    with pytest.raises(ExportFailed, match="see to the folder"):
        write(file_of(journal, 1), folder)
    assert [path.name for path in folder.iterdir()] == [journal.batch(1).name]


def test_links_that_lie_in_the_way_are_replaced_and_never_followed(
    journal, clock, terminal, folder, tmp_path
):
    freeze(journal, "90001", "00042", clock, "utf-8")
    precious = tmp_path / "precious"
    precious.write_bytes(b"precious")
    name = journal.batch(1).name
    (folder / name).symlink_to(precious)
    (folder / f"{name}.part").symlink_to(precious)

    path = write(file_of(journal, 1), folder)
    assert precious.read_bytes() == b"precious"
    assert not path.is_symlink()


def test_what_reads_back_otherwise_was_not_delivered(journal, clock, terminal, folder, monkeypatch):
    freeze(journal, "90001", "00042", clock, "utf-8")
    real = os.replace

    def replace_and_spoil(self, target):
        real(self, target)
        with target.open("r+b") as file:
            file.write(b"?")

    monkeypatch.setattr("pathlib.Path.replace", replace_and_spoil)
    with pytest.raises(ExportFailed, match="reads back otherwise"):
        write(file_of(journal, 1), folder)
    assert unwritten(journal) == [1]


def test_a_version_that_would_write_other_bytes_writes_none(journal, clock, terminal, folder, monkeypatch):
    freeze(journal, "90001", "00042", clock, "utf-8")
    monkeypatch.setattr("kassa.export.layout.seconds", lambda at: at)
    with pytest.raises(ExportFailed, match="with the version of Kassa that froze it"):
        write(file_of(journal, 1), folder)
    assert list(folder.iterdir()) == []


STICK = Path("/stick")


def test_a_stick_that_is_pulled_before_any_operation_holds_the_whole_file_or_none(journal, clock):
    freeze(journal, "90001", "00042", clock, "utf-8")
    file = file_of(journal, 1)
    whole = SimulatedFiles(SimulatedDisk(is_fat=True), STICK)
    write(file, STICK, whole)
    assert whole.disk.content(f"/stick/{file.name}") == file.content
    assert whole.disk.operations > 3

    for operation in range(whole.disk.operations):
        stick = SimulatedFiles(SimulatedDisk(is_fat=True), STICK)
        stick.pulled_before = operation
        with pytest.raises(ExportFailed, match="see to the folder, then repeat"):
            write(file, STICK, stick)
        left = stick.disk.names.get(f"/stick/{file.name}")
        assert left is None or bytes(left.live) == file.content

        stick.pulled_before = None
        write(file, STICK, stick)
        assert list(stick.disk.names) == [f"/stick/{file.name}"]


# --- the layout ----------------------------------------------------------------------------------------------------


def batch_of(*, count, total, encoding="utf-8"):
    return e.BatchFrozen(
        batch=7, name="x.csv", operator="90001", terminal="00042", currency="RUB", encoding=encoding,
        since="2026-11-25T09:00:00+03:00", until="2026-11-25T10:00:00+03:00", snapshot=None, payments=((1, count),),
        count=count, total=total, sha256="",
    )  # fmt: skip


@given(
    st.lists(
        st.tuples(st.from_regex(ACCOUNT, fullmatch=True), st.integers(1, 10**9), st.none() | st.integers(1, 10**9)),
        min_size=1, max_size=30,
    )
)  # fmt: skip
def test_any_account_the_journal_takes_is_read_back_from_the_file_as_it_was(payments):
    made = [
        BatchRow(
            number,
            payment_number(number),
            account,
            "internet",
            "2026-11-25T09:15:00.250+03:00",
            paid,
            document,
            document,
        )
        for number, (account, paid, document) in enumerate(payments, 1)
    ]
    batch = batch_of(count=len(made), total=sum(row.paid for row in made))
    text = b"".join(render(batch, made, "00" * 32)).decode()

    found = [line.split(";") for line in text.split("\n") if line and not line.startswith("#")]
    assert [row[2] for row in found] == [row.account for row in made]
    assert [int(row[5].replace(".", "")) for row in found] == [row.paid for row in made]
    assert all(len(row) == 11 for row in found)
    assert all(row[2][0] not in "=+-@\t\r" for row in found)


def batch_of_many(count, currency="RUB"):
    """A batch and its rows; who asks for rows is counted."""
    asked = []

    def rows_of_it():
        for number in range(1, count + 1):
            asked.append(number)
            yield BatchRow(
                number,
                payment_number(number),
                f"{number:07}",
                "tv",
                "2026-11-25T09:15:00.250+03:00",
                1500,
                7,
                9,
            )

    batch = msgspec.structs.replace(batch_of(count=count, total=1500 * count), currency=currency)
    return batch, rows_of_it(), asked


def test_a_file_of_many_pieces_is_one_file_with_one_sum():
    batch, made, _ = batch_of_many(2500)
    content = b"".join(render(batch, made, "00" * 32))

    lines = content.decode().splitlines()
    assert [line.split(";")[0] for line in lines[7:-3]] == [str(number) for number in range(1, 2501)]
    assert lines[6] == f"#COLUMNS {';'.join(COLUMNS)}"
    assert lines[-3] == "#TOTAL 2500;37500.00"
    assert lines[-2].startswith(f"#HASH accounts:{sum(range(1, 2501))} ")
    assert lines[-2].endswith(f"sha256:{hashlib.sha256(content.partition(b'#HASH')[0]).hexdigest()}")


def test_a_file_takes_no_more_memory_than_a_piece_of_it():
    batch, made, asked = batch_of_many(2500)
    pieces = render(batch, made, "00" * 32)
    next(pieces)
    next(pieces)
    assert len(asked) == ROWS_A_PIECE


def test_amounts_in_a_currency_without_small_change_have_no_point():
    batch, made, _ = batch_of_many(2, "JPY")
    lines = b"".join(render(batch, made, "00" * 32)).decode().splitlines()
    assert [line.split(";")[5:7] for line in lines[7:9]] == [["1500", "JPY"]] * 2
    assert lines[9] == "#TOTAL 2;3000"


@pytest.mark.parametrize(
    "account", ["1;2", "1\n2", '"1', "=1+1", "@x", "-1", "+7", "\t1", "", "x" * 65, "1\x00"]
)
def test_an_account_that_could_break_a_line_or_be_a_formula_never_gets_into_the_journal(account):
    assert ACCOUNT.fullmatch(account) is None


def test_a_field_that_breaks_its_line_stops_the_file():
    row = BatchRow(1, payment_number(1), "1;2", "internet", "2026-11-25T09:15:00.250+03:00", 100, 1, 1)
    with pytest.raises(AssertionError, match="breaks its line"):
        b"".join(render(batch_of(count=1, total=100), [row], "00" * 32))


def test_rows_that_are_not_those_of_the_batch_stop_the_file():
    with pytest.raises(AssertionError, match="other payments than it froze"):
        b"".join(render(batch_of(count=1, total=100), [], "00" * 32))


def test_a_file_name_fits_old_file_systems():
    assert file_name("90001", "00042", "20261125", 317) == "KASSA_90001_00042_20261125_000317.csv"
