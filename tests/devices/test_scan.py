"""What a scan finds, and that it disturbs nothing: each protocol's questions against the simulator of each device."""

import copy

import pytest
from bench_port import Babbler, BenchPort, LoopBack, Silence
from validators import UNITS, Rig, ready

from devices import scan
from devices.blocking import PortGone, carry_out
from devices.ccnet import protocol as ccnet
from devices.id003 import protocol as id003
from devices.link import LineSettings
from devices.scan import Echo, Found, Silent, Strange, Vanished, look, probes
from devices.shtrih import protocol as shtrih
from devices.shtrih import simulator as shtrih_simulator
from devices.ssp import protocol as ssp

PROBES = {probe.protocol: probe for probe in probes(30)}
SSP_TOLD_AT_VERSION_4 = ("10", "50", "100", "200", "500", "1000", "2000")


def looked(port, tell=lambda words: None):
    return look(port, PROBES.values(), tell)


def units_of(found):
    return tuple(sorted((note.value.removesuffix(".00") for note in found.notes), key=int))


def fresh(protocol):
    """A device that was switched on and that no host has spoken to."""
    if protocol == "shtrih":
        return shtrih_simulator.Simulator(1000.0)
    unit = UNITS[protocol]
    return unit.simulator(1000.0, quirks=unit.quirks())


def at_rest(unit):
    """A validator whose host has started it and ended."""
    rig = Rig(unit)
    rig.core.opens = frozenset()
    rig.wait_ready()
    rig.kill_host()
    return rig.sim


@pytest.mark.parametrize("place", [0, -1], ids=["first", "last"])
@pytest.mark.parametrize("protocol", PROBES)
def test_each_device_is_found_by_its_own_protocol_at_its_own_speed(protocol, place):
    line = PROBES[protocol].lines[place]

    found = looked(BenchPort(fresh(protocol), line))

    assert isinstance(found, Found)
    assert (found.protocol, found.line) == (protocol, line)


def test_what_a_device_tells_of_itself_is_found():
    devices = {protocol: fresh(protocol) for protocol in PROBES}
    devices["id003"] = at_rest(UNITS["id003"])

    found = {protocol: looked(BenchPort(device)) for protocol, device in devices.items()}

    who = {name: (one.model, one.firmware, one.serial) for name, one in found.items()}
    assert who == {
        "ccnet": ("SM-RU1353", "", "21K061234567"),
        "id003": ("U(RUS)-05-SS", "ID003-05V123-45 01JAN20 A5C3", ""),
        "ssp": ("ITL RUS", "01.10", "1873452"),
        "shtrih": who["shtrih"],
    }
    assert who["shtrih"][0] == "PAY VKP-80K-FA"
    assert who["shtrih"][2]
    assert {note.country for note in found["ccnet"].notes} == {"RUS"}
    assert units_of(found["ccnet"]) == ("10", "50", "100", "200", "500", "1000", "2000", "5000")
    assert {note.country for note in found["id003"].notes} == {"RUB"}
    assert units_of(found["id003"]) == units_of(found["ccnet"])
    assert units_of(found["ssp"]) == SSP_TOLD_AT_VERSION_4
    assert "newer protocol version" in found["ssp"].remark
    assert found["shtrih"].notes is None


def test_a_device_that_waits_for_its_start_tells_as_much_as_it_does():
    found = looked(BenchPort(fresh("id003")))

    assert found.notes is None
    assert "bill_table" in found.remark


def test_a_registrar_with_another_password_is_found_without_its_number():
    device = shtrih_simulator.Simulator(1000.0, quirks=shtrih_simulator.Quirks(password=31))

    found = looked(BenchPort(device))

    assert (found.model, found.serial) == ("PAY VKP-80K-FA", "")
    assert "registrar.password" in found.remark


def test_a_validator_that_speaks_only_encrypted_is_found():
    unit = UNITS["ssp"]

    found = looked(BenchPort(unit.simulator(1000.0, quirks=unit.quirks(wants_encryption=True))))

    assert (found.protocol, found.model) == ("ssp", "")
    assert "fixed_key" in found.remark


# --- what must not happen ------------------------------------------------------------------------------------


