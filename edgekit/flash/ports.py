"""Which serial port the board is at."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from edgekit import serial_ports
from edgekit.boards import Board
from edgekit.errors import SerialPortError
from edgekit.serial_ports import SerialPort

AUTO = "auto"

_CHECK = (
    "check that the cable carries data (many only charge), that the board's power light is on, "
    "that `lsusb` lists it and `dmesg` shows a driver for it; without rights to open it: "
    "sudo usermod -aG dialout $USER, then log in again. `edgekit ports` lists what is there"
)


def find(
    port: str, board_of: Callable[[], Board], *, candidates: Sequence[SerialPort] | None = None
) -> str:
    """The path of the board's serial port.

    Args:
        port: a path or pyserial URL, which is the answer; "auto": the only one with a VID:PID of
            the board; "auto:SERIAL": the one with that serial number.
        board_of: gives the board, whose reach.usb says which VID:PID it may have; asked for "auto".
        candidates: the serial ports; those of this computer unless given.

    Raises:
        SerialPortError: no port fits, or more than one does; it says which, and how to choose.
        BoardError: by `board_of`.
    """
    word, _, serial = port.partition(":")
    if word != AUTO:
        return port
    connected = tuple(serial_ports.connected() if candidates is None else candidates)
    if serial:
        return _with_serial(serial, connected)
    board = board_of()
    fitting = [one for one in connected if one.usb_id in board.reach.usb]
    if len(fitting) == 1:
        return fitting[0].path
    if fitting:
        raise SerialPortError(
            f"{len(fitting)} serial ports may be the {board.name}:{_listed(fitting)}",
            hint=f"choose one: {' or '.join(_choice(one, fitting) for one in fitting)}",
        )
    others = [one for one in connected if one.usb_id is not None]
    known = ", ".join(board.reach.usb) or "none that is known"
    if others:
        raise SerialPortError(
            f"no serial port has a USB id of the {board.name} ({known}); "
            f"there are:{_listed(others)}",
            hint=f"if one of them is the board, name it: --port {others[0].path}; else {_CHECK}",
        )
    raise SerialPortError("no board is connected: no serial port is on USB", hint=_CHECK)


def _with_serial(serial: str, connected: Sequence[SerialPort]) -> str:
    fitting = [one for one in connected if one.usb_serial and one.usb_serial == serial]
    if len(fitting) == 1:
        return fitting[0].path
    if fitting:
        raise SerialPortError(
            f"{len(fitting)} serial ports have the serial number {serial}:{_listed(fitting)}",
            hint=f"name the port: --port {fitting[0].path}",
        )
    others = [one for one in connected if one.usb_serial]
    raise SerialPortError(
        f"no serial port has the serial number {serial}"
        + (f"; there are:{_listed(others)}" if others else ""),
        hint=_CHECK if not others else "choose one of these, or plug the board in",
    )


def _listed(ports: Sequence[SerialPort]) -> str:
    return "".join(
        f"\n  {port.path}  {port.usb_id}  "
        f"{f'serial number {port.usb_serial}' if port.usb_serial else 'no serial number'}  "
        f"{port.description}"
        for port in ports
    )


def _choice(port: SerialPort, among: Sequence[SerialPort]) -> str:
    """By serial number, which stays when the port's name changes; else by the name."""
    serials = [one.usb_serial for one in among]
    if port.usb_serial and serials.count(port.usb_serial) == 1:
        return f"--port {AUTO}:{port.usb_serial}"
    return f"--port {port.path}"
