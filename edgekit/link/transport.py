"""Ways to move bytes: a serial port, a program's pipes, or a board that is a function."""

from __future__ import annotations

import contextlib
import os
import select
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


class PipeTransport:
    """A program's standard output and input: the board is a process, here or behind ssh.

    Args:
        output: file descriptor that can be read.
        input: file descriptor that can be written.
        name: of the program or its machine, for messages.

    The descriptors stay the caller's, who closes them and ends the program.
    """

    def __init__(self, output: int, input: int, *, name: str) -> None:
        self._output, self._input, self._name = output, input, name

    def read(self, max_bytes: int, timeout_s: float) -> bytes:
        """Return 1 to `max_bytes` bytes as soon as some are there; b"" if none came in time."""
        try:
            ready, _, _ = select.select([self._output], [], [], max(0.0, timeout_s))
            received = os.read(self._output, max_bytes) if ready else b""
        except (OSError, ValueError) as error:  # ValueError: closed meanwhile
            raise self._ended() from error
        if ready and not received:
            raise self._ended()
        return received

    def write(self, sent: bytes) -> None:
        """Send all of `sent`."""
        left = memoryview(sent)
        while left:
            try:
                _, ready, _ = select.select([], [self._input], [], _WRITE_TIMEOUT_S)
                # no more than a pipe takes at once: a larger write may wait for ever
                count = os.write(self._input, left[: select.PIPE_BUF]) if ready else 0
            except (OSError, ValueError) as error:
                raise self._ended() from error
            if not count:
                raise LinkTimeoutError(
                    f"{self._name} took no more bytes for {_WRITE_TIMEOUT_S:g} s"
                )
            left = left[count:]

    def close(self) -> None:
        """Nothing: the descriptors are the caller's."""

    def _ended(self) -> LinkError:
        return LinkError(f"{self._name} ended in the middle of the conversation")


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
