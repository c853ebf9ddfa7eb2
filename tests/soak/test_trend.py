"""A soak claims no more of memory than its samples know."""

from random import Random

import pytest
from trend import trend

MINUTE_S, HOUR_S = 60.0, 3600.0


def samples(hours, percent_an_hour, noise=0.0):
    chance = Random(1)
    return [
        (at, 40_000 * (1 + percent_an_hour / 100 * at / HOUR_S) + chance.uniform(-noise, noise))
        for at in (minute * MINUTE_S for minute in range(round(hours * 60)))
    ]


@pytest.mark.parametrize(
    ("hours", "percent_an_hour", "noise", "verdict"),
    [
        (1, 0.0, 0.0, "holds"),
        (3, 0.5, 20.0, "holds"),
        (1, 3.0, 50.0, "grows"),
        (1, 0.0, 3000.0, "not shown"),
        (0.4, 30.0, 0.0, "not shown"),
    ],
)
def test_the_verdict_is_as_sure_as_the_samples(hours, percent_an_hour, noise, verdict):
    found = trend(samples(hours, percent_an_hour, noise), Random(2))

    assert found.verdict(at_most=1.0) == verdict
    assert found.low <= percent_an_hour + 1e-6
    assert found.high >= percent_an_hour - 1e-6


def test_a_few_wild_samples_change_nothing():
    wild = samples(2, 0.2)
    for place in (10, 50, 51, 90):
        wild[place] = (wild[place][0], 90_000)

    assert trend(wild, Random(3)).percent_an_hour == pytest.approx(0.2, abs=0.05)


def test_too_few_samples_have_no_trend():
    assert trend(samples(0.1, 5.0), Random(4)) is None
