"""virtual:///dev/pts/N: a virtual chip's pseudo-terminal with DTR and RTS, within one process."""

from __future__ import annotations

import errno

import serial

from edgekit.emulators import virtual


class VirtualSerial(serial.Serial):
    """A serial port whose DTR and RTS reach the virtual chip behind it."""

    def _update_dtr_state(self) -> None:
        self._tell()

    def _update_rts_state(self) -> None:
        self._tell()

    @property
    def cts(self) -> bool:
        """Nothing holds us up."""
        return True

    def _tell(self) -> None:
        lines = virtual.lines_behind(str(self.port))
        if lines is None:
            raise OSError(errno.ENODEV, "no virtual chip of this process is there any more")
        lines.set(dtr=self.dtr, rts=self.rts)


def serial_class_for_url(url: str) -> tuple[str, type[serial.Serial]]:
    """What pyserial opens, and with which class."""
    return url.partition("://")[2], VirtualSerial
