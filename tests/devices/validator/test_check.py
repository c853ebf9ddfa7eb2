"""The guided test of a validator: what it finds with and without hands, and that it leaves the core's evidence alone."""

import random

import pytest
from bench_port import BenchPort, Silence
from validators import UNITS, Rig, ready

from devices.blocking import PortGone, carry_out
from devices.link import LineSettings
from devices.scan import probes
from devices.ssp.careful import CarefulSspDialect
from devices.validator import check as c
from devices.validator.check import Check, Ending, Prompt, Result, Step

PROBES = {probe.protocol: probe for probe in probes(30)}


def careful(unit):
    """The dialect that tests; as the workbench chooses it."""
    if unit.name == "ssp":
        return lambda now: CarefulSspDialect(now, random.Random(1).randrange)
    return unit.dialect


class Bench:
    """One validator, whoever had it before, and a technician who does what he is told to."""

    def __init__(self, unit, sim=None, start=1000.0, *, hands=True, note=True, cassette=True, **quirks):
        self.unit = unit
        self.sim = sim or unit.simulator(start, quirks=unit.quirks(**quirks))
        self.port = BenchPort(self.sim, start=start)
        self.port.set_up(LineSettings(9600))
        self.told, self.does = [], {}
        self.check = Check(
            careful(unit),
            lambda now: PROBES[unit.name].program(now, LineSettings(9600)),
            "RUB",
            ("RUS", "RUR", "RUB"),
            has_hands=hands,
            with_note=note,
            with_cassette=cassette,
        )

    def when_asked(self, words, hand, after_s=2.0):
        """What a hand does when it is asked for something with these words in it."""
        self.does[words] = (hand, after_s)

    def run(self):
        self.ending = carry_out(self.check.program(self.port.now), self.port, self._hear)
        return self.ending

    def _hear(self, told):
        self.told.append(told)
        for words, (hand, after_s) in self.does.items():
            if isinstance(told, Prompt) and words in told.text:
                self.port.at(after_s, hand)

    @property
    def steps(self):
        return {one.name: one for one in self.told if isinstance(one, Step)}

    @property
    def results(self):
        return {name: step.result for name, step in self.steps.items()}


@pytest.fixture(params=UNITS.values(), ids=UNITS.keys())
def unit(request):
    return request.param


def hands(bench, units=500):
    """Somebody who inserts a note, takes the cassette out and puts it in."""
    bench.when_asked("insert any note", lambda now: bench.sim.insert(units, now))
    bench.when_asked("take the cassette out", bench.sim.take_cassette_out)
    bench.when_asked("put the cassette in", bench.sim.put_cassette_in)
    return bench


def test_with_hands_every_step_is_done_and_the_note_is_back(unit):
    bench = hands(Bench(unit))

    assert bench.run() is Ending.DONE

    wanted = dict.fromkeys(("link", "identification", "bill table", "escrow", "cassette"), Result.OK)
    assert {name: result for name, result in bench.results.items() if name != "firmware"} == wanted
    assert "500.00 RUB" in bench.steps["escrow"].found
    assert (bench.sim.truth.returned, bench.sim.truth.cassette) == ([500], [])
    assert bench.sim.enabled == []


def test_without_hands_nobody_is_asked_for_anything(unit):
    bench = Bench(unit, hands=False)

    assert bench.run() is Ending.DONE

    assert not [one for one in bench.told if isinstance(one, Prompt)]
    assert bench.results["escrow"] is Result.SKIPPED
    assert bench.results["cassette"] is Result.OK
    assert Result.PROBLEM not in bench.results.values()


def test_steps_can_be_left_out(unit):
    bench = Bench(unit, note=False, cassette=False)

    assert bench.run() is Ending.DONE

    assert not [one for one in bench.told if isinstance(one, Prompt)]
    assert bench.results["escrow"] is Result.SKIPPED


def test_a_note_that_does_not_come_is_not_waited_for_forever_and_the_slot_is_closed(unit):
    bench = Bench(unit, cassette=False)

    assert bench.run() is Ending.DONE

    assert "no note came" in bench.steps["escrow"].found
    assert bench.sim.enabled == []


def test_a_note_that_comes_as_the_time_is_over_goes_back(unit):
    bench = Bench(unit, cassette=False)
    bench.when_asked("insert any note", lambda now: bench.sim.insert(500, now), c.NOTE_WAIT_S - 0.3)

    assert bench.run() is Ending.DONE

    assert (bench.sim.truth.returned, bench.sim.truth.cassette) == ([500], [])


def test_a_note_that_is_refused_is_said_so_and_another_one_may_come(unit):
    bench = Bench(unit, cassette=False)
    bench.when_asked("insert any note", lambda now: bench.sim.insert(33, now))
    bench.when_asked("refused", lambda now: bench.sim.insert(100, now))

    assert bench.run() is Ending.DONE

    assert "100.00 RUB" in bench.steps["escrow"].found
    assert bench.sim.truth.returned == [33, 100]


def test_a_unit_that_stacks_although_it_was_told_to_give_back_ends_the_test(unit):
    bench = Bench(unit, cassette=False)
    bench.when_asked("insert any note", lambda now: bench.sim.insert(500, now))
    bench.when_asked("insert any", lambda now: bench.sim.take_unasked(now), 2.9)

    assert bench.run() is Ending.NOTE_INSIDE

    bench.port.pause(5000)
    assert bench.results["escrow"] is Result.PROBLEM
    assert bench.sim.truth.cassette == [500]
    assert bench.sim.resets <= 1  # the one that it waited for at its power-up
    assert bench.sim.status.name in unit.money_states


