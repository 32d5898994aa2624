"""A UF2 image -> a Pico that says by itself that it runs this image."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

from edgekit import boards, flash, link, serial_ports
from edgekit.errors import (
    BoardError,
    DeviceError,
    FlashError,
    LinkError,
    ProtocolError,
    SerialPortError,
)
from edgekit.flash import Uf2Image, bootsel, picotool
from edgekit.flash.bootsel import Drive
from edgekit.link import Hello
from edgekit.progress import Progress, silent

_TOUCH_BAUD = 1200  # what arduino-pico, as every Arduino core with USB, takes for "boot loader"
_TOUCHED_S = 10.0  # for the running board to become a drive, and the desktop to mount it
_PATIENCE_S = 15.0  # for the firmware's start, its port and its first answer
_HELLO_TIMEOUT_S, _HELLO_ATTEMPTS = 0.5, 4
_LOOK_S = 0.25

How = Literal["picotool", "drive"]
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Uf2Flashed:
    """A board with the image in its flash memory."""

    image: Uf2Image
    how: How
    port: str | None  # where the firmware answers; None: not known, or it has no link
    hello: Hello | None  # from the image itself; None: nobody was asked


def flash_uf2(
    source: Path,
    port: str = flash.AUTO,
    *,
    drive: Path | None = None,
    button_wait_s: float = 0.0,
    patience_s: float = _PATIENCE_S,
    must_answer: bool = False,
    progress: Progress = silent,
) -> Uf2Flashed:
    """Put an image on a Pico, see it start, and hear from it that it is the one that runs.

    The ways, in this order: picotool, if it is installed and sees a board that waits; a drive of a
    board that waits; a running board on arduino-pico, which is asked to become such a drive; a
    person, who is told what to press.

    Args:
        source: a built project, its flash.json, or a UF2 file.
        port: of the firmware's link: a path or pyserial URL; "auto", "auto:SERIAL" find it.
        drive: the drive to copy to, whatever else there is.
        button_wait_s: how long a person may take to press BOOTSEL.
        patience_s: how long the firmware may take to answer.
        must_answer: that no serial port is found is an error; else a build whose link is a UART is
            then not asked.
        progress: is told of each step.

    Raises:
        ImageError: there is no whole image at `source`.
        UserError: several boards wait, or `drive` is none.
        WrongBoardError: the board that waits is not one that the image is for.
        SerialPortError: the port is missing, busy or refused, and `must_answer`.
        FlashError: no board waits, the image did not get there, or something else answers.
    """
    image = flash.read_uf2(source)
    how = _written(image, port, drive, button_wait_s, progress)
    if not image.build_id:
        return Uf2Flashed(image=image, how=how, port=None, hello=None)
    try:
        at = _port_of(image, port, patience_s, progress)
    except SerialPortError:
        if must_answer or _speaks_usb(image):
            raise
        return Uf2Flashed(image=image, how=how, port=None, hello=None)
    hello = _hello_of(image, at, patience_s, progress)
    return Uf2Flashed(image=image, how=how, port=at, hello=hello)


def _written(
    image: Uf2Image, port: str, named: Path | None, button_wait_s: float, progress: Progress
) -> How:
    if named is not None:
        chosen = bootsel.choose([bootsel.named(named)], image)
        assert chosen is not None  # it is a drive, and of the right board
        bootsel.write(chosen, image, progress)
        return "drive"
    if picotool.load(image, progress):
        return "picotool"
    found = bootsel.choose(bootsel.drives(), image)
    if found is None and _touched(image, port, progress):
        if picotool.load(image, progress):
            return "picotool"
        found = _awaited(image, _TOUCHED_S, "waiting for the board's drive", progress)
    if found is None and button_wait_s > 0:
        found = _awaited(image, button_wait_s, bootsel.PRESS, progress)
    if found is None:
        raise FlashError(
            f"no board waits for an image: there is no drive of a {image.drive_id}",
            hint=bootsel.unmounted_hint(image.drive_id) or bootsel.PRESS,
        )
    bootsel.write(found, image, progress)
    return "drive"


def _awaited(image: Uf2Image, wait_s: float, what: str, progress: Progress) -> Drive | None:
    """The drive, once it is mounted."""
    until = time.monotonic() + wait_s
    while time.monotonic() < until:
        progress(what, 0, 0)
        found = bootsel.choose(bootsel.drives(), image)
        if found is not None:
            return found
        time.sleep(_LOOK_S)
    return None


def _touched(image: Uf2Image, port: str, progress: Progress) -> bool:
    """Ask a running board on arduino-pico to restart as a drive; False if there is none."""
    import serial

    try:
        at = flash.find_port(port, lambda: boards.load(image.board_id, "arduino"))
    except (SerialPortError, BoardError):
        return False
    if not _is_usb_of(image, at):
        return False  # an adapter on its UART knows nothing of that
    progress(f"asking the board at {at} to wait for an image", 0, 0)
    with contextlib.suppress(OSError, ValueError):  # it goes away in the midst of it
        opened = serial.Serial(at, _TOUCH_BAUD)
        opened.dtr = False
        opened.close()
        return True
    return False


def _is_usb_of(image: Uf2Image, port: str) -> bool:
    """True if the port is a running board's own USB."""
    usb = boards.load(image.board_id, "arduino").reach.usb
    return any(one.path == port and one.usb_id in usb for one in serial_ports.connected())


