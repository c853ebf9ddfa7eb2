"""Every parser of bytes from outside, each with its law: a refusal in its own words, or a value that keeps its promises.

Nothing else may leave a parser, whatever comes in: no other exception, no endless work, no memory without a bound.
There is no HTTP in this version: a parser of it comes with its own target, here.
"""

from __future__ import annotations

import atol_lines
import device_lines
import escpos_lines
import messages
import operator_files
import recordings
import stored_files
import validator_lines
from pieces import Target

TARGETS: dict[str, Target] = {
    **atol_lines.TARGETS,
    **device_lines.TARGETS,
    **escpos_lines.TARGETS,
    **messages.TARGETS,
    **operator_files.TARGETS,
    **stored_files.TARGETS,
    **recordings.TARGETS,
    **validator_lines.TARGETS,
}
