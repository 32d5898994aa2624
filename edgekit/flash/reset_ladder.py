"""Get a chip to listen to esptool: one way to reset it after the other.

A USB bridge has two lines: RTS pulls EN low, DTR pulls the boot pin low, both through transistors
that undo each other when both are on. esptool's "default-reset" sets them in one system call
("tight"), then one after the other ("classic"), each with a short and a long pause; on a chip's own
USB-Serial-JTAG it uses the sequence that this peripheral understands ("usb-reset"). A pseudo-
terminal or a socket has no lines: nothing is reset there, the chip has to listen already.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from typing import Any

from edgekit.errors import FlashError
from edgekit.flash.recorded_port import RecordedPort, StalledError
from edgekit.progress import Progress

_ROM_BAUD = 115200
_POLL_ATTEMPTS = 2
_BUTTON_PAUSE_S = 0.3


@dataclass(frozen=True, slots=True)
class _Rung:
    name: str
    mode: str  # esptool's --before
    attempts: int
    limit_s: float
    baud: int = _ROM_BAUD


_WITH_LINES = (
    _Rung("DTR and RTS, tight and classic timing", "default-reset", 6, 45.0),
    _Rung("USB-Serial-JTAG", "usb-reset", 2, 20.0),
    _Rung("no reset", "no-reset", 2, 10.0),
)
_WITHOUT_LINES = (_Rung("no reset, as this port has no lines for it", "no-reset", 3, 10.0),)


class NoAnswerError(FlashError):
    """No loader answered, however the chip was reset."""

    def __init__(self, message: str, *, tried: tuple[str, ...]) -> None:
        super().__init__(message)
        self.tried = tried


def climb(
    port: RecordedPort, *, last_baud: int, button_wait_s: float, ask: str, progress: Progress
) -> Any:
    """esptool's object for the chip behind `port`, which listens at 115200 baud or `last_baud`.

    Args:
        port: is open, and stays so.
        last_baud: of the attempt before; a stub that could not be reset listens at that speed.
        button_wait_s: how long to wait for a person when no reset helped.
        ask: what that person is to do.
        progress: is told of the wait.

    Raises:
        NoAnswerError: nothing answered.
        Exception: whatever esptool raises when an answer is garbled.
    """
    tried = []
    rungs: tuple[_Rung, ...] = _WITH_LINES if port.can_reset else _WITHOUT_LINES
    if last_baud != _ROM_BAUD:
        rungs += (_Rung("no reset, at the speed of before", "no-reset", 2, 10.0, last_baud),)
    for rung in rungs:
        if (esp := _attempt(port, rung)) is not None:
            return esp
        tried.append(rung.name)
    until = time.monotonic() + button_wait_s
    while (left_s := until - time.monotonic()) > 0:
        progress(ask, round(button_wait_s - left_s), round(button_wait_s))
        rung = _Rung("buttons", "no-reset", _POLL_ATTEMPTS, 10.0)
        if (esp := _attempt(port, rung)) is not None:
            return esp
        time.sleep(_BUTTON_PAUSE_S)
    raise NoAnswerError(f"no ESP32 listens at {port.name}", tried=tuple(tried))


def listen_to_start(path: str, seconds: float) -> bytes:
    """What the chip behind the serial port `path` says as it starts; see restart_and_listen().

    Raises:
        SerialPortError: the port cannot be opened.
        FlashError: it vanished.
    """
    port = RecordedPort(path, baud=_ROM_BAUD)
    try:
        return restart_and_listen(port, seconds)
    finally:
        port.close()


def restart_and_listen(port: RecordedPort, seconds: float) -> bytes:
    """What the chip says as it starts, if it can be reset; else what it says anyway."""
    from esptool.reset import HardReset

    port.baudrate = _ROM_BAUD
    if port.can_reset:
        with contextlib.suppress(OSError):
            HardReset(port)()
    return port.listen(seconds)


def _attempt(port: RecordedPort, rung: _Rung) -> Any:
    """None if nothing answered."""
    from esptool.cmds import detect_chip
    from esptool.util import FatalError

    if not port.is_open:
        port.open()  # esptool closes what does not answer
    port.allow(rung.limit_s, f"connecting ({rung.name})")
    try:
        return detect_chip(port, rung.baud, rung.mode, False, rung.attempts)
    except StalledError:  # a firmware that talks without end, in what looks like frames
        return None
    except FatalError as error:
        if "Failed to connect" in str(error):
            return None
        raise


def detect_again(port: RecordedPort) -> Any:
    """esptool's object for a chip that listens already."""
    from esptool.cmds import detect_chip

    port.allow(20.0, "asking the chip again what it is")
    return detect_chip(port, port.baudrate, "no-reset", False, 2)
