"""Ways to move bytes: a serial port, or a board that is a function of this process."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from edgekit import serial_ports
from edgekit.errors import LinkError, LinkTimeoutError

if TYPE_CHECKING:
    import serial

DEFAULT_BAUD = 115200

_POLL_S = 0.05  # a read that waits is cut into such pieces
_WATCH_S = 0.25  # how often a WatchedTransport asks
_WRITE_TIMEOUT_S = 30.0


class Transport(Protocol):
    """What a conversation needs: bytes in, bytes out."""

    def read(self, max_bytes: int, timeout_s: float) -> bytes:
        """Return 1 to `max_bytes` bytes as soon as some are there; b"" if none came in time."""
        ...

    def write(self, sent: bytes) -> None:
        """Send all of `sent`."""
        ...

    def close(self) -> None:
        """Let go of the port. Harmless when done twice."""
        ...


class SerialTransport:
    """A serial port by its path or pyserial URL: /dev/ttyACM0, socket://, rfc2217://, loop://."""

    def __init__(self, port: str, *, baud: int = DEFAULT_BAUD) -> None:
        """Open `port` for this program alone.

        Raises:
            SerialPortError: it is missing, busy, refused, or not a serial port.
        """
        self.port = port
        self._serial = _open(port, baud)

    def read(self, max_bytes: int, timeout_s: float) -> bytes:
        """Return 1 to `max_bytes` bytes as soon as some are there; b"" if none came in time."""
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                waiting = self._serial.in_waiting
                received: bytes = self._serial.read(max(1, min(max_bytes, waiting)))
            except (OSError, TypeError) as error:  # TypeError: pyserial's when closed in mid-read
                raise self._vanished(error) from error
            if received or time.monotonic() >= deadline:
                return received

    def write(self, sent: bytes) -> None:
        """Send all of `sent`."""
        import serial

        try:
            self._serial.write(sent)
        except serial.SerialTimeoutException as error:
            raise LinkTimeoutError(
                f"{self.port} took no more bytes for {_WRITE_TIMEOUT_S:g} s",
                hint="reset the board; if it hangs again, flash it again",
            ) from error
        except (OSError, TypeError) as error:
            raise self._vanished(error) from error

    def close(self) -> None:
        """Let go of the port."""
        with contextlib.suppress(OSError):
            self._serial.close()

    def _vanished(self, error: Exception) -> LinkError:
        return LinkError(
            f"{self.port} vanished in the middle of the conversation ({error})",
            hint="check the cable and that the board did not reset, then try again",
        )


def _open(port: str, baud: int) -> serial.Serial:
    import serial

    try:
        opened = serial.serial_for_url(
            port, baudrate=baud, timeout=_POLL_S, write_timeout=_WRITE_TIMEOUT_S, exclusive=True
        )
    except (OSError, ValueError) as error:
        raise serial_ports.refusal(port, error) from error
    with contextlib.suppress(OSError, NotImplementedError):
        opened.reset_input_buffer()
    return opened


class WatchedTransport:
    """Wraps a transport, and asks `watch` about the board's health while nothing arrives.

    `watch` is told for how many seconds an answer has been missing; what it raises ends the wait.
    """

    def __init__(self, transport: Transport, watch: Callable[[float], None]) -> None:
        self._transport, self._watch = transport, watch
        self._asked_at: float | None = None  # when the first write was after the last answer

    def read(self, max_bytes: int, timeout_s: float) -> bytes:
        """Read as the wrapped transport does."""
        deadline = time.monotonic() + timeout_s
        while True:
            left_s = deadline - time.monotonic()
            received = self._transport.read(max_bytes, max(0.0, min(left_s, _WATCH_S)))
            if received:
                self._asked_at = None
                return received
            now = time.monotonic()
            self._watch(0.0 if self._asked_at is None else now - self._asked_at)
            if now >= deadline:
                return b""

    def write(self, sent: bytes) -> None:
        """Send."""
        if self._asked_at is None:
            self._asked_at = time.monotonic()
        self._transport.write(sent)

    def close(self) -> None:
        """Close the wrapped transport."""
        self._transport.close()


class MemoryTransport:
    """A board that is a function: it takes the bytes of a write and returns those it answers.

    >>> loop = MemoryTransport(lambda sent: sent.upper())
    >>> loop.write(b"abc")
    >>> loop.read(2, timeout_s=1), loop.read(9, timeout_s=1), loop.read(9, timeout_s=0)
    (b'AB', b'C', b'')

    Time does not pass: a read that finds nothing returns at once.
    """

    def __init__(self, board: Callable[[bytes], bytes]) -> None:
        self._board = board
        self._arrived = bytearray()
        self.closed = False

    def read(self, max_bytes: int, timeout_s: float) -> bytes:
        """Return what has arrived, at most `max_bytes`; never wait."""
        del timeout_s
        received = bytes(self._arrived[:max_bytes])
        del self._arrived[:max_bytes]
        return received

    def write(self, sent: bytes) -> None:
        """Hand `sent` to the board and keep its answer to be read."""
        self._arrived += self._board(sent)

    def close(self) -> None:
        """Note it in `closed`."""
        self.closed = True
