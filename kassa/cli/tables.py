"""Tables for people, whatever stands in them."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

PIPED_WIDTH = 200
"""Where there is no screen whose width could be asked for."""


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows under their columns. A cell is text, never a command to the console."""
    from rich import box
    from rich.console import Console  # slow to load, and no machine needs it
    from rich.table import Table

    table = Table(*columns, box=box.SIMPLE_HEAD)
    for row in rows:
        table.add_row(*row)
    width = None if sys.stdout.isatty() else PIPED_WIDTH
    Console(markup=False, emoji=False, highlight=False, width=width).print(table)
