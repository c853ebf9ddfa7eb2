"""What hosts a simulated device."""

import select
import socket

import pytest
from simulator_process import WAIT_S

from devices.console import NetworkWire

HOST = "127.0.0.1"


class Echo:
    """Says back what it hears."""

    def __init__(self) -> None:
        self.heard = b""

    def receive(self, data: bytes, now: float) -> bytes:
        self.heard += data
        return data


def test_a_simulated_device_in_the_network_has_one_host_after_another():
    with socket.create_server((HOST, 0)) as free:
        port = free.getsockname()[1]
    wire, device = NetworkWire(port), Echo()
    assert wire.readable() == []
    wire.plug()
    wire.plug()

    def hear():
        (end,) = select.select(wire.readable(), (), (), WAIT_S)[0]
        wire.hear(end, device)

    for said in (b"one", b"other"):
        with socket.create_connection((HOST, port), timeout=WAIT_S) as host:
            hear()
            host.sendall(said)
            hear()
            assert host.recv(100) == said
        hear()
    assert device.heard == b"oneother"
    wire.send(b"nobody hears it")
    wire.unplug()
    wire.unplug()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((HOST, port), timeout=WAIT_S)
