"""Checksums of the device protocols."""

from __future__ import annotations

from functools import reduce
from operator import xor


def _kermit_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0x8408 if crc & 1 else crc >> 1
        table.append(crc)
    return tuple(table)


_KERMIT = _kermit_table()


def crc16_kermit(data: bytes) -> int:
    """CRC-16/KERMIT as CCNET uses it: polynomial 0x1021 reflected, start 0; `123456789` gives 0x2189.

    Over a frame with its own CRC (low byte first) behind it, the result is 0.
    """
    crc = 0
    for byte in data:
        crc = (crc >> 8) ^ _KERMIT[(crc ^ byte) & 0xFF]
    return crc


def lrc(data: bytes) -> int:
    """XOR of all bytes, as Shtrih-M closes its frames."""
    return reduce(xor, data, 0)
