"""What docs/reliability.md promises is there."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
TEST = re.compile(r"`(tests/[a-z0-9_/]+\.py)::(test_[a-z0-9_]+)`")
ROW = re.compile(r"^\| (\d+) \| .* \| (.*) \|$", re.MULTILINE)
SCENARIOS = 44


def test_every_test_that_the_page_names_exists():
    named = set(TEST.findall(PAGE))

    missing = {
        (path, name)
        for path, name in named
        if not (ROOT / path).exists() or f"def {name}(" not in (ROOT / path).read_text(encoding="utf-8")
    }

    assert len(named) > SCENARIOS
    assert not missing


def test_every_scenario_has_a_test_or_says_where_it_will_come_from():
    rows = {int(number): shown for number, shown in ROW.findall(PAGE)}

    assert sorted(rows) == list(range(1, SCENARIOS + 1))
    assert not [number for number, shown in rows.items() if not TEST.search(shown) and "open: " not in shown]
