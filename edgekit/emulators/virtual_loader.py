"""The ROM's loader, and esptool's stub: `esp32-mock-bootloader`, served over our serial port.

That package answers esptool's commands and keeps a flash memory. Here it gets whole commands one by
one, and what it answers to but does not do is done: resets, and flash memories of other sizes.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

from edgekit.emulators.virtual_image import missing
from edgekit.emulators.virtual_line import Line, Order

SLIP_END = 0xC0
#: What esptool sends again and again until a loader answers.
SYNC = b"\xc0\x00\x08\x24\x00\x00\x00\x00\x00\x07\x07\x12\x20" + b"U" * 32 + b"\xc0"

_NOISE_LIMIT_BYTES = 1 << 17  # no command is as long
_PREFIX_BYTES = 40  # of a command, with its escapes, hold all that is looked at
_TIMEOUT_S = 5.0  # the package's own is shorter than a host may take to acknowledge what it read


class StartApplication(Order):
    """The loader was told to leave; `heard` is what it has read but not answered."""

    def __init__(self, heard: bytes = b"") -> None:
        super().__init__()
        self.heard = heard


class FlashMemory:
    """The flash memory of a virtual chip, erased at first."""

    def __init__(self, size_bytes: int) -> None:
        """Make one.

        Raises:
            ToolMissingError: esp32-mock-bootloader is not installed.
        """
        try:
            from esp32_mock_bootloader import server
        except ImportError as error:
            raise missing(error) from error
        self.size_bytes = size_bytes
        self.backing: Any = server.FlashImage()
        self.backing.data = bytearray(b"\xff" * size_bytes)

    def read(self, offset: int = 0, size_bytes: int | None = None) -> bytes:
        """Its bytes from `offset` on; all of them unless told otherwise."""
        end = None if size_bytes is None else offset + size_bytes
        return bytes(self.backing.data[offset:end])

    def write(self, offset: int, content: bytes) -> None:
        """Have `content` at `offset`, as if it had been flashed there, or a bit had fallen over.

        Raises:
            ValueError: it does not fit.
        """
        if not 0 <= offset <= offset + len(content) <= self.size_bytes:
            raise ValueError(f"{len(content)} bytes at {offset:#x}: past {self.size_bytes:,} bytes")
        self.backing.data[offset : offset + len(content)] = content

    def erase(self) -> None:
        """Every byte becomes 0xff."""
        self.backing.erase_all()


def serve(line: Line, memory: FlashMemory, chip: str, *, heard: bytes, in_band: bool) -> None:
    """Answer esptool until it says that the application shall run.

    Args:
        line: to whoever flashes.
        memory: what is written and read.
        chip: as esptool calls it.
        heard: bytes that have been read already.
        in_band: a frame of the link counts as a reset into the application.

    Raises:
        StartApplication: esptool says so.
    """
    from esp32_mock_bootloader import server

    stream = _Stream(line, memory, heard=heard, in_band=in_band)
    while line.plugged:
        server.handle_client(
            stream, threading.Event(), chip, exit_on_disconnect=True, flash=memory.backing
        )


class _Stream:
    """What the package takes for its connection; one whole command at a time."""

    def __init__(self, line: Line, memory: FlashMemory, *, heard: bytes, in_band: bool) -> None:
        from esp32_mock_bootloader import protocol, server

        self._line, self._in_band = line, in_band
        self._heard = bytearray(heard)
        self._leaves = False
        self._commands = protocol.CMD
        # The package knows one size; the third byte of the answer is its logarithm.
        code = memory.size_bytes.bit_length() - 1
        flash_id = protocol.MOCK_FLASH_ID & 0xFFFF | code << 16
        self._instead = {
            server.make_response(
                self._commands["READ_REG"], value=protocol.MOCK_FLASH_ID, stub=stub
            ): server.make_response(self._commands["READ_REG"], value=flash_id, stub=stub)
            for stub in (False, True)
        }

    def set_timeout(self, timeout_s: float) -> None:
        """Nothing to set."""

    def recv(self, size: int) -> bytes:
        """The next command, SLIP-framed; b"" if the serial port went away.

        Raises:
            TimeoutError: none came in time.
            StartApplication: the command before this one said so.
        """
        del size  # commands are never cut
        if self._leaves:
            raise StartApplication
        deadline = time.monotonic() + _TIMEOUT_S
        while True:
            if (frame := self._next_frame()) is not None:
                self._observe(frame)
                return frame
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                raise TimeoutError
            received = self._line.read(left_s)
            if not self._line.plugged:
                return b""
            if self._in_band and not self._heard and received[:1] == b"\0":
                raise StartApplication(received)
            self._heard += received

    def sendall(self, response: bytes) -> None:
        self._line.write(self._instead.get(response, response))

    def close(self) -> None:
        """Nothing to close: the line is the chip's."""

    def ignore_eof_for_disconnect(self) -> bool:
        return False

    def abort_empty_session(self) -> bool:
        return False

    def _next_frame(self) -> bytes | None:
        """Take the first whole frame from what was heard, and drop the noise before it."""
        heard = self._heard
        start = heard.find(SLIP_END)
        if start < 0:
            heard.clear()
            return None
        while start + 1 < len(heard) and heard[start + 1] == SLIP_END:
            start += 1
        del heard[:start]
        end = heard.find(SLIP_END, 1)
        if end < 0:
            if len(heard) > _NOISE_LIMIT_BYTES:
                heard.clear()
            return None
        frame = bytes(heard[: end + 1])
        del heard[: end + 1]
        return frame

    def _observe(self, frame: bytes) -> None:
        """Note the commands that end the loader."""
        decoded = bytes(_unescaped(frame[1:-1][:_PREFIX_BYTES]))
        if len(decoded) < 8 or decoded[0] != 0:
            return
        command, body = decoded[1], decoded[8:]
        ends = (self._commands["FLASH_END"], self._commands["FLASH_DEFL_END"])
        runs = command == self._commands["RUN_USER_CODE"]
        self._leaves = runs or (command in ends and body[:4] == bytes(4))


def _unescaped(frame: bytes) -> Iterator[int]:
    following = iter(frame)
    for byte in following:
        if byte == 0xDB:
            yield {0xDC: 0xC0, 0xDD: 0xDB}.get(next(following, 0), 0)
        else:
            yield byte
