"""An ESP32's loader as the package esp32-mock-bootloader plays it, and what is started after it.

The chip sits in a thread of this process behind a pseudo-terminal, so a test sees its flash memory;
between the two runs whatever line the test gives it.
"""

from __future__ import annotations

import contextlib
import os
import pty
import select
import socket
import struct
import threading
import tty
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from esp32_mock_bootloader.server import BootloaderConnection, FlashImage, handle_client

#: What becomes of bytes on their way: (to the chip?, bytes) -> bytes. It may wait, or raise Cut.
Line = Callable[[bool, bytes], bytes]


#: What the chip does once it is told to start: bytes of the host -> its answer.
Application = Callable[[bytes], bytes]

#: FLASH_END with its argument 0: reboot.
_START = b"\xc0\x00\x04\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\xc0"


class Cut(Exception):  # noqa: N818  # an event, not an error
    """The cable was pulled."""


def clean(to_chip: bool, content: bytes) -> bytes:
    """A line without faults."""
    del to_chip
    return content


@dataclass
class PlayedChip:
    """A chip that waits in its loader."""

    chip: str
    port: str  # where the host finds it
    memory: FlashImage

    @property
    def flash(self) -> bytearray:
        """Its flash memory."""
        return self.memory.data


@contextlib.contextmanager
def played_chip(
    chip: str,
    *,
    line: Line = clean,
    memory: FlashImage | None = None,
    application: Application | None = None,
) -> Iterator[PlayedChip]:
    """A chip behind a pseudo-terminal, until the end of the block."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    stop = threading.Event()
    played = PlayedChip(chip, os.ttyname(slave), memory or FlashImage())
    open_ends = [master, slave]
    thread = threading.Thread(
        target=_play, args=(played, master, open_ends, line, stop, application)
    )
    thread.start()
    try:
        yield played
    finally:
        stop.set()
        thread.join()
        for end in open_ends:
            os.close(end)


def _play(
    played: PlayedChip,
    master: int,
    open_ends: list[int],
    line: Line,
    stop: threading.Event,
    application: Application | None,
) -> None:
    """Pump bytes between the pseudo-terminal and one session of the chip after the other."""
    while not stop.is_set():
        near, far = socket.socketpair()
        chip = threading.Thread(target=_serve, args=(far, stop, played))
        chip.start()
        try:
            started = _pump(master, near, line, stop)
            if started and application is not None:
                _run(master, application, stop)
        except Cut:
            stop.wait(0.05)
            while open_ends:
                os.close(open_ends.pop())
            stop.set()
        finally:
            near.close()
            chip.join()


def _serve(far: socket.socket, stop: threading.Event, played: PlayedChip) -> None:
    """One session; garbage may end it, as it ends a chip's: it begins anew, in ROM."""
    with contextlib.suppress(struct.error, ValueError, OSError, IndexError, OverflowError):
        handle_client(
            BootloaderConnection(sock=far),
            stop,
            played.chip,
            flash=played.memory,
            exit_on_disconnect=True,  # else a session ends 3 s after the first write
        )


def _run(master: int, application: Application, stop: threading.Event) -> None:
    os.write(master, application(b""))
    while not stop.is_set():
        if select.select([master], [], [], 0.05)[0]:
            os.write(master, application(os.read(master, 4096)))


def _pump(master: int, chip: socket.socket, line: Line, stop: threading.Event) -> bool:
    """Until the chip is told to start (then true), or ends its session."""
    while not stop.is_set():
        ready, _, _ = select.select([master, chip], [], [], 0.05)
        if chip in ready:
            content = chip.recv(4096)
            if not content:
                return False
            os.write(master, line(False, content))
        if master in ready:
            sent = line(True, os.read(master, 4096))
            chip.sendall(sent)
            if _START in sent:
                return True
    return False
