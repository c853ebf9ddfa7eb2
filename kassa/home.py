"""Where a terminal keeps all it has: one folder, the home; and where the package keeps its shared data."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from kassa.errors import KassaError


@dataclass(frozen=True)
class Home:
    """The folder of one terminal; every path in it has its name here and nowhere else."""

    path: Path

    @property
    def config(self) -> Path:
        """`kassa.toml`."""
        return self.path / "kassa.toml"

    @property
    def staff(self) -> Path:
        """Who works here, and the hashes of their PINs."""
        return self.path / "staff.json"

    @property
    def inbox(self) -> Path:
        """Where a clerk drops subscriber files, unless the configuration names other folders."""
        return self.path / "inbox"

    @property
    def outbox(self) -> Path:
        """Where payment files appear."""
        return self.path / "outbox"

    @property
    def snapshots(self) -> Path:
        """Finished subscriber stores; `current` is the one in use."""
        return self.path / "snapshots"

    @property
    def journal(self) -> Path:
        """The journal's database file."""
        return self.path / "journal" / "journal.db"

    @property
    def ballast(self) -> Path:
        """Room that is given up when the disk is full."""
        return self.path / "journal" / "ballast"

    @property
    def quarantine(self) -> Path:
        """Refused files, each with its report."""
        return self.path / "quarantine"

    @property
    def logs(self) -> Path:
        """Log files."""
        return self.path / "logs"

    @property
    def flight(self) -> Path:
        """What passed on the devices' lines: a ring file of each, and copies of each payment's time."""
        return self.path / "flight"

    def flight_ring(self, device: str) -> Path:
        """The ring file of one device."""
        return self.flight / f"{device}.ring"

    @property
    def flight_payments(self) -> Path:
        """The kept copies."""
        return self.flight / "payments"

    def flight_of(self, payment: str, device: str) -> Path:
        """The copy of what passed on one device's line during a payment."""
        return self.flight_payments / f"{payment}.{device}"

    @property
    def run(self) -> Path:
        """What lives only while the core runs: socket, locks, spool."""
        return self.path / "run"

    @property
    def socket(self) -> Path:
        """The control socket."""
        return self.run / "control.sock"

    @property
    def core_lock(self) -> Path:
        """Held by the core while it lives: two cores never share a journal."""
        return self.run / "core.lock"

    def make(self) -> None:
        """Create every folder that is missing, closed to other users."""
        for folder in (
            self.path, self.inbox, self.outbox, self.snapshots, self.journal.parent, self.quarantine,
            self.logs, self.flight, self.flight_payments, self.run,
        ):  # fmt: skip
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def default_home() -> Path:
    """`$KASSA_HOME`, else the XDG state folder."""
    if chosen := os.environ.get("KASSA_HOME"):
        return Path(chosen)
    state = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(state) / "kassa"


def data_folder() -> Path:
    """The shared data (fonts, locales, profiles, examples): beside the packages in a checkout, else installed."""
    beside = Path(__file__).resolve().parent.parent / "data"
    installed = Path(sys.prefix) / "share" / "kassa"
    for folder in (beside, installed):
        if (folder / "assets").is_dir():
            return folder
    raise KassaError(f"the data folder is missing: looked for {beside} and {installed}; install kassa again")
