"""The worker's door: `python -m importers --home DIR --profile NAME FILE`, one file in, one line of JSON out.

Exit code 0: imported; 2: refused, the report says why; 75: not now, the machine has no room or another import is at
work; 1: our own fault.
"""

from __future__ import annotations

import os

# Before Arrow is loaded: its own allocators reserve address space by the gigabyte, which the limit below counts.
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")

import argparse
import fcntl
import resource
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pyarrow as pa

from importers.job import Job, NotNowError, means_disk_full, no_room
from importers.profile import find_profile
from importers.report import prune_reports
from importers.words import Language, say
from kassa import config
from kassa.errors import KassaError
from kassa.home import Home
from kassa.importing import EXIT_FAULT, EXIT_IMPORTED, EXIT_NOT_NOW, EXIT_REFUSED

NICENESS = 15
"""The customer's screen and the devices come first."""

ADDRESS_SPACE_BYTES = 2 << 30
"""A million rows of eight columns need 0.9 GB of addresses (measured), a third of it in real memory."""

CPU_SECONDS = 300
"""A million rows take 3 s, as XML 30 s; a file that needs more is an attack."""

LOCK_WAIT_S = 60.0
"""For another worker to end: one import at a time, whoever started it."""

LOCK_LOOK_S = 0.1


def main(arguments: list[str]) -> int:
    """Import one file as the command line says; gives the exit code."""
    options = _parse(arguments)
    _limit_ourselves()
    home = Home(Path(options.home).absolute())
    language: Language = "en"
    try:
        home.make()
        settings = config.load(home.config)
        language = settings.terminal.language
        profile = find_profile(home, options.profile)
        own_reports = home.logs / "imports"
        reports = Path(options.report).absolute() if options.report else own_reports
        path = Path(options.file).absolute()
        with _alone(home, language):
            outcome = Job(home, settings, profile, path, reports, check_only=options.check).run()
        if reports == own_reports:
            prune_reports(own_reports)
    except NotNowError as error:
        print(error, file=sys.stderr)
        return EXIT_NOT_NOW
    except KassaError as error:
        print(error, file=sys.stderr)
        return EXIT_FAULT
    except MemoryError:
        print(
            f"the file needs more memory than the importer may take ({ADDRESS_SPACE_BYTES >> 20} MB)",
            file=sys.stderr,
        )
        return EXIT_FAULT
    except Exception as error:  # noqa: BLE001 - a process ends here: its caller needs a code and a sentence
        if means_disk_full(error):
            print(no_room(language, home), file=sys.stderr)
            return EXIT_NOT_NOW
        traceback.print_exc()
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return EXIT_FAULT
    print(msgspec.json.encode(outcome).decode())
    return EXIT_IMPORTED if outcome.status == "imported" else EXIT_REFUSED


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m importers", description="Import one subscriber file.")
    parser.add_argument("--home", required=True, help="the terminal's folder")
    parser.add_argument("--profile", required=True, help="how the file is laid out")
    parser.add_argument("--report", help="folder for the report; default logs/imports below the home")
    parser.add_argument("--check", action="store_true", help="read and judge only, change nothing")
    parser.add_argument("file")
    return parser.parse_args(arguments)


def _limit_ourselves() -> None:
    """A file of somebody else may cost so much and not more."""
    os.nice(max(0, NICENESS - os.nice(0)))
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE_BYTES, ADDRESS_SPACE_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)


@contextmanager
def _alone(home: Home, language: Language) -> Iterator[None]:
    """Hold the import lock; the kernel gives it back when we die."""
    with (home.run / "import.lock").open("wb") as lock:
        deadline = time.monotonic() + LOCK_WAIT_S
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise NotNowError(say(language, "busy")) from None
                time.sleep(LOCK_LOOK_S)
        yield


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
