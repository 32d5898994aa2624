"""Espressif's own emulator of the ESP32-C3, where a test can find one.

It is no package of Debian's: EDGEKIT_ESPRESSIF_QEMU names a qemu-system-riscv32 that has the
machine esp32c3 and its mask ROM.
"""

from __future__ import annotations

import os
import pty
import subprocess
import tty
from pathlib import Path
from types import TracebackType

import pytest
import serial

FLASH_BYTES = 4 << 20
_VARIABLE = "EDGEKIT_ESPRESSIF_QEMU"


def program() -> str:
    """The emulator, or a skip that says how to name one."""
    named = os.environ.get(_VARIABLE)
    if not named:
        pytest.skip(f"{_VARIABLE} names no qemu-system-riscv32 with the machine esp32c3")
    return named


class Esp32C3:
    """A chip whose flash memory begins with `image`, behind a serial port."""

    def __init__(self, image: bytes, directory: Path) -> None:
        flash = directory / "flash.bin"
        flash.write_bytes(image.ljust(FLASH_BYTES, b"\xff"))
        master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        self._process = subprocess.Popen(
            [
                *(program(), "-M", "esp32c3", "-display", "none", "-monitor", "none"),
                *("-drive", f"file={flash},if=mtd,format=raw"),
                *("-chardev", "stdio,id=s0,signal=off", "-serial", "chardev:s0"),
            ],
            stdin=master,
            stdout=master,
            stderr=subprocess.DEVNULL,
        )
        os.close(master)
        self.serial_port = os.ttyname(self._slave)
        self.port = serial.Serial(self.serial_port, 115200, timeout=10)

    def read_until(self, expected: bytes) -> bytes:
        """What came, up to `expected`."""
        said = self.port.read_until(expected)
        assert said.endswith(expected), said
        return said

    def __enter__(self) -> Esp32C3:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.port.close()
        self._process.kill()
        self._process.wait()
        os.close(self._slave)
