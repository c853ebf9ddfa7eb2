"""What scripts/bench makes of its figures: bounds hold or not, and a ratio is better, the same or worse than it was."""

from pathlib import Path

import msgspec
import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "scripts" / "benchmarks"


@pytest.fixture
def bench(monkeypatch):
    """The modules of the benchmarks, found as the script finds them."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    import baseline
    import figures

    return figures, baseline


def test_a_bound_is_on_the_value_or_on_how_many_yardsticks_it_is(bench):
    figures, _ = bench
    figure = figures.Figure(part="p", name="n", value=3.0, unit="ms", yardstick=figures.Yardstick("y", 2.0))
    assert figure.ratio == 1.5
    assert figure.holds is None
    for bounds, holds in (
        ({"at_most": 3}, True),
        ({"at_most": 2.9}, False),
        ({"ratio_at_most": 1.5}, True),
        ({"ratio_at_most": 1.4}, False),
        ({"at_most": 3, "ratio_at_most": 1.4}, False),
    ):
        assert msgspec.structs.replace(figure, **bounds).holds is holds


def test_what_got_worse_by_more_than_its_tolerance_is_told(bench, monkeypatch, tmp_path):
    figures, baseline = bench
    monkeypatch.setattr(baseline, "FILE", tmp_path / "baseline.json")
    figure = figures.Figure(
        part="p", name="n", value=4.0, unit="ms", yardstick=figures.Yardstick("y", 2.0), tolerance=0.25
    )
    assert baseline.read() == {}
    assert baseline.compare(figure, baseline.read()) is baseline.Trend.NEW
    baseline.write([figure])

    known = baseline.read()
    for value, trend in ((4.0, "SAME"), (5.0, "SAME"), (5.1, "WORSE"), (3.3, "SAME"), (3.1, "BETTER")):
        now = msgspec.structs.replace(figure, value=value)
        assert baseline.compare(now, known) is baseline.Trend[trend], value
    other = msgspec.structs.replace(figure, yardstick=figures.Yardstick("z", 9.0))
    assert baseline.compare(other, known) is baseline.Trend.NEW
    assert baseline.compare(msgspec.structs.replace(figure, yardstick=None), known) is None


def test_what_was_not_measured_keeps_its_place_in_the_baseline(bench, monkeypatch, tmp_path):
    figures, baseline = bench
    monkeypatch.setattr(baseline, "FILE", tmp_path / "baseline.json")
    one, other = (
        figures.Figure(part="p", name=name, value=4.0, unit="ms", yardstick=figures.Yardstick("y", 2.0))
        for name in ("one", "other")
    )
    baseline.write([one])
    baseline.write([other])
    assert sorted(baseline.read()) == ["p: one", "p: other"]


def test_every_figure_of_the_committed_baseline_has_a_yardstick_and_a_tolerance(bench):
    _, baseline = bench
    known = baseline.read()
    assert known
    assert all(
        reached.ratio > 0 and reached.yardstick and reached.tolerance > 0 for reached in known.values()
    )
