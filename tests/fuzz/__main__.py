"""`scripts/fuzz`: bytes that nobody would think of, for every parser of bytes from outside."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click
import msgspec
from msgspec import Struct
from rich.console import Console
from rich.table import Table

HERE = Path(__file__).parent
CORPORA = HERE / "corpora"
FIGURES = Path("build", "figures", "fuzz.json")
CRASHES = Path("build", "fuzz")
INPUT_MAX_S = 20
"""For one input, instrumented, on a busy machine; the slowest honest one takes 0.1 s."""
MEMORY_MAX_MB = 1024
"""Of the whole process; Arrow, lxml and Python's own modules are a third of it."""
START_MAX_S = 120
"""For loading, instrumenting and reading the corpus, and for an input that does not end."""
EXIT_ERROR = 1


class Figures(Struct, frozen=True):
    """What came of one target."""

    executions: int
    per_second: int
    seconds: float
    corpus: int
    """Inputs in the repository."""
    new: int
    """Inputs that went where no other had been, before they are minimized."""
    crashes: tuple[str, ...]
    """Files with what broke the law."""
    complaint: str = ""


def names() -> list[str]:
    sys.path.append(str(HERE.with_name("rigs")))
    from targets import TARGETS

    return list(TARGETS)


@click.command()
@click.argument("targets", nargs=-1, metavar="[TARGET]...")
@click.option("--seconds", default=60, show_default=True, help="How long each target runs.")
@click.option("--jobs", default=1, show_default=True, help="How many targets at once.")
@click.option("--keep", is_flag=True, help="Put what found new branches into tests/fuzz/corpora, minimized.")
@click.option("--replay", type=click.Path(exists=True, path_type=Path), help="Run TARGET on this file only.")
@click.option(
    "--seeds", is_flag=True, help="Write the real frames and files into the corpora, and fuzz nothing."
)
def fuzz(
    targets: tuple[str, ...], seconds: int, jobs: int, keep: bool, replay: Path | None, seeds: bool
) -> None:
    """Fuzz all targets, or these; exit code 1 when one breaks its law."""
    known = names()
    if unknown := set(targets) - set(known):
        raise click.UsageError(f"no such target: {', '.join(sorted(unknown))}; there are: {', '.join(known)}")
    chosen = list(targets) or known
    if replay is not None:
        _replay(chosen, replay)
    elif seeds:
        for name in chosen:
            _write_seeds(name)
    else:
        _fuzz(chosen, seconds, jobs, keep)


def _replay(chosen: list[str], file: Path) -> None:
    from targets import TARGETS

    if len(chosen) != 1:
        raise click.UsageError("--replay wants one TARGET")
    warnings.simplefilter("error")
    TARGETS[chosen[0]].run(file.read_bytes())
    click.echo(f"{chosen[0]}: {file} is within the law")


def _write_seeds(name: str) -> None:
    from targets import TARGETS

    folder = CORPORA / name
    folder.mkdir(parents=True, exist_ok=True)
    for seed in TARGETS[name].seeds():
        _keep(folder, seed[: TARGETS[name].size_max_bytes])


def _keep(folder: Path, content: bytes) -> None:
    (folder / hashlib.sha256(content).hexdigest()[:16]).write_bytes(content)


def _fuzz(chosen: list[str], seconds: int, jobs: int, keep: bool) -> None:
    CRASHES.mkdir(parents=True, exist_ok=True)
    found: dict[str, Figures] = {}
    with ThreadPoolExecutor(jobs) as pool:
        for name, figures in zip(
            chosen, pool.map(lambda name: _run(name, seconds, keep), chosen), strict=True
        ):
            found[name] = figures
            click.echo(f"{name}: {figures.executions} executions, {_verdict(figures)}", err=True)
    FIGURES.parent.mkdir(parents=True, exist_ok=True)
    FIGURES.write_bytes(msgspec.json.format(msgspec.json.encode(_earlier() | found)) + b"\n")
    Console().print(_table(found))
    for name, figures in found.items():
        for crash in figures.crashes:
            click.echo(f"{name} broke its law; see it again with: scripts/fuzz {name} --replay {crash}")
        if figures.complaint:
            click.echo(f"{name}: {figures.complaint}")
    if any(figures.crashes or figures.complaint for figures in found.values()):
        raise SystemExit(EXIT_ERROR)