def test_ctrl_c_closes_the_slot(unit):
    bench = Bench(unit)

    def interrupt(now):
        raise KeyboardInterrupt

    bench.when_asked("insert any note", interrupt)

    with pytest.raises(KeyboardInterrupt):
        bench.run()

    assert bench.sim.enabled == []


def test_a_cassette_that_is_out_is_a_problem_and_is_waited_for_with_hands(unit):
    without = Bench(unit, hands=False)
    without.sim.take_cassette_out(1000.0)
    assert without.run() is Ending.DONE
    assert without.results["cassette"] is Result.PROBLEM

    bench = Bench(unit)
    bench.sim.take_cassette_out(1000.0)
    bench.when_asked("put the cassette in", bench.sim.put_cassette_in)
    assert bench.run() is Ending.DONE
    assert bench.results["cassette"] is Result.OK
    assert bench.results["escrow"] is Result.SKIPPED


def test_a_cassette_that_does_not_come_back_is_a_problem(unit):
    bench = Bench(unit, note=False)
    bench.when_asked("take the cassette out", bench.sim.take_cassette_out)

    assert bench.run() is Ending.DONE

    assert bench.results["cassette"] is Result.PROBLEM


def test_a_jam_is_told_and_is_not_reset_away(unit):
    bench = Bench(unit)
    bench.run()
    before = bench.sim.resets
    bench.sim.jam(bench.port.now())

    again = Bench(unit, bench.sim, bench.port.now())
    assert again.run() is Ending.DONE

    assert "stuck" in again.steps["state"].found
    assert again.results["escrow"] is Result.SKIPPED
    assert again.sim.resets == before


def test_an_ssp_unit_that_tells_of_a_note_only_once_is_not_asked():
    bench = Bench(UNITS["ssp"], has_encryption=False)

    assert bench.run() is Ending.DONE

    assert bench.results["bill table"] is Result.OK
    assert bench.results["escrow"] is bench.results["cassette"] is Result.SKIPPED
    assert bench.sim.polls.count == 0

    bench = Bench(UNITS["ssp"], has_acks=False)
    assert bench.run() is Ending.DONE
    assert bench.sim.polls.count == 0


def test_a_port_that_goes_away_and_a_silent_device_are_told(unit):
    class Pulled(BenchPort):
        def receive(self, timeout_ms):
            raise PortGone("/dev/ttyUSB0: the device hung up")

    for port in (Pulled(Silence()), BenchPort(Silence())):
        bench = Bench(unit)
        bench.port = port
        port.set_up(LineSettings(9600))
        assert bench.run() is Ending.LOST
        assert bench.results == {"link": Result.PROBLEM}


# --- the core's evidence -----------------------------------------------------------------------------------------


def situations(unit):
    """What a core that died may have left, and whether the device says so; each makes a rig whose host is dead."""

    def at_escrow(rig):
        rig.core.decides = lambda value: None
        rig.insert(500)
        rig.wait_status("ESCROW")
        rig.time.run_for(0.3)

    def stacked(rig):
        rig.insert(500)
        rig.wait_status("STACKING")
        rig.kill_host()
        rig.time.run_for(3.0)

    def power(where):
        def cut(rig):
            rig.insert(500)
            rig.time.run_until(lambda: getattr(rig.sim.truth, where) is not None)
            rig.kill_host()
            rig.power_cycle()

        return cut

    return {"escrow": at_escrow, "stacked": stacked, "head": power("head"), "stacker": power("stacker")}


@pytest.mark.parametrize("situation", ["escrow", "stacked", "head", "stacker"])
def test_what_is_said_of_a_note_ends_the_test_and_is_there_for_the_core(unit, situation):
    rig = ready(Rig(unit))
    situations(unit)[situation](rig)
    rig.kill_host()
    resets = rig.sim.resets
    bench = hands(Bench(unit, rig.sim, rig.time.time()))

    ending = bench.run()
    rig.time.run_for(bench.port.now() - rig.time.time())
    assert ending is Ending.NOTE_INSIDE, bench.told
    assert rig.sim.resets == resets
    assert list(bench.results.values()) == [Result.PROBLEM]
    rig.core.decides = lambda value: None
    rig.wire.stir()
    rig.start_host()
    rig.settle()

    rig.check_books()
    assert rig.core.uncertain == []


@pytest.mark.parametrize("seed", range(60))
def test_a_check_at_any_moment_of_a_notes_way_loses_nothing(unit, seed):
    """A storm: a core dies anywhere, a technician checks at once, a core starts. The books agree with the cassette."""
    chance = random.Random(seed)
    drawn = unit.draw(chance)
    drawn["announces_after_reset"] = True
    rig = ready(Rig(unit, **drawn))
    rig.insert(500)
    rig.time.run_for(chance.random() * 3)
    rig.kill_host()
    if chance.random() < 0.3:
        rig.power_cycle()
    if rig.core.intent is None:
        bench = Bench(unit, rig.sim, rig.time.time(), hands=False)
        bench.run()
        rig.time.run_for(bench.port.now() - rig.time.time())
        rig.wire.stir()
    rig.start_host()
    rig.settle()

    rig.check_books()
