"""What outlives the power of a simulated device: notes, documents, paper. A file keeps it through the process's end."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import msgspec

from kassa.errors import KassaError
from kassa.files import write_durably
from kassa.untrusted import read_json

T = TypeVar("T")


def load(file: Path, truth: type[T]) -> T:
    """Read what `save` wrote, a new one where there is nothing yet. Raises KassaError when it cannot be read."""
    try:
        return read_json(msgspec.json.Decoder(truth), file.read_bytes())
    except FileNotFoundError:
        return truth()
    except (OSError, msgspec.DecodeError) as error:
        raise KassaError(f"{file} is no state of this simulated device; delete it: {error}") from error


def save(truth: object, file: Path) -> None:
    """Write it so that a power cut of the real machine cannot change it."""
    with write_durably(file) as written:
        written.write(msgspec.json.encode(truth))
