"""Netstrings (`LENGTH:BYTES,`) as Icinga 2 frames its messages. Owns framing alone, knows nothing of JSON."""

from __future__ import annotations

LENGTH_DIGITS = 9  # Icinga 2 refuses a longer length


class NetstringError(ValueError):
    """The peer's bytes are no netstring; the stream cannot be read on after it."""


def encode(payload: bytes) -> bytes:
    """Frame one message."""
    return b"%d:%b," % (len(payload), payload)


class Decoder:
    """Cuts a stream of bytes into messages, whatever pieces it arrives in.

    A message longer than max_bytes is refused as soon as its length has been read, so a peer can make us hold
    at most max_bytes and a header. After an error the decoder stays unusable: the next border is lost.
    """

    def __init__(self, max_bytes: int = 1024 * 1024) -> None:
        self.max_bytes = max_bytes
        self._buffer = bytearray()
        self._need = 0  # bytes that the message at the front is known to take, header and comma included
        self._broken = ""

    @property
    def buffered_bytes(self) -> int:
        """Bytes of the message that has not arrived whole."""
        return len(self._buffer)

    def feed(self, data: bytes) -> list[bytes]:
        """Take bytes and return the messages that they complete, in order.

        Raises NetstringError; messages before the bad bytes in the same piece are lost with the connection.
        """
        if self._broken:
            raise NetstringError(self._broken)
        buffer = self._buffer
        buffer += data
        if len(buffer) < self._need:
            return []
        messages: list[bytes] = []
        position = 0
        try:
            while (header := self._header(position)) is not None:
                start, length = header
                end = start + length
                if end >= len(buffer):
                    self._need = end + 1 - position
                    break
                if buffer[end] != 0x2C:
                    found = bytes(buffer[end : end + 1])
                    raise NetstringError(f"a comma should follow the {length} bytes of a message, not {found!r}")
                messages.append(bytes(buffer[start:end]))
                position = end + 1
                self._need = 0
        except NetstringError as error:
            self._broken = str(error)
            buffer.clear()
            raise
        del buffer[:position]
        return messages

    def _header(self, position: int) -> tuple[int, int] | None:
        """Where the payload at position starts and how long it is; None while the length is not complete."""
        buffer = self._buffer
        colon = buffer.find(b":", position, position + LENGTH_DIGITS + 1)
        digits = bytes(buffer[position : colon if colon >= 0 else position + LENGTH_DIGITS + 1])
        if digits and not (digits.isascii() and digits.isdigit()):
            raise NetstringError(f"a message should begin with its length, not {digits[:LENGTH_DIGITS]!r}")
        if len(digits) > 1 and digits[0] == 0x30:
            raise NetstringError("the length of a message has a leading zero")
        if len(digits) > LENGTH_DIGITS:
            raise NetstringError(f"the length of a message has more than {LENGTH_DIGITS} digits")
        if digits and int(digits) > self.max_bytes:
            raise NetstringError(f"a message of {int(digits)} bytes exceeds the limit of {self.max_bytes}")
        if colon < 0:
            return None
        if not digits:
            raise NetstringError("a message has no length before its colon")
        return colon + 1, int(digits)
