"""What passes on a line, for one who only listens: text, and frames by their meaning.

A frame begins and ends with a zero byte, and its second byte is never a printable one: it is the
status of a good reply or a request, 0, which COBS turns into 1 or 2 before it, or the message has
its highest bit set. So text is known as such at once, also after a stray zero.
"""

from __future__ import annotations

from dataclasses import dataclass

from edgekit.errors import FrameError, LinkError
from edgekit.link.frame import HEADER_BYTES, MAX_BODY_BYTES, decode
from edgekit.link.messages import REPLY, Header, Hello, Message, Status

_PRINTABLE = frozenset(b"\t\n\r\x1b") | frozenset(range(0x20, 0x7F))
_LONGEST_BYTES = MAX_BODY_BYTES + MAX_BODY_BYTES // 254 + 2


@dataclass(frozen=True, slots=True)
class HeardFrame:
    """One frame that passed, or the remains of one."""

    content: bytes  # its body; of damaged ones the bytes as they came
    damaged: bool = False

    def __str__(self) -> str:
        """As in "HELLO reply, 128 bytes"."""
        size = f"{len(self.content):,} bytes"
        if self.damaged:
            return f"damaged, {size}"
        header = Header.parse(self.content)
        names = {message.value: message.name for message in Message}
        number = header.message & ~REPLY
        what = names.get(number, f"message {number}")
        if not header.message & REPLY:
            return f"{what} request, {size}"
        statuses = {status.value: status.name for status in Status}
        status = statuses.get(header.status, f"status {header.status}")
        return f"{what} reply, {'' if status == 'OK' else status + ', '}{size}"

    @property
    def hello(self) -> Hello | None:
        """What a board says of itself, if this frame is it saying so."""
        if self.damaged:
            return None
        header = Header.parse(self.content)
        if header.message != Message.HELLO | REPLY or header.status != Status.OK:
            return None
        try:
            return Hello.parse(self.content[HEADER_BYTES:])
        except LinkError:
            return None


class Listener:
    """Tells text from frames in a stream of bytes."""

    def __init__(self) -> None:
        self._encoded: bytearray | None = None  # since the zero that may have begun a frame

    def feed(self, received: bytes) -> list[bytes | HeardFrame]:
        """Take bytes; return what they were, in order: text as bytes."""
        heard: list[bytes | HeardFrame] = []
        first, *rest = received.split(b"\0")
        self._take(first, heard)
        for part in rest:
            self._zero(heard)
            self._take(part, heard)
        return heard

    def flush(self) -> list[bytes | HeardFrame]:
        """Nothing came for a while: what has begun is no frame that will end."""
        encoded, self._encoded = self._encoded, None
        return [_remains(bytes(encoded))] if encoded else []

    def _take(self, part: bytes, heard: list[bytes | HeardFrame]) -> None:
        if not part:
            return
        if self._encoded is None:
            heard.append(part)
            return
        self._encoded += part
        is_text = len(self._encoded) > 1 and set(self._encoded[:2]) <= _PRINTABLE
        if is_text or len(self._encoded) > _LONGEST_BYTES:
            heard += self.flush()

    def _zero(self, heard: list[bytes | HeardFrame]) -> None:
        """A zero came: after a damaged frame it may be the one that begins the next."""
        encoded, self._encoded = self._encoded, bytearray()
        if not encoded:
            return
        try:
            heard.append(HeardFrame(decode(bytes(encoded))))
            self._encoded = None
        except FrameError:
            heard.append(_remains(bytes(encoded)))


def _remains(encoded: bytes) -> bytes | HeardFrame:
    printable = sum(byte in _PRINTABLE for byte in encoded)
    return encoded if 4 * printable >= 3 * len(encoded) else HeardFrame(encoded, damaged=True)
