"""The serial ports of this computer."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from dataclasses import dataclass

from edgekit.errors import SerialPortError


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


def refusal(port: str, error: Exception) -> SerialPortError:
    """What pyserial's `error` means, as it could not open `port`."""
    number = getattr(error, "errno", None)
    text = str(error)
    if number == errno.ENOENT or "No such file" in text:
        hint = "plug the board in; `edgekit ports` lists the serial ports"
        return SerialPortError(f"there is no serial port {port}", hint=hint)
    if number == errno.EACCES or "Permission denied" in text:
        hint = "add yourself to the group dialout (sudo usermod -aG dialout $USER) and log in again"
        return SerialPortError(f"you are not allowed to open {port}", hint=hint)
    if number in (errno.EBUSY, errno.EAGAIN) or "exclusively lock" in text or "busy" in text:
        hint = "close the serial monitor or other program that holds it"
        return SerialPortError(f"{port} is in use by another program", hint=hint)
    if "refused" in text:
        return SerialPortError(f"nothing listens at {port}", hint="start the server first")
    return SerialPortError(
        f"{port} cannot be opened as a serial port: {text}",
        hint="give a path such as /dev/ttyACM0 or a URL such as socket://host:port",
    )


def now_at(port: SerialPort | None, *, among: Sequence[SerialPort] | None = None) -> str | None:
    """The path of a USB port that went away and came back, perhaps under another one.

    It is known again by its serial number and by VID and PID, or by these alone where it is the
    only one that has them. `among`: the serial ports; those of this computer unless given.
    """
    if port is None or port.usb_id is None:
        return None
    there = connected() if among is None else among
    like = [one for one in there if one.usb_id == port.usb_id]
    same = [one for one in like if port.usb_serial and one.usb_serial == port.usb_serial]
    if any(one.path == port.path for one in same or like):
        return port.path
    found = same or (like if len(like) == 1 else [])
    return found[0].path if found else None
