"""What a board says, as it comes: text, frames by their names, crashes decoded where they end."""

from __future__ import annotations

import contextlib
import os
import select
import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from edgekit import boards, crashes, link, serial_ports
from edgekit.crashes import Crash, CrashReader, Diagnosis
from edgekit.errors import LinkError, SerialPortError, UserError
from edgekit.link import HeardFrame, Listener
from edgekit.serial_ports import SerialPort

_TICK_S = 0.1
_PATIENCE_S = 0.3  # silence after which half a line is shown
_CRASH_PATIENCE_S = 1.0  # silence after which a crash has been told
_READ_BYTES = 65536
_LONGEST_LINE_BYTES = 4096

#: Bytes as they come (b"": none for a moment), or a note about the line itself.
Chunks = Generator[bytes | str, None, None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One thing to show, when it came."""

    kind: Literal["text", "frame", "note", "crash"]
    text: str  # of text: with the end of its line, or without it if that has not come yet
    at_s: float  # time.time()
    diagnosis: Diagnosis | None = None  # of a crash


def monitor(
    chunks: Chunks, *, elf: Path | None = None, once: bool = False, for_s: float | None = None
) -> Iterator[Seen]:
    """Make sense of what a board says.

    Args:
        chunks: from `serial_chunks` or `stream_chunks`.
        elf: what to look addresses up in.
        once: end after the first crash.
        for_s: end after so many seconds.

    Raises:
        UserError: `elf` is no ELF.
    """
    watch = _Watch(elf)
    deadline = None if for_s is None else time.monotonic() + for_s
    heard_at = time.monotonic()
    with contextlib.closing(chunks):
        for chunk in chunks:
            now = time.monotonic()
            if chunk:
                heard_at = now
            for seen in watch.take(chunk, now - heard_at):
                yield seen
                if once and seen.kind == "crash":
                    return
            if deadline is not None and now > deadline:
                break
    for seen in watch.end():
        yield seen
        if once and seen.kind == "crash":
            return


class _Watch:
    """What has come so far: half a line, half a frame, half a crash."""

    def __init__(self, elf: Path | None) -> None:
        self._elf = elf
        self._image = None if elf is None else crashes.open_image(elf)
        self._is_other_build = False
        self._listener = Listener()
        self._reader = CrashReader()
        self._line = b""  # without its end yet
        self._shown = 0  # bytes of it

    def take(self, chunk: bytes | str, quiet_s: float) -> Iterator[Seen]:
        """Bytes or a note; if there is nothing, then for `quiet_s` already."""
        if isinstance(chunk, str):
            yield from self._end_line()
            yield _seen("note", chunk)
            return
        yield from self._heard(self._listener.feed(chunk))
        if quiet_s > _PATIENCE_S:
            yield from self._heard(self._listener.flush())
            yield from self._show_rest()
        if quiet_s > _CRASH_PATIENCE_S and self._reader.is_open:
            yield from self._end_line()
            yield from self._told(self._reader.finish())

    def end(self) -> Iterator[Seen]:
        """Nothing comes any more."""
        yield from self._heard(self._listener.flush())
        yield from self._end_line()
        yield from self._told(self._reader.finish())

    def _heard(self, parts: Iterable[bytes | HeardFrame]) -> Iterator[Seen]:
        for part in parts:
            yield from self._frame(part) if isinstance(part, HeardFrame) else self._text(part)

    def _text(self, text: bytes) -> Iterator[Seen]:
        *ended, rest = (self._line + text).split(b"\n")
        for line in ended:
            yield _seen("text", _readable(line[self._shown :].rstrip(b"\r")) + "\n")
            self._shown = 0
            yield from self._told(self._reader.feed(_readable(line)))
        self._line = rest
        if len(self._line) > _LONGEST_LINE_BYTES:
            yield from self._end_line()

    def _show_rest(self) -> Iterator[Seen]:
        """Show what there is of a line, such as a prompt."""
        if len(self._line) > self._shown:
            yield _seen("text", _readable(self._line[self._shown :]))
            self._shown = len(self._line)

    def _end_line(self) -> Iterator[Seen]:
        """The line will not go on."""
        if self._line:
            yield from self._text(b"\n")

    def _frame(self, frame: HeardFrame) -> Iterator[Seen]:
        yield from self._end_line()
        yield _seen("frame", f"[frame: {frame}]")
        hello = frame.hello
        if hello is None or self._image is None or not hello.build_id:
            return
        self._is_other_build = not self._image.contains(f"+{hello.build_id}".encode())
        if self._is_other_build:
            yield _seen(
                "note",
                f"the board runs build {hello.build_id} of {hello.model_name!r}, "
                f"which {self._image.path} is not: it is not used",
            )

    def _told(self, found: Iterable[Crash]) -> Iterator[Seen]:
        for crash in found:
            elf = None if self._is_other_build else self._elf
            diagnosis = crashes.symbolize(crash, elf)
            text = "\n".join(crashes.lines(diagnosis))
            yield Seen(kind="crash", text=text, at_s=time.time(), diagnosis=diagnosis)


def _seen(kind: Literal["text", "frame", "note"], text: str) -> Seen:
    return Seen(kind=kind, text=text, at_s=time.time())


def _readable(line: bytes) -> str:
    """Text as it is; what is none as \\x.., but for colours and tabs."""
    text = line.decode(errors="backslashreplace")
    return "".join(
        c if c.isprintable() or c in "\t\x1b\r" else c.encode("unicode_escape").decode()
        for c in text
    )


# ---- where bytes come from -------------------------------------------------------------------


def stream_chunks(descriptor: int) -> Chunks:
    """A file or a pipe, to its end."""
    while True:
        if not select.select([descriptor], [], [], _TICK_S)[0]:
            yield b""
            continue
        chunk = os.read(descriptor, _READ_BYTES)
        if not chunk:
            return
        yield chunk


def file_chunks(path: Path) -> Chunks:
    """A file, whole.

    Raises:
        UserError: it cannot be read.
    """
    try:
        yield path.read_bytes()
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from error


def serial_chunks(port: str, *, baud: int = 115200) -> Chunks:
    """A serial port, without an end: where it vanishes, it is waited for.

    Raises:
        SerialPortError: it cannot be opened at first, or `port` is "auto" and there is not one.
    """
    path = only_port() if port == "auto" else port
    known = next((found for found in serial_ports.connected() if found.path == path), None)
    transport = link.SerialTransport(path, baud=baud)
    yield f"listening to {path} at {baud} baud; Ctrl-C ends"
    try:
        while True:
            try:
                yield transport.read(_READ_BYTES, _TICK_S)
            except LinkError:
                transport.close()
                yield f"{path} vanished; waiting for it to come back"
                for came_back in _waited_for(path, known, baud):
                    if came_back is not None:
                        transport = came_back
                    yield b""
                path = transport.port
                yield f"{path} is back"
    finally:
        transport.close()


def _waited_for(
    path: str, known: SerialPort | None, baud: int
) -> Iterator[link.SerialTransport | None]:
    """None as long as the port is not there; then it, and no more."""
    while True:
        for candidate in (path, *other_paths(path, known, serial_ports.connected())):
            with contextlib.suppress(SerialPortError):
                yield link.SerialTransport(candidate, baud=baud)
                return
        yield None
        time.sleep(_TICK_S)


def other_paths(
    path: str, known: SerialPort | None, connected: Sequence[SerialPort]
) -> tuple[str, ...]:
    """Where the USB device that was at `path` is now: /dev/ttyACM0 may become /dev/ttyACM1."""
    if known is None or known.usb_serial is None:
        return ()
    return tuple(p.path for p in connected if p.usb_serial == known.usb_serial and p.path != path)


def only_port(connected: Sequence[SerialPort] | None = None) -> str:
    """The serial port of the one board that is connected.

    Args:
        connected: the serial ports; those of this computer unless given.

    Raises:
        SerialPortError: there is none, or there are several.
    """
    ports = serial_ports.connected() if connected is None else connected
    found = [port for port in ports if port.usb_id is not None]
    usb = {usb_id for board in boards.all_boards() for usb_id in board.reach.usb}
    likely = [port for port in found if port.usb_id in usb] or found
    if len(likely) == 1:
        return likely[0].path
    if not likely:
        raise SerialPortError(
            "no board is connected by USB", hint="plug one in, or name its serial port with --port"
        )
    names = ", ".join(f"{port.path} ({port.description})" for port in likely)
    raise SerialPortError(
        f"several boards are connected: {names}", hint="name one of them with --port"
    )


# ---- the ELF ---------------------------------------------------------------------------------


def find_elf(path: Path) -> Path:
    """The ELF that a person means: a file, or the newest that a project's build left.

    Raises:
        UserError: there is none.
    """
    if not path.is_dir():
        return path
    patterns = ("build/firmware.elf", "firmware.elf", ".pio/build/*/firmware.elf", "build/*.elf")
    found = {elf for pattern in patterns for elf in path.glob(pattern)}
    if not found:
        raise UserError(
            f"{path} holds no firmware.elf",
            hint="build the project first, or name the ELF itself",
        )
    return max(found, key=lambda elf: elf.stat().st_mtime)