def at_escrow(unit, **quirks):
    """A note waits for the core's decision; then the core is gone."""
    rig = ready(Rig(unit, **quirks))
    rig.core.decides = lambda value: None
    rig.insert(500)
    rig.wait_status("ESCROW")
    rig.time.run_for(0.3)  # an SSP device has told of it: the next POLL would take it
    rig.kill_host()
    return rig


def stacked_unheard(unit, **quirks):
    """A note fell into the cassette after the core was gone."""
    rig = ready(Rig(unit, **quirks))
    rig.insert(500)
    rig.wait_status("STACKING")
    rig.kill_host()
    rig.time.run_for(3.0)
    assert rig.sim.truth.cassette == [500]
    return rig


def returned_unheard(unit, **quirks):
    """A note went back after the core was gone."""
    rig = ready(Rig(unit, **quirks))
    rig.core.decides = lambda value: None
    rig.insert(500)
    rig.wait_status("ESCROW")
    rig.kill_host()
    rig.time.run_for(15.0)
    assert rig.sim.truth.returned == [500]
    return rig


def without_power(where):
    def lost(unit, **quirks):
        """Power went with a note inside, and is back."""
        rig = ready(Rig(unit, **quirks))
        rig.insert(500)
        rig.time.run_until(lambda: getattr(rig.sim.truth, where) is not None)
        rig.kill_host()
        rig.power_cycle()
        return rig

    return lost


def open_slot(unit, **quirks):
    """The core was killed while it took notes."""
    rig = ready(Rig(unit, **quirks))
    rig.kill_host()
    return rig


SITUATIONS = {
    "escrow": at_escrow, "stacked": stacked_unheard, "returned": returned_unheard,
    "power_in_head": without_power("head"), "power_in_stacker": without_power("stacker"), "open": open_slot,
}  # fmt: skip
UNITS_IN_TROUBLE = {
    **{name: (unit, {}) for name, unit in UNITS.items()},
    "ccnet_tells_once": (UNITS["ccnet"], {"holds_events": False}),
    "ccnet_tells_table": (UNITS["ccnet"], {"tells_table_always": True}),
    "ssp_in_clear": (UNITS["ssp"], {"has_encryption": False}),
}
MEMORY = (
    "_poll", "_enabled", "_escrow", "_suspended", "_is_initializing", "_events", "_unacknowledged", "_untold",
    "_is_escrow_told", "_is_credit_told", "_is_on", "_channels", "_version", "_key", "_count", "_event_is_shown",
    "_options", "_bill_types", "_is_inhibited", "resets", "breaches",
)  # fmt: skip


def memory_of(sim):
    """All that a validator knows of notes and of what it was told."""
    known = {name: getattr(sim, name) for name in MEMORY if hasattr(sim, name)}
    return copy.deepcopy((sim.truth, sim.polls.count, known))


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("name", UNITS_IN_TROUBLE)
def test_no_question_of_any_protocol_changes_what_a_validator_holds(name, situation):
    unit, quirks = UNITS_IN_TROUBLE[name]
    rig = SITUATIONS[situation](unit, **quirks)
    before = memory_of(rig.sim)
    port = BenchPort(rig.sim, is_frozen=True, start=rig.time.time())

    for probe in PROBES.values():
        for line in probe.lines:
            port.set_up(line)
            carry_out(probe.program(port.now, line), port)

    assert memory_of(rig.sim) == before


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("unit", UNITS.values(), ids=UNITS.keys())
def test_after_a_scan_the_core_settles_the_note_as_without_one(unit, situation):
    rig = SITUATIONS[situation](unit)
    port = BenchPort(rig.sim, is_frozen=True, start=rig.time.time())

    assert isinstance(looked(port), Found)
    rig.core.decides = lambda value: None
    rig.start_host()
    rig.settle()

    rig.check_books()
    assert rig.sim.truth.is_empty


def test_no_question_of_any_protocol_changes_what_a_registrar_holds():
    device = shtrih_simulator.Simulator(1000.0)
    device.advance(1000.0)
    port = BenchPort(device)
    port.set_up(PROBES["shtrih"].lines[0])
    before = copy.deepcopy(device.truth)

    for probe in PROBES.values():
        for line in probe.lines:
            port.set_up(line)
            carry_out(probe.program(port.now, line), port)

    assert device.truth == before
    assert set(device.commands) == {b"\xfc", b"\x11"}


