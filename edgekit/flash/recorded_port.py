"""A serial port that remembers what it received, and ends what takes too long.

esptool is given this port instead of a path. So whatever a board says is kept as evidence, also
what esptool throws away; no loop of esptool's waits for ever; and a board that is unplugged is told
from a line that is noisy.
"""

from __future__ import annotations

import contextlib
import errno
import time
from typing import Any

from edgekit import serial_ports
from edgekit.errors import FlashError

_KEPT_BYTES = 16384  # of what was received, the last
_WRITE_TIMEOUT_S = 10.0
_GONE = (errno.EIO, errno.ENXIO, errno.ENODEV, errno.EBADF, errno.ENOENT)


class PortVanishedError(FlashError):
    """The serial port went away while it was in use."""


class StalledError(FlashError):
    """Something took longer than it may."""


class RecordedPort:
    """Wraps a pyserial port; what is not said here is passed on to it."""

    __slots__ = ("_at_most_until", "_doing", "_port", "_received")

    def __init__(self, path: str, *, baud: int) -> None:
        """Open `path`, a path or a pyserial URL, for this program alone.

        Raises:
            SerialPortError: it is missing, busy, refused, or not a serial port.
        """
        import serial

        try:
            port = serial.serial_for_url(
                path, baudrate=baud, timeout=1.0, write_timeout=_WRITE_TIMEOUT_S, exclusive=True
            )
        except (OSError, ValueError) as error:
            raise serial_ports.refusal(path, error) from error
        object.__setattr__(self, "_port", port)
        object.__setattr__(self, "_received", bytearray())
        self.allow(60.0, "opening it")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._port, name)

    def __setattr__(self, name: str, value: Any) -> None:
        """Speeds and timeouts are set anew for each command, also on a port that vanished."""
        try:
            setattr(self._port, name, value)
        except Exception as error:  # SerialException, after which esptool would reconnect by itself
            raise self._vanished(error) from error

    def allow(self, seconds: float, doing: str) -> None:
        """Let what follows take so long, and no longer."""
        object.__setattr__(self, "_at_most_until", time.monotonic() + seconds)
        object.__setattr__(self, "_doing", doing)

    @property
    def received(self) -> bytes:
        """The last bytes that came, at most 16 KiB."""
        return bytes(self._received)

    def forget(self) -> None:
        """Empty `received`."""
        self._received.clear()

    @property
    def can_reset(self) -> bool:
        """True if DTR and RTS are lines, as they are not on a pseudo-terminal or a socket."""
        if self._port.name.startswith("rfc2217:"):
            return True
        try:
            _ = self._port.cts  # asks the driver for its lines
        except Exception:  # OSError, termios.error, or pyserial's for sockets
            return False
        return not self._port.name.startswith(("socket:", "loop:"))

    def read(self, size: int = 1) -> bytes:
        """Read as pyserial does, and remember it."""
        if time.monotonic() > self._at_most_until:
            raise StalledError(f"{self._port.name} took too long for {self._doing}")
        try:
            received: bytes = self._port.read(size)
        except Exception as error:  # OSError, and TypeError or termios.error of a closed port
            raise self._vanished(error) from error
        self._received += received
        del self._received[:-_KEPT_BYTES]
        return received

    def write(self, sent: bytes) -> int | None:
        """Write as pyserial does."""
        import serial

        try:
            written: int | None = self._port.write(sent)
        except serial.SerialTimeoutException as error:
            raise StalledError(
                f"{self._port.name} took no more bytes for {_WRITE_TIMEOUT_S:g} s"
            ) from error
        except Exception as error:
            raise self._vanished(error) from error
        return written

    def inWaiting(self) -> int:  # noqa: N802  # as esptool calls it
        """How many bytes can be read at once."""
        try:
            waiting: int = self._port.in_waiting
        except Exception as error:
            raise self._vanished(error) from error
        return waiting

    def flushInput(self) -> None:  # noqa: N802  # as esptool calls it
        """Throw away what arrived; it is remembered nevertheless."""
        while (waiting := self.inWaiting()) and self.read(waiting):
            pass

    reset_input_buffer = flushInput

    def flushOutput(self) -> None:  # noqa: N802  # as esptool calls it
        """Throw away what was not sent yet."""
        with contextlib.suppress(NotImplementedError):
            try:
                self._port.reset_output_buffer()
            except Exception as error:
                raise self._vanished(error) from error

    def listen(self, seconds: float) -> bytes:
        """What arrives in that time."""
        self.allow(seconds + 5.0, "listening")
        heard, until = bytearray(), time.monotonic() + seconds
        self._port.timeout = 0.05
        while time.monotonic() < until:
            heard += self.read(max(1, self.inWaiting()))
        return bytes(heard)

    def _vanished(self, error: Exception) -> FlashError:
        return PortVanishedError(f"{self._port.name} vanished ({error})")