def _speaks_usb(image: Uf2Image) -> bool:
    return boards.load(image.board_id, image.framework or None).link == "usb"


def _port_of(image: Uf2Image, port: str, patience_s: float, progress: Progress) -> str:
    """Where the firmware's link is, once it is there."""

    def found() -> str:
        return flash.find_port(port, lambda: boards.load(image.board_id, image.framework or None))

    if not _speaks_usb(image):
        return found()  # an adapter does not come and go with the board
    return _patiently(found, SerialPortError, patience_s, "waiting for its serial port", progress)


def _hello_of(image: Uf2Image, port: str, patience_s: float, progress: Progress) -> Hello:
    """What the image says of itself, or an error that says what answered instead."""
    baud = boards.load(image.board_id, image.framework or None).reach.baud or link.DEFAULT_BAUD

    def asked() -> Hello:
        transport = link.SerialTransport(port, baud=baud)
        with link.Device(transport, timeout_s=_HELLO_TIMEOUT_S, attempts=_HELLO_ATTEMPTS) as device:
            return device.hello

    try:
        hello = _patiently(
            asked,
            (LinkError, SerialPortError),
            patience_s,
            "waiting for the firmware to answer",
            progress,
        )
    except (ProtocolError, DeviceError) as error:
        raise FlashError(
            f"the image is on the board, but what answers at {port} is no firmware of it: {error}",
            hint="unplug the board and plug it in again",
        ) from error
    except (LinkError, SerialPortError) as error:
        raise FlashError(
            f"the image is on the board, but its firmware does not answer at {port} ({error})",
            hint="is it the board's port? give --port; unplug the board and plug it in again",
        ) from error
    if (hello.model_sha256, hello.build_id) != (image.model_sha256, image.build_id):
        raise FlashError(
            f"the board at {port} answers with another build: {hello.model_name!r}, "
            f"{hello.build_id or 'which does not say which'}, not {image.build_id}",
            hint="is another board connected? name its port: --port",
        )
    return hello


def _patiently(
    attempt: Callable[[], Answer],
    passing: type[Exception] | tuple[type[Exception], ...],
    patience_s: float,
    stage: str,
    progress: Progress,
) -> Answer:
    """What `attempt` gives, tried again for a while after errors that may pass."""
    until = time.monotonic() + patience_s
    while True:
        progress(stage, 0, 0)
        try:
            return attempt()
        except passing as error:
            lasting = isinstance(error, ProtocolError | DeviceError)
            if lasting or time.monotonic() > until:
                raise
            time.sleep(_LOOK_S)
