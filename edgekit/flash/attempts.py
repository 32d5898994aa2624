"""Attempts at one task with a chip: each connects anew, and no failure is lost."""

from __future__ import annotations

import contextlib
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from edgekit import serial_ports
from edgekit.errors import EdgekitError, FlashError, SerialPortError
from edgekit.flash import advice
from edgekit.flash.esptool_log import heard_in, new_log
from edgekit.flash.image import FlashImage
from edgekit.flash.loader import Loader, MismatchError, chip_id
from edgekit.flash.options import BAUD_STEPS, FlashOptions, Written, WrittenPart
from edgekit.flash.recorded_port import PortVanishedError, RecordedPort, StalledError
from edgekit.flash.reset_ladder import NoAnswerError, climb, detect_again, restart_and_listen
from edgekit.progress import Progress

_ROM_BAUD = 115200
_EXTRA_ATTEMPTS = 2  # at the lowest speed
_STUB_ATTEMPTS = 2  # then the loader in ROM has to do
_BOOT_S = 1.5  # a chip says within this time why it does not start


class NoisyLineError(FlashError):
    """The chip answered, then the conversation broke."""


class DifferentError(FlashError):
    """The flash memory has other content than the image: what a verification is to find out."""


_WORTH_ANOTHER = (NoisyLineError, MismatchError, NoAnswerError, PortVanishedError, StalledError)


@dataclass(slots=True, kw_only=True)
class Work:
    """One task, over all attempts at it."""

    image: FlashImage
    port: str
    options: FlashOptions
    progress: Progress
    log: Path = field(default_factory=new_log)
    erased: bool = False
    written: dict[int, int] = field(default_factory=dict)  # bytes, by offset in flash memory
    failures: list[str] = field(default_factory=list)
    stub_failures: int = 0
    answered: bool = False  # a loader, once
    baud: int = _ROM_BAUD  # of the attempt before
    on_block: Callable[[int, int], None] = lambda done, total: None  # esptool's progress bar
    usb: serial_ports.SerialPort | None = None  # by which it is found again


@dataclass(slots=True, kw_only=True)
class Attempt:
    """A connected chip."""

    work: Work
    loader: Loader


def until_done(work: Work, task: Callable[[Attempt], None]) -> Written:
    """Do `task` with the chip behind the work's port, as often as is worth it; start the chip.

    Raises: what write() in writer.py says.
    """
    started, mismatch = time.monotonic(), False
    work.usb = next((p for p in serial_ports.connected() if p.path == work.port), None)
    with heard_in(work.log, lambda done, total: work.on_block(done, total)) as say:
        for baud in _speeds(work.options.baud):
            say(f"attempt {len(work.failures) + 1} at {baud} baud")
            try:
                facts = _attempt(work, baud, task)
            except _WORTH_ANOTHER as error:
                work.failures.append(f"at {baud} baud: {error}")
                mismatch = isinstance(error, MismatchError)
                say(traceback.format_exc())
            except EdgekitError:
                say(traceback.format_exc())
                raise
            else:
                return _result(work, facts, baud, time.monotonic() - started)
    raise advice.gave_up(work.port, work.failures, mismatch, work.log)


def _speeds(first: int) -> tuple[int, ...]:
    steps = (first, *(baud for baud in BAUD_STEPS if baud < first))
    return steps + steps[-1:] * _EXTRA_ATTEMPTS


@dataclass(frozen=True, slots=True, kw_only=True)
class _Facts:
    chip: str
    mac: str
    flash_size_bytes: int | None


def _attempt(work: Work, baud: int, task: Callable[[Attempt], None]) -> _Facts:
    port = _open(work)
    loader: Loader | None = None
    try:
        loader = Loader(_answering(work, port), port)
        _prepare(work, loader, port, baud)
        task(Attempt(work=work, loader=loader))
        facts = _Facts(chip=loader.chip, mac=loader.mac, flash_size_bytes=loader.flash_size_bytes)
        _let_go(loader)
        return facts
    except _WORTH_ANOTHER:
        raise
    except EdgekitError:
        if loader is not None:
            _let_go(loader)
        raise
    except Exception as error:  # esptool raises whatever garbage leads to: FatalError, IndexError…
        raise NoisyLineError(advice.sentence_of(error)) from error
    finally:
        port.close()


def _let_go(loader: Loader) -> None:
    """Start what is in flash memory, also on a board that was refused: it shall go on as before."""
    with contextlib.suppress(Exception):  # who answers afterwards is asked by others
        loader.start_application()


def _open(work: Work) -> RecordedPort:
    """The port; one that vanished is given time to come back, also under another path.

    Raises:
        SerialPortError: it cannot be opened.
        FlashError: it was there, and does not come back.
    """
    if not work.failures:
        return RecordedPort(work.port, baud=_ROM_BAUD)
    until = time.monotonic() + work.options.reappear_s
    while True:
        work.port = serial_ports.now_at(work.usb) or work.port
        try:
            return RecordedPort(work.port, baud=_ROM_BAUD)
        except SerialPortError as error:
            if time.monotonic() > until:
                raise advice.lost(work.port, str(error), work.log) from error
        work.progress(f"waiting for {work.port} to come back", 0, 0)
        time.sleep(0.1)


def _prepare(work: Work, loader: Loader, port: RecordedPort, baud: int) -> None:
    """Make sure that it is the image's chip, unlocked, with room; then make it fast."""
    if loader.chip != work.image.chip:
        found = loader.chip
        if chip_id(detect_again(port)) != found:
            raise NoisyLineError("the chip gave different answers to what it is")
        raise advice.wrong_chip(work.port, found, work.image)
    loader.refuse_locked()
    if work.options.stub and work.stub_failures < _STUB_ATTEMPTS:
        try:
            loader.start_stub()
        except Exception:
            work.stub_failures += 1
            raise
    if baud != port.baudrate:
        work.baud = baud
        loader.change_baud(baud)
    loader.attach(work.image)


def _answering(work: Work, port: RecordedPort) -> object:
    """esptool's object for the chip, or an error that says what is known of why there is none."""
    work.progress(f"connecting to {work.port}", 0, 0)
    try:
        esp = climb(
            port,
            last_baud=work.baud,
            button_wait_s=0.0 if work.answered else work.options.button_wait_s,
            ask=advice.press_buttons(work.image.chip),
            progress=work.progress,
        )
        work.answered = True
        return esp
    except NoAnswerError as error:
        if work.answered:
            raise
        heard = port.received
        if not port.is_open:
            port.open()
        heard += restart_and_listen(port, _BOOT_S)
        raise advice.no_answer(work.port, work.image, error.tried, heard, work.log) from error


def _result(work: Work, facts: _Facts, baud: int, seconds: float) -> Written:
    parts = tuple(
        WrittenPart(
            name=part.name,
            offset=part.offset,
            size_bytes=len(part.content),
            written_bytes=sum(
                size for at, size in work.written.items() if part.offset <= at < part.end
            ),
        )
        for part in work.image.parts
    )
    return Written(
        port=work.port,
        chip=facts.chip,
        mac=facts.mac,
        flash_size_bytes=facts.flash_size_bytes,
        baud=baud,
        parts=parts,
        failures=tuple(work.failures),
        seconds=round(seconds, 3),
        log=work.log,
    )