def _earlier() -> dict[str, Figures]:
    """The figures of targets that do not run now stay as they were."""
    try:
        return msgspec.json.decode(FIGURES.read_bytes(), type=dict[str, Figures])
    except (FileNotFoundError, msgspec.DecodeError):
        return {}


def _verdict(figures: Figures) -> str:
    return "the law was broken" if figures.crashes or figures.complaint else "the law holds"


def _table(found: dict[str, Figures]) -> Table:
    table = Table("target", "executions", "a second", "corpus", "new", "crashes")
    for name, one in found.items():
        table.add_row(
            name, *map(str, (one.executions, one.per_second, one.corpus, one.new, len(one.crashes)))
        )
    table.add_row("all", str(sum(one.executions for one in found.values())), "", *_sums(found.values()))
    return table


def _sums(found: Iterable[Figures]) -> Iterator[str]:
    totals = [(one.corpus, one.new, len(one.crashes)) for one in found]
    yield from map(str, map(sum, zip(*totals, strict=True)))


def _run(name: str, seconds: int, keep: bool) -> Figures:
    """One target in its own process; what it found new goes into a folder that is thrown away, or kept minimized."""
    from targets import TARGETS

    target, corpus = TARGETS[name], CORPORA / name
    with tempfile.TemporaryDirectory(prefix="kassa-fuzz-") as folder:
        new, words = Path(folder, "new"), Path(folder, "words")
        new.mkdir()
        words.write_text("".join(f'"{_escaped(word)}"\n' for word in target.words), encoding="ascii")
        before = set(CRASHES.iterdir())
        command = [
            f"-max_total_time={seconds}", f"-max_len={target.size_max_bytes}", f"-artifact_prefix={CRASHES}/{name}-",
            *([f"-dict={words}"] if target.words else []), str(new), str(corpus),
        ]  # fmt: skip
        code, said, took_s = _drive(name, command, seconds)
        crashes = tuple(
            str(path) for path in sorted(set(CRASHES.iterdir()) - before) if path.name.startswith(f"{name}-")
        )
        figures = Figures(
            executions=_stat(said, "number_of_executed_units"),
            per_second=_stat(said, "average_exec_per_sec"),
            seconds=round(took_s, 1),
            corpus=len(list(corpus.iterdir())),
            new=len(list(new.iterdir())),
            crashes=crashes,
            complaint="" if code == 0 or crashes else f"the fuzzer ended with code {code}:\n{said[-2000:]}",
        )
        (CRASHES / f"{name}.log").write_text(said, encoding="utf-8")
        if keep and not crashes:
            _drive(name, ["-merge=1", f"-max_len={target.size_max_bytes}", str(corpus), str(new)], seconds)
    return figures


def _drive(name: str, arguments: list[str], seconds: int) -> tuple[int, str, float]:
    """Exit code, everything said, and how long it took."""
    command = [
        sys.executable, str(HERE / "drive.py"), name, f"-timeout={INPUT_MAX_S}", f"-rss_limit_mb={MEMORY_MAX_MB}",
        "-print_final_stats=1", *arguments,
    ]  # fmt: skip
    began = time.monotonic()
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds + START_MAX_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        return -1, f"it did not end within {error.timeout} s", time.monotonic() - began
    return done.returncode, done.stderr + done.stdout, time.monotonic() - began


def _stat(said: str, name: str) -> int:
    found = re.findall(rf"stat::{name}:\s+(\d+)", said)
    return int(found[-1]) if found else 0


def _escaped(word: bytes) -> str:
    return "".join(f"\\x{byte:02X}" for byte in word)


if __name__ == "__main__":
    fuzz()
