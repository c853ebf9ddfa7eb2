"""A device file that is read and written and has no line settings, as printers on USB have one."""

import asyncio
import contextlib
import os
import pty
import tty

import pytest
from simulator_process import WAIT_S

from devices.link import UNSENT_MAX_BYTES, FileLink, LinkLost, is_usb_printer


def test_what_a_device_file_does_not_take_at_once_waits_for_room():
    master, slave = pty.openpty()
    tty.setraw(slave)
    sent = bytes(range(256)) * 400

    async def talk():
        loop = asyncio.get_running_loop()
        link = FileLink(os.ttyname(slave), loop)
        link.on_data(lambda data: None, lambda reason: None)
        link.send(sent[:50_000])
        link.send(sent[50_000:])
        heard = b""
        os.set_blocking(master, False)
        async with asyncio.timeout(WAIT_S):
            while len(heard) < len(sent):
                with contextlib.suppress(BlockingIOError):
                    heard += os.read(master, 65536)
                await asyncio.sleep(0)
        link.close()
        link.close()
        return heard

    try:
        assert asyncio.run(talk()) == sent
    finally:
        os.close(master)
        os.close(slave)


def test_a_device_file_that_takes_nothing_is_given_up():
    master, slave = pty.openpty()
    tty.setraw(slave)

    async def talk():
        link = FileLink(os.ttyname(slave), asyncio.get_running_loop())
        link.on_data(lambda data: None, lambda reason: None)
        link.send(bytes(UNSENT_MAX_BYTES))
        try:
            with pytest.raises(LinkLost, match="takes no more bytes"):
                link.send(bytes(UNSENT_MAX_BYTES))
        finally:
            link.close()

    try:
        asyncio.run(talk())
    finally:
        os.close(master)
        os.close(slave)


def test_a_device_file_that_vanishes_is_told_to_who_writes():
    master, slave = pty.openpty()
    tty.setraw(slave)

    async def talk():
        link = FileLink(os.ttyname(slave), asyncio.get_running_loop())
        link.on_data(lambda data: None, lambda reason: None)
        os.close(slave)
        os.close(master)
        try:
            with pytest.raises(LinkLost, match="/dev/pts/"):
                link.send(b"?")
        finally:
            link.close()

    asyncio.run(talk())


def test_a_device_file_that_is_not_there_is_refused_and_no_usb_printer(tmp_path):
    async def talk():
        FileLink(str(tmp_path / "lp0"), asyncio.get_running_loop())

    with pytest.raises(LinkLost, match="lp0 cannot be opened: No such file"):
        asyncio.run(talk())
    assert not is_usb_printer(str(tmp_path / "lp0"))
    assert not is_usb_printer("/dev/null")
