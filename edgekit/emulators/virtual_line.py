"""The chip's end of a serial port: a pseudo-terminal that can be unplugged, and never blocks it."""

from __future__ import annotations

import contextlib
import os
import pty
import queue
import select
import time
import tty
from pathlib import Path

_READ_BYTES = 65536
_PATIENCE_S = 0.2  # how long text waits for room: nobody may be listening


class Order(Exception):  # noqa: N818 - no error
    """Raised where the chip's thread waits, to end what it does."""


class Line:
    """One serial port after another, each a pseudo-terminal.

    One thread, the chip's, reads and writes. Any other may `interrupt` it: what the chip's thread
    waits for then ends with that order.
    """

    def __init__(self, stable_path: Path | None = None) -> None:
        """Plug it in; `stable_path` becomes a symbolic link to whatever serial port there is."""
        self._stable_path = stable_path
        self._orders: queue.SimpleQueue[Order] = queue.SimpleQueue()
        self._woken, self._wake = os.pipe()
        os.set_blocking(self._woken, False)
        os.set_blocking(self._wake, False)
        self._master = self._slave = -1
        self.name = ""
        self._budget: int | None = None
        self.plug()

    def plug(self) -> None:
        """Have another serial port appear; the one before goes away."""
        master, slave = pty.openpty()
        tty.setraw(slave)
        os.set_blocking(master, False)
        name = os.ttyname(slave)  # another than before: that slave side is still open
        self.unplug()
        self._close(self._slave)
        self._master, self._slave = master, slave
        if self._stable_path is not None:
            self._stable_path.symlink_to(name)
            name = str(self._stable_path)
        self.name = name

    def unplug(self) -> None:
        """Have the serial port go away, under whoever has it open."""
        self._budget = None
        master, self._master = self._master, -1
        self._close(master)
        if self._stable_path is not None:
            self._stable_path.unlink(missing_ok=True)

    @property
    def plugged(self) -> bool:
        """True while there is a serial port."""
        return self._master >= 0

    def unplug_after(self, size_bytes: int) -> None:
        """Unplug once so many more bytes have come from the host."""
        self._budget = size_bytes

    def close(self) -> None:
        """Let go of everything; the line is of no use then."""
        self.unplug()
        for descriptor in (self._slave, self._woken, self._wake):
            self._close(descriptor)

    def interrupt(self, order: Order) -> None:
        """Have the chip's thread raise `order` where it waits, or will next."""
        self._orders.put(order)
        with contextlib.suppress(BlockingIOError):  # so full that it is awake
            os.write(self._wake, b"!")

    def read(self, timeout_s: float, *, also: int | None = None) -> bytes:
        """Bytes from the host; b"" after `timeout_s`, or at once when `also` can be read.

        Raises: whatever `interrupt` was given.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            self.obey()
            reading = [d for d in (self._master, self._woken, also) if d is not None and d >= 0]
            left_s = max(0.0, deadline - time.monotonic())
            ready = select.select(reading, [], [], left_s)[0]
            if self._master in ready:
                received = self._receive()
                if received or not self.plugged:
                    return received
            elif not ready or also in ready:
                self.obey()
                return b""

    def obey(self) -> None:
        """Raise what `interrupt` was given, if it was."""
        with contextlib.suppress(BlockingIOError):
            os.read(self._woken, 512)
        with contextlib.suppress(queue.Empty):
            raise self._orders.get_nowait()

    def write(self, sent: bytes) -> None:
        """Send all of `sent`, however long the host takes to read it."""
        self._send(sent, None)

    def say(self, text: bytes) -> None:
        """Send `text`; what the host does not make room for is lost, as on a wire."""
        self._send(text, _PATIENCE_S)

    def _receive(self) -> bytes:
        try:
            received = os.read(self._master, _READ_BYTES)
        except BlockingIOError:
            return b""
        if self._budget is not None:
            received, over = received[: self._budget], len(received) >= self._budget
            self._budget -= len(received)
            if over:
                self.unplug()
        return received

    def _send(self, sent: bytes, patience_s: float | None) -> None:
        left = memoryview(sent)
        while left and self.plugged:
            self.obey()
            try:
                left = left[os.write(self._master, left) :]
            except BlockingIOError:
                ready = select.select([self._woken], [self._master], [], patience_s)
                if not any(ready):
                    return

    @staticmethod
    def _close(descriptor: int) -> None:
        if descriptor >= 0:
            os.close(descriptor)
