"""What the core and the library's process say to each other: read, or refused in words."""

import pytest

from devices.atol.lines import BadLine, read_answered, read_said


@pytest.mark.parametrize(
    "line",
    [b"", b"[]", b'{"id":"x"}', b'{"id":1,"task":{"type":"\xff"},"result":{"type":"\xff"}}', b"[" * 5000],
)
def test_a_line_of_somebody_else_is_refused_in_words(line):
    for read in (read_said, read_answered):
        with pytest.raises(BadLine, match="no line of the "):
            read(line)
