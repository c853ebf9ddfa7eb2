"""What every command gets."""

from __future__ import annotations

from dataclasses import dataclass

import click

from kassa.home import Home


@dataclass
class Context:
    """The terminal's home, chosen by --home, $KASSA_HOME or the state folder."""

    home: Home


pass_context = click.make_pass_decorator(Context)
