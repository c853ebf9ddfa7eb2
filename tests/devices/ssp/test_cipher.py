"""eSSP keys and sealed packets: the published vectors byte for byte, and what nobody may get past a seal."""

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given
from hypothesis import strategies as st

from devices.checksums import crc16_ssp
from devices.ssp import cipher as c
from devices.ssp import protocol as p
from devices.ssp.cipher import BadSeal, OutOfStep
from devices.ssp.protocol import Frame

ZEROS = bytes(c.PADDING_MAX)
PUBLISHED_KEY = bytes.fromhex("67 45 23 01 67 45 23 01 95 65 00 00 00 00 00 00")
KEY = bytes.fromhex("67 45 23 01 67 45 23 01 90 54 00 00 00 00 00 00")
EXCHANGED = [
    (1, 0, p.POLL, "7F 80 11 7E 95 29 A2 A0 A1 E3 77 88 51 8F 8A 2E F0 A1 AD 20 94 36"),
    (1, 1, b"\xf0\xef\x03", "7F 80 11 7E EA B4 7F 7F D9 B7 16 98 E6 CA E4 02 E1 3F E7 63 2F 36 5B"),
    (0, 1, p.EVENT_ACK, "7F 00 11 7E 85 CB F9 44 91 77 98 BC E4 43 48 7B 39 25 ED 49 83 8C"),
    (1, 2, p.POLL_WITH_ACK, "7F 80 11 7E B1 DF 78 87 9C 09 8C 84 F5 92 F9 1C 93 40 3B 34 01 40"),
]
PLAIN = [
    (PUBLISHED_KEY, 1, "F0 00 4A 78 B4", "", "05 01 00 00 00 F0 00 4A 78 B4 A1 6C 6C D3 1B 6F"),
    (PUBLISHED_KEY, 7, "F0 C6", "", "02 07 00 00 00 F0 C6 BA B3 78 19 66 EF 04 06 F4"),
    (KEY, 0, "07", "", "01 00 00 00 00 07 00 00 00 00 00 00 00 00 A1 C7"),
    (KEY, 1, "F0 EF 03", "", "03 01 00 00 00 F0 EF 03 00 00 00 00 00 00 7A DA"),
]

keys = st.binary(min_size=c.KEY_BYTES, max_size=c.KEY_BYTES)
counts = st.integers(0, c.COUNT_MAX)
payloads = st.binary(max_size=c.PAYLOAD_MAX)
paddings = st.binary(min_size=c.PADDING_MAX, max_size=c.PADDING_MAX)


def sealed_block(key, block):
    """A block as it stands, right or wrong, under a key."""
    encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    return b"\x7e" + encryptor.update(block) + encryptor.finalize()


def opened_block(key, data):
    decryptor = Cipher(algorithms.AES(key), modes.ECB()).decryptor()
    return decryptor.update(data[1:]) + decryptor.finalize()


def test_the_fixed_key_stands_low_byte_first():
    assert c.shared_key(c.FIXED_KEY, 0)[:8] == bytes.fromhex("67 45 23 01 67 45 23 01")


def test_both_sides_find_the_same_key():
    generator, modulus, host, device = 64007, 53777, 12345, 23456

    from_host = c.intermediate(generator, host, modulus)
    from_device = c.intermediate(generator, device, modulus)

    assert (from_host, from_device) == (44895, 51908)
    assert c.negotiated(from_device, host, modulus) == 21648
    assert c.negotiated(from_host, device, modulus) == 21648
    assert c.shared_key(c.FIXED_KEY, 21648) == KEY


@pytest.mark.parametrize(("sequence", "count", "payload", "wire"), EXCHANGED)
def test_a_sealed_packet_has_the_computed_frame(sequence, count, payload, wire):
    data = c.seal(KEY, count, payload, ZEROS)

    assert p.encode(Frame(p.VALIDATOR, sequence, data)) == bytes.fromhex(wire)
    assert p.take(bytes.fromhex(wire)) == (Frame(p.VALIDATOR, sequence, data), b"")
    assert c.open_(KEY, count, data) == payload


def test_the_published_packet_is_opened():
    item, _ = p.take(bytes.fromhex("7F 00 11 7E 70 2F FE 1D 41 19 44 AD DA D1 DF D6 77 F5 33 CC 63 1D"))
    assert opened_block(PUBLISHED_KEY, item.data).hex(" ").upper() == PLAIN[0][-1]
    assert c.open_(PUBLISHED_KEY, 1, item.data) == bytes.fromhex("F0 00 4A 78 B4")


@pytest.mark.parametrize(("key", "count", "payload", "_", "block"), PLAIN)
def test_a_packet_holds_the_published_block(key, count, payload, _, block):
    payload, block = bytes.fromhex(payload), bytes.fromhex(block)
    padding = block[5 + len(payload) : -2]

    data = c.seal(key, count, payload, padding)

    assert opened_block(key, data) == block
    assert c.open_(key, count, data) == payload


@given(keys, counts, payloads, paddings)
def test_what_was_sealed_can_be_opened(key, count, payload, padding):
    data = c.seal(key, count, payload, padding)
    assert p.is_sealed(data)
    assert len(data) % c.BLOCK_BYTES == 1
    assert len(data) <= p.DATA_MAX
    assert c.open_(key, count, data) == payload


