"""eSSP: the key exchange, and packets sealed with its key. No I/O, no clock; chance comes in as an argument.

Source: Innovative Technology, "SSP Interface Protocol" (GA138): encryption layer, encryption keys. It keeps a listener
from reading and from forging on the line, and no more: the fixed half of the key is the same in every device that left
the factory, and numbers of 31 bits are no obstacle to one who wants the other half.
"""

from __future__ import annotations

from functools import lru_cache

from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext, algorithms, modes

from devices.checksums import crc16_ssp
from devices.ssp.protocol import DATA_MAX, NUMBER_BYTES, STEX, is_sealed
from kassa.errors import KassaError

KEY_BYTES = 2 * NUMBER_BYTES
COUNT_MAX = 2**32 - 1
"""Packets of one key; at ten a second they last for thirteen years."""
BLOCK_BYTES = 16
KEYS_KEPT = 8
"""A link has one at a time; a test bench has both ends of some."""
_HEAD, _CRC = 5, 2
"""Length 1 and count 4 before the payload, the checksum behind its padding."""
PADDING_MAX = BLOCK_BYTES - 1
SEALED_MAX = (DATA_MAX - 1) // BLOCK_BYTES * BLOCK_BYTES
PAYLOAD_MAX = SEALED_MAX - _HEAD - _CRC


class BadSeal(KassaError):
    """A packet was not sealed with this key, or is none at all.

    A device takes it for an attack and is out of service until its reset; a host exchanges keys anew.
    """


class OutOfStep(KassaError):
    """A packet of this key, but not the one whose turn it is: a repetition, or one was lost. It is not to be used."""

    def __init__(self, found: int, due: int) -> None:
        super().__init__(f"packet {found} came where packet {due} is due; the keys must be exchanged anew")
        self.found = found


def seal(key: bytes, count: int, payload: bytes, padding: bytes) -> bytes:
    """The data of a frame that says `payload`. Of `padding`, PADDING_MAX random bytes, it takes as many as it needs.

    A packet that must be sent again is the same packet: the bytes are kept, not sealed once more.
    """
    assert 0 <= count <= COUNT_MAX, count
    assert len(payload) <= PAYLOAD_MAX, len(payload)
    missing = -(_HEAD + len(payload) + _CRC) % BLOCK_BYTES
    assert len(padding) >= missing, len(padding)
    plain = bytes((len(payload),)) + count.to_bytes(4, "little") + payload + padding[:missing]
    return bytes((STEX,)) + _encryptor(key).update(plain + crc16_ssp(plain).to_bytes(_CRC, "little"))


def open_(key: bytes, count: int, data: bytes) -> bytes:
    """The payload of a sealed packet, whose turn is `count`.

    Raises BadSeal when this key does not open it, and then OutOfStep when it has another count.
    """
    size = len(data) - 1
    if not is_sealed(data) or size % BLOCK_BYTES or not BLOCK_BYTES <= size <= SEALED_MAX:
        raise BadSeal(
            f"{len(data)} bytes are no sealed packet; one is 7E and 1 to {SEALED_MAX // BLOCK_BYTES} blocks of 16"
        )
    plain = _decryptor(key).update(data[1:])
    length, found = plain[0], int.from_bytes(plain[1:_HEAD], "little")
    is_whole = int.from_bytes(plain[-_CRC:], "little") == crc16_ssp(plain[:-_CRC])
    if not is_whole or length > size - _HEAD - _CRC:
        raise BadSeal("a packet was sealed with another key; the keys must be exchanged anew")
    if found != count:
        raise OutOfStep(found, count)
    return plain[_HEAD : _HEAD + length]


@lru_cache(KEYS_KEPT)
def _encryptor(key: bytes) -> CipherContext:
    """For all packets of a key: whole blocks leave nothing behind in it."""
    return _cipher(key).encryptor()


@lru_cache(KEYS_KEPT)
def _decryptor(key: bytes) -> CipherContext:
    return _cipher(key).decryptor()


def _cipher(key: bytes) -> Cipher[modes.ECB]:
    assert len(key) == KEY_BYTES, len(key)
    return Cipher(algorithms.AES(key), modes.ECB())


# --- the key exchange -----------------------------------------------------------------------------------------

FIXED_KEY = 0x0123456701234567
"""The fixed half as devices leave the factory."""
PRIME_MAX = 2**31 - 1
"""A prime itself. The maker's library stays below it, so no device is asked for more."""

_WITNESSES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37)
"""With these Miller and Rabin's test is a proof up to 3.3 * 10**24, hence for 64 bits (Sorenson, Webster)."""


def shared_key(fixed: int, negotiated: int) -> bytes:
    """The AES key of a link: the fixed half, then the negotiated one."""
    return fixed.to_bytes(NUMBER_BYTES, "little") + negotiated.to_bytes(NUMBER_BYTES, "little")


def intermediate(generator: int, secret: int, modulus: int) -> int:
    """What one side tells the other of its secret."""
    return pow(generator, secret, modulus)


def negotiated(told: int, secret: int, modulus: int) -> int:
    """What both sides know now: each from its own secret and from what the other told."""
    return pow(told, secret, modulus)


def prime_from(number: int) -> int:
    """The first prime from `number` on: a generator or a modulus out of a random number of 2 to PRIME_MAX."""
    assert 2 <= number <= PRIME_MAX, number
    return next(one for one in range(number, PRIME_MAX + 1) if is_prime(one))


def is_prime(number: int) -> bool:
    """Whether a number of at most 64 bits is a prime, as a device asks of generator and modulus."""
    assert 0 <= number < 2**64, number
    if number < 2 or any(number % one == 0 for one in _WITNESSES):
        return number in _WITNESSES
    odd = number - 1
    twos = (odd & -odd).bit_length() - 1
    odd >>= twos
    return all(_passes(number, odd, twos, witness) for witness in _WITNESSES)


def _passes(number: int, odd: int, twos: int, witness: int) -> bool:
    """Miller and Rabin: `number` is odd << twos, plus 1."""
    power = pow(witness, odd, number)
    if power in (1, number - 1):
        return True
    for _ in range(twos - 1):
        power = power * power % number
        if power == number - 1:
            return True
    return False
