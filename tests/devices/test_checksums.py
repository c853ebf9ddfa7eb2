"""Checksums of the device protocols against their published check values."""

from hypothesis import given
from hypothesis import strategies as st

from devices.checksums import crc16_kermit, crc16_ssp, lrc


def slow_crc(data):
    """As CCNET's specification writes it: bit by bit."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0x8408 if crc & 1 else crc >> 1
    return crc


def slow_ssp_crc(data):
    """As SSP's manual describes it: bit by bit, forward, from 0xFFFF."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x8005 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc


def test_the_crcs_have_their_published_check_values():
    assert crc16_kermit(b"123456789") == 0x2189
    assert crc16_ssp(b"123456789") == 0xAEE7


@given(st.binary(max_size=300))
def test_the_tables_compute_what_the_specifications_say(data):
    assert crc16_kermit(data) == slow_crc(data)
    assert crc16_ssp(data) == slow_ssp_crc(data)


@given(st.binary(max_size=300))
def test_the_crc_over_a_frame_with_its_crc_is_zero(data):
    assert crc16_kermit(data + crc16_kermit(data).to_bytes(2, "little")) == 0


@given(st.binary(max_size=300))
def test_the_lrc_over_a_frame_with_its_lrc_is_zero(data):
    assert lrc(data + bytes((lrc(data),))) == 0
