"""A folder that fails or hangs holds up nobody but the export."""

import asyncio
import threading

import pytest

from kassa.export import outbox
from kassa.export.batch import PaymentFile
from kassa.export.outbox import Outbox
from kassa.export.writer import ExportFailed
from kassa.ports import FileWritten

FILES = [PaymentFile(1, "a.csv", 2, 30000, b"first"), PaymentFile(2, "b.csv", 1, 5000, b"second")]


def test_every_file_that_waits_is_written_and_told_in_order(tmp_path):
    told = []

    files = asyncio.run(Outbox(lambda: FILES, told.append).export(tmp_path))

    assert files == FILES
    assert told == [FileWritten(1, "a.csv", str(tmp_path)), FileWritten(2, "b.csv", str(tmp_path))]
    assert (tmp_path / "b.csv").read_bytes() == b"second"


def test_what_was_written_before_a_failure_is_told(tmp_path):
    told = []
    (tmp_path / "b.csv").mkdir()

    with pytest.raises(ExportFailed, match="see to the folder"):
        asyncio.run(Outbox(lambda: FILES, told.append).export(tmp_path))

    assert [fact.batch for fact in told] == [1]


def test_two_exports_at_once_write_one_after_the_other(tmp_path):
    waiting, told = list(FILES), []

    def hear(fact):
        told.append(fact)
        waiting.pop(0)

    async def both():
        one = Outbox(lambda: list(waiting), hear)
        return await asyncio.gather(one.export(tmp_path), one.export(tmp_path))

    assert asyncio.run(both()) == [FILES, []]
    assert [fact.batch for fact in told] == [1, 2]


class HungShare:
    """Whoever touches it is held until it lets go."""

    def __init__(self):
        self.lets_go = threading.Event()

    def write(self, file, folder):
        self.lets_go.wait()


def threads():
    return [thread for thread in threading.enumerate() if thread.name == "outbox"]


@pytest.fixture
def hung_share(monkeypatch):
    monkeypatch.setattr(outbox, "WRITE_MAX_S", 0.05)
    share = HungShare()
    yield share
    share.lets_go.set()


def test_a_share_that_hangs_is_given_up_and_asked_for_nothing_more_until_it_lets_go(hung_share, tmp_path):
    told = []

    async def story():
        one = Outbox(lambda: FILES, told.append, hung_share.write)
        with pytest.raises(ExportFailed, match="has not answered"):
            await one.export(tmp_path)
        with pytest.raises(ExportFailed, match="still does not answer"):
            await one.export(tmp_path)
        assert all(thread.daemon for thread in threads()), "the core could not end while the share hangs"
        hung_share.lets_go.set()
        for thread in threads():
            thread.join()
        await asyncio.sleep(0)
        return await one.export(tmp_path)

    assert asyncio.run(story()) == FILES
    assert [fact.batch for fact in told] == [1, 2]


def test_the_core_goes_on_while_a_share_hangs(hung_share, tmp_path):
    turns = []

    async def story():
        export = asyncio.ensure_future(
            Outbox(lambda: FILES, lambda _fact: None, hung_share.write).export(tmp_path)
        )
        while not export.done():
            turns.append(1)
            await asyncio.sleep(0)
        assert isinstance(export.exception(), ExportFailed)

    asyncio.run(story())
    assert len(turns) > 10


def test_a_fault_of_our_own_is_not_hidden_by_the_thread(tmp_path):
    with pytest.raises(ZeroDivisionError):
        asyncio.run(Outbox(lambda: FILES, lambda _fact: None, lambda _file, _folder: 1 / 0).export(tmp_path))
