"""Commands and their answers on the line to one SSP validator, from the host's side: one at a time, sealed when it can be.

A command that got no answer is sent again, the very same bytes: the device knows it by its sequence bit and repeats its
answer instead of carrying the command out twice. So a command is not given up before the link is.

Source: Innovative Technology, "SSP Interface Protocol" (GA138): sequence bit, retransmission, key exchange; times are the
host's own choice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from devices.link import LinkLost
from devices.ssp import cipher
from devices.ssp import protocol as p
from devices.ssp.protocol import Frame, Reply, Response
from devices.steps import Program, Time, disclose, flush, send, sleep
from devices.validator.listening import ADVICE, ECHO, Listener

ANSWER_MS = 500
"""To the last byte; documented is one second, and a repetition costs nothing but the time."""
RETRY_PAUSE_MS = 50
RESTART_S = 20.0
"""After a reset the device is gone for so long at most."""
RESTART_LOOK_MS = 1000
SECRET_MAX = 2**31 - 1
ADVICE_ABOUT_KEY = "see validator.fixed_key in kassa.toml, and switch the validator off and on"
"""A device that is offended by a packet of another key says nothing more, not even why."""
ADVICE_AFTER_SYNC = "it is there, but obeys no command: switch the validator off and on"

Draw = Callable[[int], int]
"""A random number from 0 to less than the argument."""


@dataclass(slots=True)
class _Keys:
    """What both sides share; `count` is that of the next packet, whoever sends it."""

    key: bytes
    count: int = 0


class Exchange:
    """The line during one life of the link. `draw` makes the numbers that a listener must not guess."""

    def __init__(self, now: Time, fixed_key: int, draw: Draw) -> None:
        self._now, self._fixed_key, self._draw = now, fixed_key, draw
        self._listener = Listener(now)
        self._sequence = 1
        self._keys: _Keys | None = None

    @property
    def is_sealed(self) -> bool:
        """Whether commands and answers are encrypted now."""
        return self._keys is not None

    def synchronise(self) -> Program[None]:
        """Begin anew, without keys: the next command has sequence 0."""
        self._keys = None
        self._sequence = 1
        yield from self.ask(p.SYNC)
        self._sequence = 0

    def exchange_keys(self) -> Program[bool]:
        """Agree on a new key; False when this device has no encryption."""
        generator = cipher.prime_from(2 + self._draw(cipher.PRIME_MAX - 1))
        modulus = cipher.prime_from(2 + self._draw(cipher.PRIME_MAX - 1))
        secret = 1 + self._draw(SECRET_MAX)
        told = cipher.intermediate(generator, secret, modulus)
        for command in (p.set_generator(generator), p.set_modulus(modulus)):
            reply = yield from self.ask(command)
            if reply.response is not Response.OK:
                return False
        reply = yield from self.ask(p.request_key_exchange(told))
        if reply.response is not Response.OK:
            return False
        try:
            number = p.decode_number(reply.data)
        except p.Garbled as error:
            raise LinkLost(f"the validator's half of the key cannot be used: {error}") from error
        negotiated = cipher.negotiated(number, secret, modulus)
        self._keys = _Keys(cipher.shared_key(self._fixed_key, negotiated))
        self._listener.advice = ADVICE_ABOUT_KEY
        return True

    def ask(self, command: bytes) -> Program[Reply]:
        """Send a command until it is answered. Raises LinkLost when it is not, and when the device has lost its key."""
        data = self._wrapped(command)
        if self._keys is not None:
            yield from disclose(command, is_ours=True)
        frame = p.encode(Frame(p.VALIDATOR, self._sequence, data))
        while True:
            said = yield from self._converse(frame)
            self._listener.watch_silence(said is not None)
            told = None if said is None else self._unwrapped(said)
            if told is not None:
                break
            yield from sleep(RETRY_PAUSE_MS)
        reply = p.decode_reply(told)
        if told is not said:
            yield from disclose(told, is_ours=False)
        self._sequence ^= 1
        if self._keys is not None:
            self._keys.count += 2
        self._listener.advice = ADVICE_AFTER_SYNC if command == p.SYNC else ADVICE
        if reply.response is Response.KEY_NOT_SET and self._keys is not None:
            raise LinkLost("the validator has lost its key, as after a power cut; keys are exchanged anew")
        return reply

    def restart(self) -> Program[None]:
        """RESET, and wait until the device is back; whoever asks next must synchronise."""
        yield from self.ask(p.RESET)
        self._keys = None
        give_up = self._now() + RESTART_S
        frame = p.encode(Frame(p.VALIDATOR, 1, p.SYNC))
        self._sequence = 1
        while self._now() < give_up:
            yield from sleep(RESTART_LOOK_MS)
            if (yield from self._converse(frame)) is not None:
                break
        self._listener.watch_silence(True)

    def _wrapped(self, command: bytes) -> bytes:
        if self._keys is None:
            return command
        padding = self._draw(1 << 8 * cipher.PADDING_MAX).to_bytes(cipher.PADDING_MAX)
        return cipher.seal(self._keys.key, self._keys.count, command, padding)

    def _unwrapped(self, data: bytes) -> bytes | None:
        """What the answer says; None when it cannot be the answer to this command."""
        if not p.is_sealed(data):
            return data
        if self._keys is None:
            return None
        try:
            return cipher.open_(self._keys.key, self._keys.count + 1, data)
        except (cipher.BadSeal, cipher.OutOfStep):
            return None

    def _converse(self, frame: bytes) -> Program[bytes | None]:
        """Send a frame; the data of the answer under its own sequence bit, or None."""

        def read(buffer: bytes) -> tuple[list[bytes], bool]:
            items = p.take_last(buffer)
            frames = [item for item in items if isinstance(item, Frame) and item.address == p.VALIDATOR]
            if any(p.encode(one) == frame for one in frames):
                raise LinkLost(ECHO)
            found = [one for one in reversed(frames) if one.sequence == self._sequence]
            return [one.data for one in found], bool(found) and items[-1] == found[0]

        yield from flush()
        yield from send(frame)
        said, _ = yield from self._listener.collect(read, ANSWER_MS)
        return said
