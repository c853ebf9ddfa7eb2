"""What a collector would find in a simulated bill validator, whatever its electronics believe."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

RETURNED_MAX = 1000
"""How many returned notes are remembered; nobody counts further back."""


@dataclass
class Mechanics:
    """Where the notes are, in whole units. All of it outlives power and process."""

    cassette: list[int] = field(default_factory=list)
    """Oldest first: what a collector would count."""
    head: int | None = None
    """A note that the customer could still get back."""
    stacker: int | None = None
    """A note past the gate: it ends in the cassette."""
    returned: list[int] = field(default_factory=list)
    """Notes that customers have back, the latest last."""
    cassette_is_in: bool = True
    jam: bool = False
    stacked: int = 0
    """The electronics' own count of notes that fell, in a memory that needs no power."""

    def draw_in(self, value: int) -> None:
        """The motor takes a note out of the customer's hand."""
        assert self.is_empty
        self.head = value

    def pass_gate(self) -> None:
        """From here there is no way back to the customer."""
        assert self.head is not None
        self.head, self.stacker = None, self.head

    def drop(self) -> int:
        """The note falls into the cassette."""
        assert self.stacker is not None
        assert self.cassette_is_in
        value, self.stacker = self.stacker, None
        self.cassette.append(value)
        self.stacked += 1
        return value

    def push_out(self) -> int:
        """The customer has the note back."""
        assert self.head is not None
        value, self.head = self.head, None
        self.returned.append(value)
        del self.returned[:-RETURNED_MAX]
        return value

    @property
    def is_empty(self) -> bool:
        """Whether no note is on its way."""
        return self.head is None and self.stacker is None

    def count(self) -> dict[str, Any]:
        """The truth for people and tests; `total` like all money in JSON is a string with two decimals."""
        by_value = Counter(self.cassette)
        return {
            "cassette": {str(value): by_value[value] for value in sorted(by_value)},
            "total": f"{sum(self.cassette)}.00",
            "notes": len(self.cassette),
            "head": self.head,
            "stacker": self.stacker,
            "returned": list(self.returned),
            "cassette_is_in": self.cassette_is_in,
            "jam": self.jam,
        }
