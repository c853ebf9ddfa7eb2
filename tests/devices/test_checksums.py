"""Checksums of the device protocols against their published check values."""

from hypothesis import given
from hypothesis import strategies as st

from devices.checksums import crc16_kermit, lrc


def slow_crc(data):
    """As the specification writes it: bit by bit."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0x8408 if crc & 1 else crc >> 1
    return crc


def test_the_crc_has_the_published_check_value():
    assert crc16_kermit(b"123456789") == 0x2189


@given(st.binary(max_size=300))
def test_the_table_computes_what_the_specification_says(data):
    assert crc16_kermit(data) == slow_crc(data)


@given(st.binary(max_size=300))
def test_the_crc_over_a_frame_with_its_crc_is_zero(data):
    assert crc16_kermit(data + crc16_kermit(data).to_bytes(2, "little")) == 0


@given(st.binary(max_size=300))
def test_the_lrc_over_a_frame_with_its_lrc_is_zero(data):
    assert lrc(data + bytes((lrc(data),))) == 0
