"""The serial ports of this computer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SerialPort:
    """One serial port; the USB fields are None where it is not on USB."""

    path: str  # e.g. "/dev/ttyACM0"
    description: str
    usb_vid: int | None
    usb_pid: int | None
    usb_serial: str | None

    @property
    def usb_id(self) -> str | None:
        """VID:PID in hexadecimal, such as "2e8a:000a"."""
        if self.usb_vid is None or self.usb_pid is None:
            return None
        return f"{self.usb_vid:04x}:{self.usb_pid:04x}"


def connected() -> tuple[SerialPort, ...]:
    """Return all serial ports, those on USB first, each group by path."""
    from serial.tools import list_ports

    found = (
        SerialPort(
            path=port.device,
            description=port.description,
            usb_vid=port.vid,
            usb_pid=port.pid,
            usb_serial=port.serial_number,
        )
        for port in list_ports.comports()
    )
    return tuple(sorted(found, key=lambda port: (port.usb_id is None, port.path)))
