"""Checksums of the device protocols."""

from __future__ import annotations

from binascii import crc_hqx
from functools import reduce
from operator import xor

_REFLECTED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
"""Each byte with its bits in the other order."""


def crc16_kermit(data: bytes) -> int:
    """CRC-16/KERMIT as CCNET uses it: polynomial 0x1021 reflected, start 0; `123456789` gives 0x2189.

    Over a frame with its own CRC (low byte first) behind it, the result is 0.
    """
    # It is CRC-16/XMODEM, which Python has in C, seen in a mirror.
    mirrored = crc_hqx(data.translate(_REFLECTED), 0)
    return _REFLECTED[mirrored & 0xFF] << 8 | _REFLECTED[mirrored >> 8]


def lrc(data: bytes) -> int:
    """XOR of all bytes, as Shtrih-M closes its frames."""
    return reduce(xor, data, 0)
