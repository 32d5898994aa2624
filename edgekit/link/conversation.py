"""Requests and replies over a transport that may lose or damage any byte.

Every request may be sent again: the board repeats its last reply instead of running twice. What is
returned is the reply to this request, of this session, whole; all else is an error that says why.
"""

from __future__ import annotations

import secrets
import time

from edgekit import boot_messages
from edgekit.errors import DeviceError, FrameError, LinkError, LinkTimeoutError, ProtocolError
from edgekit.link.frame import HEADER_BYTES, FrameReader, encode
from edgekit.link.messages import (
    REPLY,
    VERSION,
    Header,
    Hello,
    Message,
    Status,
    device_error,
    version_error,
)
from edgekit.link.transport import Transport

_READ_BYTES = 4096
_QUIET_S = 0.05  # how long to go on listening after a damaged frame before asking again
_HEARD_BYTES = 2048  # of what came since the request: a boot loop's last rounds
_RESET_TEXT = b"rst:0x"  # an ESP32's ROM says so at each start
_FLASH_IT = "flash the board with edgekit's firmware, and check the baud rate"
_START_S = 2.0  # from there until its firmware answers


class Conversation:
    """One session with one board."""

    def __init__(
        self,
        transport: Transport,
        *,
        timeout_s: float,
        run_timeout_s: float,
        attempts: int,
        min_bytes_per_s: float,
    ) -> None:
        self._transport = transport
        self._timeout_s, self._run_timeout_s = timeout_s, run_timeout_s
        self._attempts, self._min_bytes_per_s = attempts, min_bytes_per_s
        self._reader = FrameReader()
        self._reply_bytes = 256  # of the longest reply, until HELLO says it
        self._session = self._sequence = 0
        self._damage: str | None = None
        self._heard = bytearray()  # since the request, frames and all
        self._noticed = False  # that the model runs

    def begin(self) -> Hello:
        """Begin a new session: the board forgets inputs and outputs of the one before."""
        self._session = 1 + secrets.randbelow(0xFFFF_FFFF)
        self._sequence = secrets.randbelow(0x1_0000)
        hello = Hello.parse(self.request(Message.HELLO, bytes([VERSION])))
        self._reply_bytes = hello.max_payload_bytes
        return hello

    def request(self, message: Message, payload: bytes = b"", *, runs: bool = False) -> bytes:
        """Return the payload of the reply. `runs`: the model runs in between, however long.

        Raises:
            LinkTimeoutError: no whole reply came, however often it was asked for.
            FrameError: replies came, and all were damaged.
            ProtocolError: the reply has no meaning here.
            DeviceError: the board refused.
        """
        status, reply = self.exchange(message, payload, runs=runs)
        if status == Status.VERSION:
            raise version_error(reply)
        if status == Status.SESSION and (finding := self._finding()) is not None:
            raise DeviceError(
                f"the board restarted during {message.name}: {finding}",
                status=status,
                hint=finding.advice or "begin again",
            )
        if status != Status.OK:
            raise device_error(message, status, reply)
        return reply

    def exchange(
        self, message: Message, payload: bytes = b"", *, runs: bool = False
    ) -> tuple[int, bytes]:
        """Return status and payload of the reply, whatever the status."""
        self._sequence = (self._sequence + 1) & 0xFFFF
        asked = Header(message, 0, self._sequence, self._session)
        frame = encode(asked.pack() + payload)
        travel_s = (len(frame) + self._reply_bytes) / self._min_bytes_per_s
        self._damage, self._noticed = None, False
        self._heard.clear()
        for attempt in range(1, self._attempts + 1):
            self._transport.write(frame)
            # The notice that the model runs may be lost, so the last wait is as long as a run's;
            # if it came, that long has been waited already.
            longest = runs and attempt == self._attempts and not self._noticed
            patience_s = self._run_timeout_s if longest else self._timeout_s
            reply = self._wait(asked, travel_s + patience_s, runs)
            if reply is not None:
                return reply
        raise self._no_reply(message)

    def _wait(self, asked: Header, patience_s: float, runs: bool) -> tuple[int, bytes] | None:
        """Listen for the reply to `asked`; None when it is time to ask again."""
        deadline = time.monotonic() + patience_s
        while (left_s := deadline - time.monotonic()) > 0:
            received = self._transport.read(_READ_BYTES, left_s)
            if not received:
                return None
            self._heard += received
            del self._heard[:-_HEARD_BYTES]
            for event in self._reader.feed(received):
                reply = self._meaning(asked, event)
                if isinstance(reply, tuple):
                    return reply
                if reply is Status.BUSY:
                    self._noticed = True
                    deadline = time.monotonic() + (self._run_timeout_s if runs else patience_s)
                elif reply is Status.DAMAGED:
                    deadline = min(deadline, time.monotonic() + _QUIET_S)
            if _RESET_TEXT in self._heard:  # what was asked is forgotten, so no run is to wait for
                deadline = min(deadline, time.monotonic() + _START_S)
        return None

    def _meaning(self, asked: Header, event: bytes | FrameError) -> tuple[int, bytes] | Status:
        """Return the reply if `event` is one; BUSY or DAMAGED if it is such; OK if it is stale."""
        if isinstance(event, FrameError):
            self._damage = f"the last one: {event}"
            return Status.DAMAGED
        header, payload = Header.parse(event), event[HEADER_BYTES:]
        if header.message == REPLY and header.status == Status.DAMAGED:
            self._damage = "the board received damaged frames"
            return Status.DAMAGED
        if (header.session, header.sequence) != (asked.session, asked.sequence):
            return Status.OK
        if header.message != asked.message | REPLY:
            raise ProtocolError(
                f"message {header.message:#04x} came in reply to {Message(asked.message).name}",
                hint="check that one program only talks to the board, then try again",
            )
        return Status.BUSY if header.status == Status.BUSY else (header.status, payload)

    def _no_reply(self, message: Message) -> LinkError:
        asked = f"asked {self._attempts} times for {message.name}"
        if (finding := self._finding()) is not None:
            return LinkTimeoutError(
                f"{asked}, and the board does not answer: {finding}",
                hint=finding.advice or _hint_for(finding),
            )
        if self._damage is not None:
            return FrameError(
                f"{asked}, and frames arrived damaged ({self._damage})",
                hint="check the cable and the baud rate, or use a slower baud rate",
            )
        if text := _printable(self._reader.text):
            return LinkTimeoutError(
                f"{asked}, and the board answered no frame but text that ends: {text}",
                hint=_FLASH_IT,
            )
        return LinkTimeoutError(
            f"{asked}, and the board stayed silent",
            hint="check port, cable and baud rate, and that edgekit's firmware is on the board",
        )

    def _finding(self) -> boot_messages.Finding | None:
        """What an ESP32 said of why it does not answer."""
        text = self._heard.decode("ascii", errors="replace")
        found = [f for f in boot_messages.decode(text) if f.kind != "started"]
        telling = [f for f in found if f.kind != "boot-loop"]  # which says that, but not why
        return next(iter(telling or found), None)


def _hint_for(finding: boot_messages.Finding) -> str:
    if finding.kind == "download-mode":
        return "press its reset button, with no other button held"
    return _FLASH_IT


def _printable(text: bytes) -> str:
    """Return the end of `text` on one line, or "" if it is blank."""
    return "".join(chr(c) if 32 <= c < 127 else " " for c in text).strip()[-60:]
