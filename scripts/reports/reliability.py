"""What the rigs counted, as the tables of docs/reliability.md: every figure comes from a file in build/figures."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

ROOT = Path(__file__).resolve().parent.parent.parent
FIGURES = ROOT / "build" / "figures"
PAGE = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- figures -->", "<!-- /figures -->"
SIMULATED = {
    "storm": "everything fails",
    "atol": "everything fails, the registrar is one of ATOL's",
    "crashes": "only the computer, its disk and its cables fail",
    "fair": "nothing fails",
}


def main() -> None:
    """Put the tables between the two marks of the page."""
    before, found, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, closed, after = rest.partition(END)
    if not found or not closed:
        sys.exit(f"{PAGE} has no place for figures: {BEGIN} ... {END}")
    tables = "\n".join(_tables())
    PAGE.write_text(f"{before}{BEGIN}\n{tables}\n{END}{after}", encoding="utf-8")


def _tables() -> Iterator[str]:
    commit = subprocess.run(
        ["git", "-C", ROOT, "rev-parse", "--short", "HEAD"], check=True, capture_output=True, text=True
    )
    yield f"\nMade by `scripts/reliability-report` at commit {commit.stdout.strip()}.\n"
    lives = {kind: _read(kind) for kind in SIMULATED}
    yield from _simulated({kind: one for kind, one in lives.items() if one})
    yield from _other_rigs()


def _read(name: str) -> Any:
    path = FIGURES / f"{name}.json"
    return msgspec.json.decode(path.read_bytes()) if path.exists() else None


def _simulated(lives: dict[str, Any]) -> Iterator[str]:
    yield "| simulated | seeds | payments | notes | power cuts | kills | disk failures | in doubt, marked | of those not in the box | lost | double |"
    yield "|---|---|---|---|---|---|---|---|---|---|---|"
    for kind, one in lives.items():
        seeds = f"{one['first_seed']} to {one['last_seed']}"
        counts = [
            one[name] for name in ("payments", "notes", "cuts", "kills", "failures", "uncertain", "in_vain")
        ]
        broken = "0 | 0" if not one["failed"] else f"{one['failed']} seeds broke a promise | see above"
        yield f"| {SIMULATED[kind]} | {seeds} | {' | '.join(f'{count:,}' for count in counts)} | {broken} |"
    yield (
        "\nA note in doubt is credited and marked. Where it is not in the box, a validator without evidence had given it back"
        "\nin silence: the customer has both, and the collector sees which note is missing."
    )
    faults: dict[str, int] = {}
    for one in lives.values():
        for fault, times in one["faults"].items():
            faults[fault] = faults.get(fault, 0) + times
    yield "\n| fault | times | notes lost | notes credited twice |"
    yield "|---|---|---|---|"
    broken = any(one["failed"] for one in lives.values())
    for fault, times in sorted(faults.items(), key=lambda item: -item[1]):
        yield f"| {fault} | {times:,} | {'see above' if broken else 0} | {'see above' if broken else 0} |"


def _other_rigs() -> Iterator[str]:
    yield "\n| rig | command | figure |"
    yield "|---|---|---|"
    if fuzz := _read("fuzz"):
        runs = sum(one["executions"] for one in fuzz.values())
        crashes = sum(len(one["crashes"]) for one in fuzz.values())
        yield f"| fuzz | `scripts/fuzz` | {len(fuzz)} parsers, {runs:,} inputs, {crashes} crashes |"
    if mutation := _read("mutation"):
        total = mutation["total"]
        untried = f"; {total['untried']:,} were not tried" if total["untried"] else ""
        tried = f"{total['percent']} % of {total['mutants']:,} mutants are noticed{untried}"
        yield f"| mutation | `scripts/mutation` | {tried} |"
    if planted := _read("planted"):
        found = sum(one is not None for one in planted.values())
        yield f"| planted bugs | `pytest tests/simulation/test_planted.py` | {found} of {len(planted)} found |"
    if recorder := _read("recorder"):
        said = ", ".join(
            f"{name.replace('_', ' ')} {value:,}"
            for name, value in recorder.items()
            if isinstance(value, int)
        )
        yield f"| syscall recorder | `pytest tests/recorder` | {said} |"
    if soak := _read("soak"):
        yield f"| soak | `scripts/soak` | {soak.get('verdict', 'see build/figures/soak.json')} |"


if __name__ == "__main__":
    main()
