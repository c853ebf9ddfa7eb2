"""How a PIN comes from a person: typed where nobody sees it, never as an argument, which every process list shows."""

from __future__ import annotations

import sys

import click

LINE_MAX_CHARS = 64


def read_pin(prompt: str, *, is_new: bool = False) -> str:
    """Asked for at the terminal, twice where it is new; else the next line of stdin."""
    if sys.stdin.isatty():
        typed: str = click.prompt(prompt, hide_input=True, confirmation_prompt=is_new, err=True)
        return typed.strip()
    return sys.stdin.readline(LINE_MAX_CHARS).strip()