def test_a_registrar_keeps_the_answer_that_nobody_fetched():
    device = shtrih_simulator.Simulator(1000.0)
    port = BenchPort(device, PROBES["shtrih"].lines[0])
    port.set_up(port.line)
    port.send(bytes((shtrih.ENQ,)))
    port.send(shtrih.frame(shtrih.drive_status(30).body))
    port.pause(500)
    held = device._answer
    assert held is not None

    found = looked(port)

    assert (found.protocol, found.model) == ("shtrih", "")
    assert "holds an answer" in found.remark
    assert device._answer == held


TAKES = {"ccnet": ccnet, "id003": id003, "ssp": ssp, "shtrih": shtrih}


def frames_in(protocol, data):
    """All whole frames that a device of this protocol would find in what it heard."""
    found = []
    while data:
        item, data = TAKES[protocol].take(data)
        if item is None:
            break
        if isinstance(item, TAKES[protocol].Frame):
            found.append(item)
    return found


@pytest.mark.parametrize("protocol", PROBES)
def test_what_a_protocol_asks_is_no_command_in_any_other(protocol):
    port = BenchPort(fresh(protocol))
    port.set_up(PROBES[protocol].lines[0])
    carry_out(PROBES[protocol].program(port.now, port.lines[0]), port)
    assert port.sent

    for other in set(PROBES) - {protocol}:
        assert frames_in(other, b"".join(port.sent)) == []
        for start in range(len(b"".join(port.sent))):
            assert frames_in(other, b"".join(port.sent)[start:]) == []
        if other == "shtrih":
            assert not [sent for sent in port.sent if sent[:1] == bytes((shtrih.ACK,))]


def test_only_questions_are_put():
    sent = set()
    for protocol in ("ccnet", "id003", "ssp"):
        port = BenchPort(fresh(protocol))
        looked(port)
        sent.update(port.sent)

    bodies = {item.body for data in sent for item in ccnet.take_last(data) if isinstance(item, ccnet.Frame)}
    assert bodies == {ccnet.IDENTIFICATION, ccnet.GET_BILL_TABLE}
    bodies = {item.body for data in sent for item in id003.take_last(data) if isinstance(item, id003.Frame)}
    assert bodies == {id003.VERSION_REQUEST, id003.CURRENCY_REQUEST}
    bodies = {item.data for data in sent for item in ssp.take_last(data) if isinstance(item, ssp.Frame)}
    assert bodies == {ssp.SYNC, ssp.SETUP_REQUEST, ssp.GET_SERIAL_NUMBER}


# --- what is no device ---------------------------------------------------------------------------------------


def test_silence_is_told_after_every_protocol_at_every_speed():
    tried, port = [], BenchPort(Silence())

    assert looked(port, tried.append) == Silent()

    assert len(tried) == len(port.lines) == sum(len(probe.lines) for probe in PROBES.values())
    assert "ID-003 9600 baud, 8E1" in tried
    assert port.now() - 1000.0 < 30


def test_a_loop_back_is_told_at_once():
    port = BenchPort(LoopBack())

    assert looked(port) == Echo()
    assert len(port.lines) == 1


@pytest.mark.parametrize("said", [b"OK\r\n", b"\x15", b"\x06", b"\xff" * 1000, bytes(range(256))])
def test_what_answers_in_no_known_protocol_is_shown(said):
    outcome = looked(BenchPort(Babbler(said)))

    assert outcome == Strange(LineSettings(9600), said[: scan.SHOWN_BYTES])


def test_a_device_among_noise_is_found_at_its_own_speed():
    class Noisy(Babbler):
        def __init__(self):
            super().__init__(b"\xfe\x80")
            self.inner = fresh("ssp")

        def receive(self, data, now):
            return self.inner.receive(data, now) if port.lines[-1].speed == 38400 else self.said

    port = BenchPort(Noisy())

    assert looked(port).line == LineSettings(38400, "N", 2)


def test_a_port_that_goes_away_is_told():
    class Pulled(BenchPort):
        def receive(self, timeout_ms):
            raise PortGone("/dev/ttyUSB0: the device hung up")

    assert looked(Pulled(Silence())) == Vanished("/dev/ttyUSB0: the device hung up")
