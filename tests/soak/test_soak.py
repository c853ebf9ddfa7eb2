"""The soak's own machinery, for half a minute: what it would say after a night is worth something only if it can see."""

import os
import subprocess
import sys

import pytest
import soak
import watching
from vitals import look_at

SPEED = 8.0


@pytest.fixture
def hurried(monkeypatch):
    """Something happens in every visit, and soon."""
    monkeypatch.setattr(soak, "TROUBLE_CHANCE", 1.0)
    monkeypatch.setattr(soak, "ERRAND_CHANCE", 1.0)
    monkeypatch.setattr(soak, "TROUBLE_WITHIN_S", 1.5)
    monkeypatch.setattr(soak, "STORM_SHARE", 1.0)
    monkeypatch.setattr(
        soak, "SETTINGS", (("idle_timeout_s = 90", "idle_timeout_s = 3"), ("thanks_s = 15", "thanks_s = 1"))
    )


def test_through_troubles_of_all_kinds_the_promises_hold_and_nothing_leaks(hurried, tmp_path):
    told = []

    found = soak.Soak(tmp_path / "terminal", 90, 0.3, told.append, SPEED).run()

    assert found.failures == [], told
    assert min(found.visits.values()) >= 1
    assert sum(found.troubles.values()) >= 2 * sum(found.visits.values())
    assert found.payments == found.documents
    assert found.payments >= 1
    assert found.polls > 0


def test_what_a_process_holds_more_than_at_its_first_rests_is_told_once(monkeypatch):
    monkeypatch.setattr(watching, "SETTLE_MAX_S", 0.1)
    leaky = "import sys; kept = []; print(flush=True)\nfor line in sys.stdin: kept.append(open('/dev/zero')); print(flush=True)"
    complaints = []
    with subprocess.Popen(
        [sys.executable, "-c", leaky], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        process.stdout.readline()
        watched = watching.Watched("core", lambda: process.pid, complaints.append)
        for _ in range(watching.LEVEL_RESTS):
            watched.look()
        for _ in range(2):
            process.stdin.write("leak\n")
            process.stdin.flush()
            process.stdout.readline()
            watched.look()
        process.stdin.close()

    assert complaints == ["core holds more descriptors than at its first rests: 1 x dev/"]


def test_a_process_is_looked_at_as_the_kernel_sees_it():
    before = look_at(os.getpid())
    with open("/dev/zero", "rb"):
        during = look_at(os.getpid())

    assert during.descriptors - before.descriptors == {"dev/": 1}
    assert during.rss_kb >= during.pss_kb >= during.own_kb > 1000
    assert during.threads >= 1
