"""Serial links over real pseudo-terminals, and TCP links over real sockets, under asyncio."""

import asyncio
import os
import pty
import socket
import tty

import pytest

from devices.link import LineSettings, LinkLost, SerialLink, TcpLink

WAIT_S = 10.0


@pytest.fixture
def terminal():
    """Both ends of a pseudo-terminal: ours and the device's path."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    ends = {master, slave}
    yield master, slave, ends
    for end in ends:
        os.close(end)


async def expect(future):
    return await asyncio.wait_for(future, WAIT_S)


def test_bytes_go_both_ways(terminal):
    master, slave, _ = terminal

    async def talk():
        loop = asyncio.get_running_loop()
        link, received = SerialLink(os.ttyname(slave), LineSettings(9600), loop), loop.create_future()
        link.on_data(received.set_result, received.set_exception)
        link.send(b"\x02\x03\x11\x13\x00")
        os.write(master, b"\xff\x00\x0d\x0a\x1a")
        try:
            return await expect(received)
        finally:
            link.close()

    assert asyncio.run(talk()) == b"\xff\x00\x0d\x0a\x1a"
    assert os.read(master, 100) == b"\x02\x03\x11\x13\x00"


def test_a_port_that_vanishes_is_told(terminal):
    master, slave, ends = terminal

    async def talk():
        loop = asyncio.get_running_loop()
        link, lost = SerialLink(os.ttyname(slave), LineSettings(9600), loop), loop.create_future()
        link.on_data(lambda data: None, lambda reason: lost.done() or lost.set_result(reason))
        ends.clear()
        os.close(slave)
        os.close(master)
        try:
            reason = await expect(lost)
            with pytest.raises(LinkLost):
                link.send(b"?")
            return reason
        finally:
            link.close()

    assert "/dev/pts/" in asyncio.run(talk())


def test_a_missing_port_is_refused_with_its_name(tmp_path):
    async def talk():
        SerialLink(str(tmp_path / "validator"), LineSettings(9600), asyncio.get_running_loop())

    with pytest.raises(LinkLost, match=r"validator cannot be opened: No such file or directory$"):
        asyncio.run(talk())


def test_what_is_no_serial_port_is_refused(tmp_path):
    (tmp_path / "file").write_bytes(b"")

    async def talk():
        SerialLink(str(tmp_path / "file"), LineSettings(9600), asyncio.get_running_loop())

    with pytest.raises(LinkLost, match="cannot be opened"):
        asyncio.run(talk())


def test_a_port_has_one_owner(terminal):
    _, slave, _ = terminal

    async def talk():
        loop = asyncio.get_running_loop()
        first = SerialLink(os.ttyname(slave), LineSettings(9600), loop)
        try:
            with pytest.raises(LinkLost, match="cannot be opened: another program has it open"):
                SerialLink(os.ttyname(slave), LineSettings(9600), loop)
        finally:
            first.close()
        SerialLink(os.ttyname(slave), LineSettings(9600), loop).close()

    asyncio.run(talk())


def test_closing_twice_is_harmless(terminal):
    _, slave, _ = terminal

    async def talk():
        link = SerialLink(os.ttyname(slave), LineSettings(9600), asyncio.get_running_loop())
        link.close()
        link.close()

    asyncio.run(talk())


# --- TCP ------------------------------------------------------------------------------------------------------


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def test_what_is_sent_before_the_connection_is_there_arrives_in_its_order(listener):
    async def talk():
        loop = asyncio.get_running_loop()
        link, received = TcpLink(*listener.getsockname(), loop), loop.create_future()
        link.on_data(received.set_result, received.set_exception)
        link.send(b"\x05")
        link.send(b"\x02\x03")
        listener.setblocking(False)
        peer, _ = await expect(loop.sock_accept(listener))
        with peer:
            heard = b""
            while len(heard) < 3:
                heard += await expect(loop.sock_recv(peer, 10))
            await loop.sock_sendall(peer, b"\x06")
            answer = await expect(received)
            link.close()
            return heard, answer, await expect(loop.sock_recv(peer, 10))

    assert asyncio.run(talk()) == (b"\x05\x02\x03", b"\x06", b"")


def test_a_device_that_hangs_up_or_is_not_there_is_told(listener):
    async def lose(link):
        lost = asyncio.get_running_loop().create_future()
        link.on_data(lambda data: None, lambda reason: lost.done() or lost.set_result(reason))
        return await expect(lost)

    async def talk():
        loop = asyncio.get_running_loop()
        address = listener.getsockname()
        link = TcpLink(*address, loop)
        reasons = asyncio.ensure_future(lose(link))
        listener.setblocking(False)
        peer, _ = await expect(loop.sock_accept(listener))
        peer.close()
        hung_up = await reasons
        listener.close()
        return (
            hung_up,
            await lose(TcpLink(*address, loop)),
            await lose(TcpLink("no.such.host.invalid", 1, loop)),
        )

    hung_up, refused, unknown = asyncio.run(talk())
    assert "hung up" in hung_up
    assert "cannot be reached" in refused
    assert "no.such.host.invalid:1 cannot be reached" in unknown
