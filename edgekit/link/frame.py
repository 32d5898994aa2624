"""Frames on the wire: 0x00, COBS(body + CRC-32), 0x00.

Specified in docs/protocol.md; the C twin is firmware/protocol/ek_frame.c; both are held against
tests/vectors/frames.txt.
"""

from __future__ import annotations

import zlib

from cobs import cobs

from edgekit.errors import FrameError

HEADER_BYTES = 8
CRC_BYTES = 4

#: No frame is longer: what exceeds it is noise.
MAX_BODY_BYTES = HEADER_BYTES + 32768 + CRC_BYTES


def encode(body: bytes) -> bytes:
    """Wrap `body` (header and payload) for the wire, with the zeros before and after it."""
    encoded: bytes = cobs.encode(body + zlib.crc32(body).to_bytes(CRC_BYTES, "little"))
    return b"\0" + encoded + b"\0"


def decode(encoded: bytes) -> bytes:
    """Return the body of the one frame whose bytes between its zeros are `encoded`.

    Raises:
        FrameError: a COBS code, the length or the CRC is wrong.
    """
    try:
        whole: bytes = cobs.decode(encoded)
    except cobs.DecodeError as error:
        raise FrameError(f"bad COBS code in a frame of {len(encoded)} bytes: {error}") from error
    if not HEADER_BYTES + CRC_BYTES <= len(whole) <= MAX_BODY_BYTES:
        raise FrameError(f"a frame of {len(whole)} bytes is shorter or longer than any can be")
    body, sent = whole[:-CRC_BYTES], int.from_bytes(whole[-CRC_BYTES:], "little")
    if zlib.crc32(body) != sent:
        raise FrameError(f"the CRC of a frame of {len(whole)} bytes is wrong")
    return body


class FrameReader:
    """Finds frames in a stream; what lies between them is text."""

    def __init__(self) -> None:
        self._inside = False
        self._encoded = bytearray()
        self._text = bytearray()

    @property
    def text(self) -> bytes:
        """The last bytes (at most 256) that belonged to no frame."""
        return bytes(self._text)

    def feed(self, received: bytes) -> list[bytes | FrameError]:
        """Take bytes from the wire; return the bodies, or damages, of the frames that they end."""
        ended: list[bytes | FrameError] = []
        first, *rest = received.split(b"\0")
        self._take(first)
        for part in rest:
            self._end(ended)
            self._take(part)
        return ended

    def _take(self, part: bytes) -> None:
        if self._inside:
            # One byte more than COBS of the longest body can have is enough to be refused.
            room = MAX_BODY_BYTES + MAX_BODY_BYTES // 254 + 2 - len(self._encoded)
            self._encoded += part[: max(room, 0)]
        else:
            self._text += part
            del self._text[:-256]

    def _end(self, ended: list[bytes | FrameError]) -> None:
        """A zero came: outside it opens a frame. After a damaged frame it may be the next one's."""
        encoded, self._encoded = bytes(self._encoded), bytearray()
        if not self._inside or not encoded:
            self._inside = True
            return
        try:
            ended.append(decode(encoded))
            self._inside = False
        except FrameError as error:
            ended.append(error)
