"""A firmware image -> a board that says by itself that it runs this image."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from pathlib import Path

from edgekit import boards, flash, link, serial_ports
from edgekit.errors import (
    BoardError,
    DeviceError,
    FlashError,
    LinkError,
    ProtocolError,
    SerialPortError,
)
from edgekit.flash import FlashImage, FlashOptions, Written
from edgekit.link import Hello, Transport
from edgekit.progress import Progress, silent

_APPEAR_S = 10.0  # a USB port is gone while its chip restarts
PATIENCE_S = 12.0  # for the boot loader, the firmware's start and its first answer
_HELLO_TIMEOUT_S, _HELLO_ATTEMPTS = 0.5, 4
_LISTEN_S = 2.0
_KEPT_BYTES = 16384


@dataclass(frozen=True, slots=True, kw_only=True)
class Flashed:
    """A board with the image in its flash memory."""

    image: FlashImage
    written: Written
    hello: Hello | None  # from the image itself; None if its firmware does not speak the link


def flash_board(
    source: Path,
    port: str = flash.AUTO,
    *,
    options: FlashOptions | None = None,
    verify_only: bool = False,
    patience_s: float = PATIENCE_S,
    progress: Progress = silent,
) -> Flashed:
    """Write an image, verify it, start it, and hear from it that it is the one that runs.

    Args:
        source: what `flash.read` takes: a project directory or a merged image.
        port: a path or pyserial URL; "auto" or "auto:SERIAL" to find it by its USB id.
        options: how it is written.
        verify_only: write nothing, only compare.
        patience_s: how long the firmware may take to answer.
        progress: is told of each step.

    Raises:
        ImageError: there is no whole image at `source`.
        BoardError: the image's board is not known, so its port cannot be found.
        SerialPortError: the port is missing, busy, refused, or not to be told from another.
        WrongBoardError: the board is not one that the image is for.
        FlashError: the image is not in flash memory, or something else than it answers.
        ToolMissingError: esptool is not installed.
    """
    image = flash.read(source)
    at = flash.find_port(port, lambda: boards.load(image.board_id, image.framework or None))
    usb = next((one for one in serial_ports.connected() if one.path == at), None)
    task = flash.verify if verify_only else flash.write
    written = task(image, at, options=options, progress=progress)
    hello = _hello_of(image, written.port, usb, patience_s, progress) if image.build_id else None
    return Flashed(image=image, written=written, hello=hello)


def _hello_of(
    image: FlashImage,
    port: str,
    usb: serial_ports.SerialPort | None,
    patience_s: float,
    progress: Progress,
) -> Hello:
    """What the image says of itself, or an error that says what answered instead."""
    until = time.monotonic() + patience_s
    while True:
        progress("waiting for the firmware to answer", 0, 0)
        port = _reappeared(port, usb)
        overheard = bytearray()
        try:
            transport = _Overheard(link.SerialTransport(port, baud=_link_baud(image)), overheard)
            with link.Device(
                transport, timeout_s=_HELLO_TIMEOUT_S, attempts=_HELLO_ATTEMPTS
            ) as device:
                return _same(device.hello, image, port)
        except (ProtocolError, DeviceError) as error:
            raise FlashError(
                f"the image is in the flash memory of the board at {port}, but what answers there "
                f"is no firmware of it: {error}",
                hint=_RESET_BY_HAND,
            ) from error
        except (LinkError, SerialPortError) as error:
            if time.monotonic() > until:
                raise _mute(image, port, bytes(overheard), error) from error


_OTHER_SOCKET = "a board with two USB sockets answers at the one that its firmware was built for"
_RESET_BY_HAND = "reset the board; if that changes nothing, flash it again with --erase"


def _same(hello: Hello, image: FlashImage, port: str) -> Hello:
    if hello.model_sha256 != image.model_sha256:
        raise FlashError(
            f"the board at {port} answers with another model: {hello.model_name!r} "
            f"({hello.model_sha256[:12]}…), not {image.model_name!r} ({image.model_sha256[:12]}…)",
            hint=_RESET_BY_HAND,
        )
    if hello.build_id != image.build_id:
        raise FlashError(
            f"the board at {port} answers with another build of the model: "
            f"{hello.build_id or 'one that does not say which'}, not {image.build_id}",
            hint=_RESET_BY_HAND,
        )
    return hello


def _mute(image: FlashImage, port: str, overheard: bytes, error: Exception) -> FlashError:
    """Nobody answered: say what the chip prints instead, restarted for that if need be."""
    heard = overheard
    if not heard.strip():
        with contextlib.suppress(SerialPortError, FlashError):
            heard = flash.listen_to_start(port, _LISTEN_S)
    says, findings = flash.what_it_says(heard, image.chip)
    advice = [finding.advice for finding in findings if finding.advice]
    return FlashError(
        f"the image is in the flash memory of the board at {port}, every byte verified, but its "
        f"firmware does not answer: {says} ({error})",
        hint="; ".join(advice) or f"{_RESET_BY_HAND}; {_OTHER_SOCKET}",
    )


def _reappeared(port: str, usb: serial_ports.SerialPort | None) -> str:
    """The port's path, once it is there (again)."""
    until = time.monotonic() + _APPEAR_S
    while usb is not None and time.monotonic() < until:
        if (now := serial_ports.now_at(usb)) is not None:
            return now
        time.sleep(0.1)
    return port


def _link_baud(image: FlashImage) -> int:
    with contextlib.suppress(BoardError):
        return boards.load(image.board_id, image.framework or None).reach.baud or link.DEFAULT_BAUD
    return link.DEFAULT_BAUD


class _Overheard:
    """A transport whose received bytes are kept, the last of them."""

    def __init__(self, transport: Transport, kept: bytearray) -> None:
        self._transport, self._kept = transport, kept

    def read(self, max_bytes: int, timeout_s: float) -> bytes:
        received = self._transport.read(max_bytes, timeout_s)
        self._kept += received
        del self._kept[:-_KEPT_BYTES]
        return received

    def write(self, sent: bytes) -> None:
        self._transport.write(sent)

    def close(self) -> None:
        self._transport.close()
