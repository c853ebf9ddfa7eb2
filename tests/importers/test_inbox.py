"""A watched folder: what a clerk drops is imported or kept with a report, whatever happens in between."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Literal

import msgspec
import pytest

import importers.inbox
from importers.inbox import DONE, Inbox
from kassa import config
from kassa.config import Config
from kassa.home import Home
from kassa.importing import Outcome
from kassa.ports import ImportFact, ImportRefused, SnapshotReady
from kassa.subscribers import current_path, open_current

WAIT_MAX_S = 30.0

HEADER = "Лицевой счёт;ФИО;Адрес;Услуга;Баланс;Дата"
ROW = "0017742;Ёлкина А. П.;г. Примерск, ул. Садовая, д. 5, кв. 12;Интернет;-350,50;24.11.2026"
GOOD = f"{HEADER}\r\n{ROW}\r\n".encode("cp1251")
NEWER = GOOD.replace(b"-350,50", b"-100,00").replace(b"24.11", b"25.11")
BAD = GOOD.replace(b"-350,50", b"a lot")

Watch = Literal["events", "polling"]


class Clock:
    """Seconds that pass only when a test lets them; it knows how often it was looked at."""

    def __init__(self) -> None:
        self.now = 0.0
        self.looks = 0

    def __call__(self) -> float:
        self.looks += 1
        return self.now


class Watched:
    """An inbox at work, and what it told."""

    def __init__(self, home: Home, settings: Config, clock: Clock | None = None) -> None:
        self.facts: list[ImportFact] = []
        self._clock = clock
        self._inbox = Inbox(home, settings, self.facts.append, *([clock] if clock else []))

    @contextlib.asynccontextmanager
    async def at_work(self) -> AsyncIterator[Watched]:
        task = asyncio.create_task(self._inbox.run())
        try:
            yield self
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def told(self, count: int = 1) -> list[ImportFact]:
        """Wait until so many facts were told."""
        await wait(lambda: len(self.facts) >= count)
        return self.facts

    async def told_as_time_passes(self, count: int = 1) -> list[ImportFact]:
        """The same, while more and more time goes by."""
        await self.time_passes(until=lambda: len(self.facts) >= count)
        return self.facts

    async def time_passes(self, until: Callable[[], object]) -> None:
        """More and more of it, until something is so: when exactly a worker's end is noticed is anybody's guess."""

        def is_so() -> object:
            assert self._clock is not None
            self._clock.now += 10
            return until()

        await wait(is_so)

    async def looks(self, count: int = 4) -> None:
        """Wait until the folders were looked at some more times."""
        assert self._clock is not None
        wanted = self._clock.looks + 10 * count
        await wait(lambda: self._clock is not None and self._clock.looks >= wanted)


async def wait(is_so: Callable[[], object]) -> None:
    async with asyncio.timeout(WAIT_MAX_S):
        while not is_so():
            await asyncio.sleep(0.01)


@pytest.fixture(autouse=True)
def _looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importers.inbox, "LOOK_REMOTE_S", 0.05)


def settings_of(home: Home, watch: Watch = "polling", folder: str = "inbox", **disk: int) -> Config:
    loaded = config.load(home.config)
    inbox = tuple(
        msgspec.structs.replace(one, quiet_s=0.1, watch=watch, folder=folder) for one in loaded.inbox
    )
    return msgspec.structs.replace(
        loaded, inbox=inbox, disk=msgspec.structs.replace(loaded.disk, **disk) if disk else loaded.disk
    )


def log_of(home: Home) -> list[Outcome]:
    path = home.logs / "imports.jsonl"
    return [msgspec.json.decode(line, type=Outcome) for line in path.read_bytes().splitlines()]


@contextlib.contextmanager
def import_lock(home: Home) -> Iterator[None]:
    """As somebody holds it who imports by hand."""
    with (home.run / "import.lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def workers() -> list[int]:
    """The processes that this one started, without the one that multiprocessing keeps for good once it was used."""
    me = os.getpid()
    children = Path(f"/proc/{me}/task/{me}/children").read_text().split()
    return [int(one) for one in children if b"multiprocessing.resource_tracker" not in _command_of(one)]


def _command_of(process: str) -> bytes:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


@pytest.mark.parametrize("watch", ["events", "polling"])
def test_a_dropped_file_is_imported_and_lies_in_done_with_its_report_beside(home: Home, watch: Watch) -> None:
    async def story() -> list[ImportFact]:
        async with Watched(home, settings_of(home, watch)).at_work() as inbox:
            (home.inbox / "base.csv.part").write_bytes(GOOD)
            (home.inbox / "base.csv.part").rename(home.inbox / "base.csv")
            facts = await inbox.told()
            await wait(lambda: (home.inbox / DONE / "base.csv").exists())
            return facts

    facts = asyncio.run(story())

    assert [type(fact) for fact in facts] == [SnapshotReady]
    assert {path.name for path in home.inbox.iterdir()} == {DONE, "base.csv.report.txt"}
    assert (home.inbox / "base.csv.report.txt").read_text().startswith("Файл принят: 1 строк")
    snapshot = open_current(home.snapshots)
    assert snapshot is not None
    assert snapshot.info.file == "base.csv"


@pytest.mark.parametrize("watch", ["events", "polling"])
def test_a_file_that_is_copied_slowly_is_not_taken_in_pieces(home: Home, watch: Watch) -> None:
    clock = Clock()

    async def story() -> list[ImportFact]:
        async with Watched(home, settings_of(home, watch), clock).at_work() as inbox:
            for piece in (b"", GOOD[:30], GOOD[30:60], GOOD[60:]):  # opened and closed again for each
                with (home.inbox / "base.csv").open("ab") as file:
                    file.write(piece)
                await inbox.looks()
            assert not inbox.facts
            clock.now += 1
            return await inbox.told()

    assert [type(fact) for fact in asyncio.run(story())] == [SnapshotReady]


def test_a_bad_file_goes_to_quarantine_with_its_reports_and_the_old_data_stay(
    home: Home, load: Callable[..., Outcome]
) -> None:
    load(GOOD)

    async def story() -> list[ImportFact]:
        async with Watched(home, settings_of(home)).at_work() as inbox:
            (home.inbox / "bad.csv").write_bytes(BAD)
            return await inbox.told()

    (refused,) = asyncio.run(story())

    assert isinstance(refused, ImportRefused)
    assert "ошибками 1" in refused.reason
    assert refused.report == str(home.quarantine / "bad.csv.report.txt")
    kept = {path.name for path in home.quarantine.iterdir()}
    assert kept == {"bad.csv", "bad.csv.report.txt", "bad.csv.report.json"}
    assert (home.quarantine / "bad.csv").read_bytes() == BAD
    assert [path.name for path in home.inbox.iterdir()] == ["bad.csv.report.txt"]
    snapshot = open_current(home.snapshots)
    assert snapshot is not None
    assert snapshot.info.file == "base.csv"


def test_a_second_bad_file_of_the_same_name_does_not_overwrite_the_first(home: Home) -> None:
    async def story() -> None:
        async with Watched(home, settings_of(home)).at_work() as inbox:
            for number in (1, 2):
                (home.inbox / "bad.csv").write_bytes(BAD + b"x" * number)
                await inbox.told(number)

    asyncio.run(story())

    assert (home.quarantine / "bad.csv").read_bytes() == BAD + b"x"
    assert (home.quarantine / "bad-2.csv").read_bytes() == BAD + b"xx"
    assert (home.quarantine / "bad-2.csv.report.txt").exists()


def make_link(path: Path) -> None:
    path.symlink_to("/etc/passwd")


ODD = {
    "a folder": (b"x.csv", os.mkdir),
    "a link": (b"x.csv", make_link),
    "a pipe": (b"x.csv", os.mkfifo),
    "a name that is not UTF-8": (b"\xe1\xe0\xe7\xe0.csv", lambda path: path.write_bytes(GOOD)),
    "a name with control characters": (b"a\nb\x1b[31m.csv", lambda path: path.write_bytes(BAD)),
    "a name of 255 bytes": (b"x" * 251 + b".csv", lambda path: path.write_bytes(BAD)),
    "a name of 255 bytes in Russian": ("ы".encode() * 125 + b"1.csv", lambda path: path.write_bytes(BAD)),
    "a name that looks like an option": (b"--home=x.csv", lambda path: path.write_bytes(BAD)),
}


@pytest.mark.parametrize("case", ODD)
def test_whatever_lies_there_ends_in_quarantine_with_words(home: Home, case: str) -> None:
    name, make = ODD[case]
    path = Path(os.fsdecode(os.fsencode(home.inbox) + b"/" + name))

    async def story() -> list[ImportFact]:
        async with Watched(home, settings_of(home)).at_work() as inbox:
            make(path)
            return await inbox.told()

    (refused,) = asyncio.run(story())

    assert isinstance(refused, ImportRefused)
    assert not os.path.lexists(path)
    assert refused.file.isprintable()
    assert Path(refused.report).read_text().startswith("Файл не принят: ")
    assert len(list(home.quarantine.iterdir())) == 3  # it, and two reports
    assert Path("/etc/passwd").exists()


def test_a_good_file_with_the_longest_name_is_put_away(home: Home) -> None:
    name = "x" * 251 + ".csv"

    async def story() -> None:
        async with Watched(home, settings_of(home)).at_work() as inbox:
            for number, content in enumerate((GOOD, NEWER), 1):
                (home.inbox / name).write_bytes(content)
                await inbox.told(number)
                await wait(lambda: not (home.inbox / name).exists())

    asyncio.run(story())

    assert len(list((home.inbox / DONE).iterdir())) == 2


def test_an_older_file_after_a_newer_one_is_refused(home: Home) -> None:
    async def story() -> list[ImportFact]:
        async with Watched(home, settings_of(home)).at_work() as inbox:
            (home.inbox / "new.csv").write_bytes(NEWER)
            await inbox.told(1)
            (home.inbox / "old.csv").write_bytes(GOOD)
            return await inbox.told(2)

    first, second = asyncio.run(story())

    assert isinstance(first, SnapshotReady)
    assert isinstance(second, ImportRefused)
    assert "24.11.2026" in second.reason
    assert "25.11.2026" in second.reason


def test_files_that_wait_together_are_taken_oldest_first(home: Home) -> None:
    for name, content, time in (("a.csv", NEWER, 2_000_000), ("b.csv", GOOD, 1_000_000)):
        (home.inbox / name).write_bytes(content)
        os.utime(home.inbox / name, (time, time))

    async def story() -> list[ImportFact]:
        async with Watched(home, settings_of(home)).at_work() as inbox:
            return await inbox.told(2)

    assert [fact.file for fact in asyncio.run(story())] == ["b.csv", "a.csv"]


def test_a_file_replaced_while_it_is_read_is_read_again(home: Home) -> None:
    async def story() -> list[ImportFact]:
        async with Watched(home, settings_of(home)).at_work() as inbox:
            with import_lock(home):
                (home.inbox / "base.csv").write_bytes(BAD)
                await wait(workers)
                (home.inbox / "new").write_bytes(NEWER)
                (home.inbox / "new").replace(home.inbox / "base.csv")
            await inbox.told(2)
            await wait(lambda: (home.inbox / DONE / "base.csv").exists())
            return inbox.facts

    facts = asyncio.run(story())

    assert [type(fact) for fact in facts] == [SnapshotReady, SnapshotReady]
    assert [outcome.already_loaded for outcome in log_of(home)] == [False, True]
    assert (home.inbox / DONE / "base.csv").read_bytes() == NEWER
    assert not list(home.quarantine.iterdir())


def test_a_file_that_still_grows_is_not_quarantined_for_its_first_half(home: Home) -> None:
    clock = Clock()

    async def story() -> list[ImportFact]:
        async with Watched(home, settings_of(home), clock).at_work() as inbox:
            with import_lock(home):
                (home.inbox / "base.csv").write_bytes(GOOD[:-20])
                await inbox.looks(1)
                clock.now += 1
                await wait(workers)
                with (home.inbox / "base.csv").open("ab") as file:
                    file.write(GOOD[-20:-10])
            await wait(lambda: (home.logs / "imports.jsonl").exists() and not workers())
            await inbox.looks()
            assert not inbox.facts
            with (home.inbox / "base.csv").open("ab") as file:
                file.write(GOOD[-10:])
            await inbox.looks(1)
            clock.now += 1
            return await inbox.told()

    assert [type(fact) for fact in asyncio.run(story())] == [SnapshotReady]
    assert [outcome.status for outcome in log_of(home)] == ["refused", "imported"]


def test_a_stick_pulled_out_while_it_is_read_is_no_refusal(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> list[ImportFact]:
        async with Watched(home, settings_of(home)).at_work() as inbox:
            with import_lock(home):
                (home.inbox / "base.csv").write_bytes(GOOD)
                await wait(workers)
                home.inbox.rename(home.path / "pulled")
            await wait(lambda: "changed or went away" in caplog.text)
            assert not inbox.facts
            (home.path / "pulled").rename(home.inbox)
            return await inbox.told()

    assert [type(fact) for fact in asyncio.run(story())] == [SnapshotReady]


@pytest.mark.parametrize("watch", ["events", "polling"])
def test_a_folder_that_is_gone_for_a_while_takes_no_data_with_it(
    home: Home, load: Callable[..., Outcome], watch: Watch
) -> None:
    load(GOOD)
    clock = Clock()

    async def story() -> list[ImportFact]:
        async with Watched(home, settings_of(home, watch), clock).at_work() as inbox:
            await inbox.looks(1)
            home.inbox.rename(home.path / "unmounted")
            (home.path / "unmounted" / "next.csv").write_bytes(NEWER)
            await inbox.looks()
            assert not inbox.facts
            (home.path / "unmounted").rename(home.inbox)
            await inbox.looks(1)
            clock.now += 1
            return await inbox.told()

    assert current_path(home.snapshots) is not None
    assert [type(fact) for fact in asyncio.run(story())] == [SnapshotReady]


def test_a_worker_that_is_killed_is_started_again(home: Home) -> None:
    clock = Clock()

    async def story() -> list[ImportFact]:
        async with Watched(home, settings_of(home), clock).at_work() as inbox:
            with import_lock(home):
                (home.inbox / "base.csv.part").write_bytes(GOOD)
                (home.inbox / "base.csv.part").rename(home.inbox / "base.csv")
                await inbox.looks(1)
                clock.now += 1
                await wait(workers)
                os.kill(workers()[0], signal.SIGKILL)
                await wait(lambda: not workers())
            return await inbox.told_as_time_passes()

    assert [type(fact) for fact in asyncio.run(story())] == [SnapshotReady]
    assert not list(home.run.glob("*.spool"))


def test_a_file_that_kills_the_worker_again_and_again_goes_to_quarantine_in_words(home: Home) -> None:
    clock = Clock()

    async def story() -> list[ImportFact]:
        async with Watched(home, settings_of(home), clock).at_work() as inbox:
            with import_lock(home):
                (home.inbox / "base.csv").write_bytes(GOOD)
                await inbox.looks(1)
                for _ in range(3):
                    await inbox.time_passes(until=workers)
                    os.kill(workers()[0], signal.SIGKILL)
                    await wait(lambda: not workers())
                return await inbox.told()

    (refused,) = asyncio.run(story())

    assert isinstance(refused, ImportRefused)
    assert "не справилась" in refused.reason
    assert "killed" in refused.reason
    assert Path(refused.report).read_text().startswith("Файл не принят: ")
    assert (home.quarantine / "base.csv").read_bytes() == GOOD


def test_a_core_that_ends_in_the_middle_loses_nothing_and_the_next_one_takes_it_once(home: Home) -> None:
    async def first() -> None:
        async with Watched(home, settings_of(home)).at_work() as inbox:
            with import_lock(home):
                (home.inbox / "base.csv").write_bytes(GOOD)
                await wait(workers)
            assert not inbox.facts

    async def second() -> list[ImportFact]:
        async with Watched(home, settings_of(home)).at_work() as inbox:
            await inbox.told()
            await wait(lambda: (home.inbox / DONE / "base.csv").exists())
            return inbox.facts

    asyncio.run(first())
    assert not workers()
    facts = asyncio.run(second())

    assert [type(fact) for fact in facts] == [SnapshotReady]
    assert [outcome.status for outcome in log_of(home) if not outcome.already_loaded] == ["imported"]


def test_a_file_imported_before_the_core_died_is_announced_and_put_away_by_the_next(
    home: Home, load: Callable[..., Outcome]
) -> None:
    (home.inbox / "base.csv").write_bytes(GOOD)
    load(home.inbox / "base.csv")

    async def story() -> list[ImportFact]:
        async with Watched(home, settings_of(home)).at_work() as inbox:
            await inbox.told()
            await wait(lambda: (home.inbox / DONE / "base.csv").exists())
            return inbox.facts

    assert [type(fact) for fact in asyncio.run(story())] == [SnapshotReady]
    assert [outcome.already_loaded for outcome in log_of(home)] == [False, True]
    assert len(list(home.snapshots.glob("*.db"))) == 1


def set_free_min(home: Home, megabytes: int) -> None:
    text = home.config.read_text()
    home.config.write_text(text.replace("free_min_mb = 200 ", f"free_min_mb = {megabytes} "))


def test_while_the_disk_is_full_a_file_waits_where_it_is(home: Home) -> None:
    clock = Clock()
    enough = home.config.read_text()
    set_free_min(home, 1_000_000)
    settings = settings_of(home)

    async def story() -> list[ImportFact]:
        async with Watched(home, settings, clock).at_work() as inbox:
            (home.inbox / "base.csv").write_bytes(GOOD)
            await inbox.looks(1)
            clock.now += 1
            await inbox.told()
            await inbox.time_passes(
                until=workers
            )  # it is tried again and waits again, and staff are not told twice
            await wait(lambda: not workers())
            home.config.write_text(enough)
            return await inbox.told_as_time_passes(2)

    waits, ready = asyncio.run(story())

    assert isinstance(waits, ImportRefused)
    assert "мало места" in waits.reason
    assert isinstance(ready, SnapshotReady)
    assert not list(home.quarantine.iterdir())


def test_a_planted_link_called_done_costs_nobody_a_file(home: Home) -> None:
    for number in range(20):
        (home.outbox / f"KASSA_{number}.csv").write_bytes(b"payments")
    (home.inbox / DONE).symlink_to(home.outbox)

    async def story() -> list[ImportFact]:
        async with Watched(home, settings_of(home)).at_work() as inbox:
            (home.inbox / "base.csv").write_bytes(GOOD)
            await inbox.told()
            await wait(lambda: (home.inbox / "base.csv.report.txt").exists())
            return inbox.facts

    assert [type(fact) for fact in asyncio.run(story())] == [SnapshotReady]
    assert len(list(home.outbox.iterdir())) == 20


def test_what_is_not_the_clerks_is_left_alone(home: Home) -> None:
    clock = Clock()
    names = [
        "~$base.csv",
        ".base.csv",
        "base.csv.part",
        "base.csv.crdownload",
        "Thumbs.db",
        "notes.docx",
        "base.csv~",
    ]

    async def story() -> list[ImportFact]:
        async with Watched(home, settings_of(home), clock).at_work() as inbox:
            for name in names:
                (home.inbox / name).write_bytes(GOOD)
            await inbox.looks()
            clock.now += 10
            await inbox.looks()
            return inbox.facts

    assert asyncio.run(story()) == []
    assert {path.name for path in home.inbox.iterdir()} == set(names)


@pytest.fixture
def stick(home: Home) -> Iterator[Path]:
    """A folder on another file system, where there is one."""
    elsewhere = next(
        (one for one in ("/dev/shm", "/run", "/tmp") if _is_elsewhere(Path(one), home.path)), str(home.path)
    )
    folder = Path(tempfile.mkdtemp(dir=elsewhere))
    yield folder
    shutil.rmtree(folder)


def _is_elsewhere(folder: Path, home: Path) -> bool:
    return folder.is_dir() and os.access(folder, os.W_OK) and folder.stat().st_dev != home.stat().st_dev


def test_a_bad_file_of_a_stick_is_moved_to_quarantine(home: Home, stick: Path) -> None:
    async def story() -> list[ImportFact]:
        async with Watched(home, settings_of(home, folder=str(stick))).at_work() as inbox:
            (stick / "bad.csv").write_bytes(BAD)
            return await inbox.told()

    (refused,) = asyncio.run(story())

    assert isinstance(refused, ImportRefused)
    assert (home.quarantine / "bad.csv").read_bytes() == BAD
    assert [path.name for path in stick.iterdir()] == ["bad.csv.report.txt"]


def test_what_cannot_be_copied_from_a_stick_stays_there_and_is_told_once(home: Home, stick: Path) -> None:
    clock = Clock()

    async def story() -> list[ImportFact]:
        async with Watched(home, settings_of(home, folder=str(stick)), clock).at_work() as inbox:
            (stick / "folder.csv").mkdir()
            await inbox.told()
            clock.now += 100
            await inbox.looks()
            return inbox.facts

    assert len(asyncio.run(story())) == 1
