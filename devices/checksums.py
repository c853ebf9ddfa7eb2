"""Checksums of the device protocols."""

from __future__ import annotations

from binascii import crc_hqx
from functools import reduce
from operator import xor

_REFLECTED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
"""Each byte with its bits in the other order."""


def _ssp_row(byte: int) -> int:
    crc = byte << 8
    for _ in range(8):
        crc = crc << 1 ^ (0x18005 if crc & 0x8000 else 0)
    return crc


_SSP_TABLE = tuple(map(_ssp_row, range(256)))
"""What each byte does to the CRC; Python has no 0x8005 in C."""


def crc16_kermit(data: bytes) -> int:
    """CRC-16/KERMIT as CCNET uses it: polynomial 0x1021 reflected, start 0; `123456789` gives 0x2189.

    Over a frame with its own CRC (low byte first) behind it, the result is 0.
    """
    # It is CRC-16/XMODEM, which Python has in C, seen in a mirror.
    mirrored = crc_hqx(data.translate(_REFLECTED), 0)
    return _REFLECTED[mirrored & 0xFF] << 8 | _REFLECTED[mirrored >> 8]


def crc16_ssp(data: bytes) -> int:
    """CRC-16/CMS as SSP uses it: polynomial 0x8005 not reflected, start 0xFFFF; `123456789` gives 0xAEE7."""
    crc = 0xFFFF
    for byte in data:
        crc = (crc << 8 & 0xFF00) ^ _SSP_TABLE[crc >> 8 ^ byte]
    return crc


def lrc(data: bytes) -> int:
    """XOR of all bytes, as Shtrih-M closes its frames."""
    return reduce(xor, data, 0)