@given(
    keys,
    counts,
    st.binary(max_size=p.DATA_MAX) | st.binary(max_size=p.DATA_MAX - 1).map(lambda b: b"\x7e" + b),
)
def test_nothing_but_its_own_errors_comes_of_any_bytes(key, count, data):
    try:
        payload = c.open_(key, count, data)
    except (BadSeal, OutOfStep):
        return
    assert len(payload) <= c.PAYLOAD_MAX


@given(counts, counts, payloads)
def test_a_packet_whose_turn_it_is_not_is_not_opened(sent, due, payload):
    data = c.seal(KEY, sent, payload, ZEROS)
    if sent == due:
        assert c.open_(KEY, due, data) == payload
        return
    with pytest.raises(OutOfStep, match=f"packet {sent} came where packet {due} is due") as caught:
        c.open_(KEY, due, data)
    assert caught.value.found == sent


@given(payloads, st.data())
def test_a_flipped_bit_opens_to_nothing_that_was_not_sealed(payload, data):
    sealed = bytearray(c.seal(KEY, 5, payload, ZEROS))
    bit = data.draw(st.integers(8, len(sealed) * 8 - 1))
    sealed[bit // 8] ^= 1 << bit % 8
    block = opened_block(KEY, bytes(sealed))
    if int.from_bytes(block[-2:], "little") == crc16_ssp(block[:-2]):
        return  # one in 65536: that much and no more a CRC can do
    with pytest.raises(BadSeal):
        c.open_(KEY, 5, bytes(sealed))


def test_another_key_does_not_open_it():
    with pytest.raises(BadSeal, match="another key"):
        c.open_(PUBLISHED_KEY, 0, c.seal(KEY, 0, p.POLL, ZEROS))


def test_a_wrong_key_is_told_from_a_wrong_count():
    with pytest.raises(BadSeal):
        c.open_(PUBLISHED_KEY, 3, c.seal(KEY, 0, p.POLL, ZEROS))


def test_a_length_that_the_packet_cannot_hold_is_no_payload():
    for length in (10, 255):
        block = bytes((length, 0, 0, 0, 0)) + bytes(9)
        block += crc16_ssp(block).to_bytes(2, "little")
        with pytest.raises(BadSeal):
            c.open_(KEY, 0, sealed_block(KEY, block))


@pytest.mark.parametrize("data", [b"", b"\x7e", b"\xfa", b"\x7e" + bytes(15), b"\x7e" + bytes(17), bytes(17)])
def test_what_is_no_packet_is_not_opened(data):
    with pytest.raises(BadSeal, match="no sealed packet"):
        c.open_(KEY, 0, data)


def test_the_longest_payload_fills_its_frame():
    data = c.seal(KEY, 0, bytes(c.PAYLOAD_MAX), b"")
    assert len(data) == 1 + c.SEALED_MAX
    assert c.open_(KEY, 0, data) == bytes(c.PAYLOAD_MAX)


def test_no_error_tells_the_key():
    with pytest.raises(BadSeal) as caught:
        c.open_(PUBLISHED_KEY, 0, c.seal(KEY, 0, p.POLL, ZEROS))
    assert PUBLISHED_KEY.hex() not in str(caught.value).replace(" ", "").lower()


# --- primes ---------------------------------------------------------------------------------------------------


def test_small_numbers_are_told_as_a_sieve_tells_them():
    limit = 10_000
    sieve = set(range(2, limit))
    for number in range(2, 100):
        sieve -= set(range(number * number, limit, number))
    assert {number for number in range(limit) if c.is_prime(number)} == sieve


@pytest.mark.parametrize(
    "prime", [64007, 53777, 980715347, 981177467, 982451653, 1287821, c.PRIME_MAX, 2**61 - 1, 2**64 - 59]
)
def test_the_primes_that_are_in_use_are_primes(prime):
    assert c.is_prime(prime)


@pytest.mark.parametrize(
    "number",
    [
        *(0, 1, 561, 2047, 1373653, 25326001, 3215031751, 2152302898747, 3474749660383, 341550071728321),
        *(3825123056546413051, 65537 * 65539, 4294967291 * 4294967279, 2**64 - 1),
    ],
)
def test_numbers_that_fool_weaker_tests_are_no_primes(number):
    assert not c.is_prime(number)


@given(st.integers(2, c.PRIME_MAX))
def test_a_prime_is_found_from_every_number_on(number):
    prime = c.prime_from(number)
    assert number <= prime <= c.PRIME_MAX
    assert c.is_prime(prime)


@given(
    st.integers(2, c.PRIME_MAX).map(c.prime_from),
    st.integers(2, c.PRIME_MAX).map(c.prime_from),
    st.integers(1, 2**64 - 1),
    st.integers(1, 2**64 - 1),
)
def test_whatever_the_secrets_both_sides_find_the_same_number(generator, modulus, host, device):
    told = c.intermediate(generator, device, modulus)
    answered = c.intermediate(generator, host, modulus)
    assert c.negotiated(told, host, modulus) == c.negotiated(answered, device, modulus) < modulus
