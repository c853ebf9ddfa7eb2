"""How a simulated registrar differs from the book, and what may stand in its way."""

from __future__ import annotations

from dataclasses import dataclass, field

from devices.shtrih import errors
from devices.shtrih import protocol as p
from devices.shtrih.protocol import Mode
from kassa.errors import KassaError


@dataclass
class Quirks:
    """How this unit differs from the book. Numbers of things still to go wrong count themselves down."""

    password: int = 30
    short_status_bytes: int = 17
    acks_while_executing: bool = True
    """Answer ENQ during a command's work; else stay silent."""
    ff_before_control: bool = False
    """USB models put FF before a control byte."""
    answers_operator: bool = True
    """E0 tells the operator's number."""
    prints_at_once: bool = False
    """Print a receipt's lines as they come; else all of it at its end."""
    keeps_open_document: bool = True
    """Through a power cut; else it is cancelled at power-up."""
    finishes_after_s: float | None = None
    """So long after power-up a receipt is in the archive that was being closed when the power went; None: it is not."""
    opens_receipt_itself: bool = False
    """At the first item, when none is open."""
    is_registered_as_agent: bool = True
    """Else what an agent's item says is refused."""
    refused_tags: frozenset[int] = frozenset()
    """Tags that this firmware does not take from a host."""
    corrections_are_receipts: bool = False
    """Keep corrections of formats 1.1 and 1.2 under the form of receipts."""
    counts_corrections: bool = True
    """In the registers, too."""
    has_blank_registers: bool = False
    """Its registers of money have never been written to: all their bits are set."""
    has_tables: bool = True
    """Tell and change settings; else refuse that."""
    has_text_documents: bool = True
    zeroes_seconds: bool = False
    """Whenever the clock is set."""
    takes_tags: bool = True
    keeps_tags: bool = True
    """Tell the tags of old documents; else they are gone, as after 30 days."""
    told_tag_bytes: int = 0xFFFF
    """After so many the block that follows is missing, whatever size was announced."""
    name_characters_max: int = p.NAME_CHARACTERS_MAX
    """Longer names are cut, on paper and in the archive."""
    takes_lines: bool = True
    has_sensors: bool = True
    opens_shift_itself: bool = True
    """When a receipt is opened while the shift is closed."""
    slow: dict[bytes, float] = field(default_factory=dict)
    """Seconds that a command takes, by its code."""
    refusals: dict[bytes, list[int]] = field(default_factory=dict)
    """Errors still to be given to a command, by its code."""
    lost_commands: int = 0
    """So many frames never arrive."""
    lost_acks: int = 0
    """So many frames arrive, and the host does not hear that."""
    lost_answers: int = 0
    """So many answers get lost on the wire; the registrar still holds them."""
    forgotten_answers: int = 0
    """So many answers get lost, and the registrar forgets them."""
    forgets_after_record: int = 0
    """The same, but only answers that tell of a new fiscal document."""
    damaged_answers: int = 0
    doubled_items: int = 0
    """So many operations are entered twice."""
    noise: bytes = b""
    """Comes before every frame."""


@dataclass
class Faults:
    """What stands in the way until a hand takes it away."""

    mode: Mode | None = None
    """A mode that only a technician ends."""
    drive: int | None = None
    """The error the fiscal drive gives to all that makes a document."""
    drive_warnings: int = 0
    """Bits of FF01 besides those that the drive's age sets."""
    busy_until: float = 0.0
    loses_ofd: bool = False


class Refusal(KassaError):
    """The answer is an error."""

    def __init__(self, code: int) -> None:
        super().__init__(f"the registrar refuses: {errors.meaning(code).english} ({code:02X}h)")
        self.code = code
