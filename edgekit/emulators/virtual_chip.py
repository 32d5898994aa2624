"""The life of a virtual chip, from one reset to the next, in the one thread that is the chip."""

from __future__ import annotations

import dataclasses
import random
import threading
import time
from collections import deque
from typing import TypeVar

from edgekit.boards.board import Esptool
from edgekit.emulators import virtual_loader, virtual_rom
from edgekit.emulators.virtual_boot import boot
from edgekit.emulators.virtual_faults import (
    BootNoise,
    BrownOutLoop,
    Fault,
    Mode,
    Reenumeration,
    Reset,
    WatchdogInInvoke,
    WrongBootMode,
)
from edgekit.emulators.virtual_line import Line, Order
from edgekit.emulators.virtual_loader import SYNC, FlashMemory, StartApplication
from edgekit.emulators.virtual_program import REBOOT_CODE, Program
from edgekit.emulators.virtual_wiring import SETTLE_S, BridgeLines, Lines, UsbLines, Wiring

_LOOP_S = 0.3  # from a boot that failed to the next
_LISTEN_S = 60.0
_CONSOLE_BYTES = 4096
_INVOKE = 5  # number of the link's message, see docs/protocol.md

_F = TypeVar("_F", bound=Fault)


class Restart(Order):
    """A reset of the chip.

    Args:
        reset: why.
        into: loader or application; None: as the boot pin says, in a moment.
        heard: what the new life has still to be told.
    """

    def __init__(self, reset: Reset, into: Mode | None, heard: bytes = b"") -> None:
        super().__init__()
        self.reset, self.into, self.heard = reset, into, heard


class Plug(Order):
    """The plug is put in, or pulled."""

    def __init__(self, *, into: bool) -> None:
        super().__init__()
        self.into = into


class Hold(Order):
    """EN is low: the chip stands still until a Restart."""


class End(Order):
    """The chip is to be no more."""


class Chip:
    """What `live` does in its own thread, and what other threads may see of it.

    `changed` guards the public attributes below it, and is notified when one of them changes.
    """

    def __init__(self, settings: Esptool, flash: FlashMemory, line: Line, wiring: Wiring) -> None:
        self.line, self.flash = line, flash
        self._settings, self._in_band = settings, wiring is Wiring.IN_BAND
        self.lines: Lines | None = None
        if wiring is Wiring.BRIDGE:
            self._bridge = BridgeLines(
                lambda: line.interrupt(Hold()),
                lambda: line.interrupt(Restart(Reset.POWER_ON, None)),
            )
            self.lines = self._bridge
        elif wiring is Wiring.USB:
            self.lines = UsbLines(lambda into: line.interrupt(Restart(Reset.USB, into)))
        self._rom = virtual_rom.ROMS[settings.chip]
        self._heard_tail = b""
        self.changed = threading.Condition()
        self.mode = Mode.BOOTING
        self.resets: list[Reset] = []
        self.faults: list[Fault] = []
        self.console: deque[int] = deque(maxlen=_CONSOLE_BYTES)
        self.program: Program | None = None
        self.last_words = ""
        self.failure: Exception | None = None

    def live(self) -> None:
        """Be the chip until an End."""
        start: Restart | None = Restart(Reset.POWER_ON, Mode.APPLICATION)
        try:
            while True:
                try:
                    if start is not None:
                        self._start(start)
                    self._be(Mode.HELD if self.line.plugged else Mode.UNPLUGGED)
                    while True:
                        self.line.read(_LISTEN_S)
                except Restart as restart:
                    start = restart
                except Hold:
                    start = None
                except StartApplication as left:
                    reset = Reset.POWER_ON if left.heard else Reset.SOFTWARE
                    start = Restart(reset, Mode.APPLICATION, left.heard)
                except Plug as plug:
                    if plug.into:
                        self.line.plug()
                    else:
                        self.line.unplug()
                    start = Restart(Reset.POWER_ON, Mode.APPLICATION)
        except End:
            self.line.unplug()
        except Exception as error:
            self.line.unplug()
            with self.changed:
                self.failure = error
                self.changed.notify_all()

    def _be(self, mode: Mode) -> None:
        with self.changed:
            self.mode = mode
            self.changed.notify_all()

    def _start(self, start: Restart) -> None:
        """Live from one reset to the next; return only when unplugged."""
        if not self.line.plugged:
            return
        with self.changed:
            self.resets.append(start.reset)
        self._be(Mode.BOOTING)
        self._heard_tail = b""
        if (gap := self._fault(Reenumeration)) is not None and len(self.resets) > 1:
            self.line.unplug()
            self._pause(gap.gap_s)
            self.line.plug()
        if (noise := self._fault(BootNoise)) is not None:
            self.line.say(random.Random(noise.seed).randbytes(noise.size_bytes))
        into = self._boot_mode(start)
        self._print(self._rom.greeting(start.reset, into))
        if into is Mode.LOADER:
            self._load(start.heard if start.into is into else b"")
        else:
            self._boot(start.reset, start.heard if start.into is into else b"")

    def _boot_mode(self, start: Restart) -> Mode:
        into = start.into
        if into is None:
            self._pause(2 * SETTLE_S)
            into = self._bridge.sampled()
        straps = self._fault(WrongBootMode)
        return into if straps is None else straps.into

    def _load(self, heard: bytes) -> None:
        self._print(self._rom.waiting())
        self._be(Mode.LOADER)
        virtual_loader.serve(
            self.line, self.flash, self._settings.chip, heard=heard, in_band=self._in_band
        )

    def _boot(self, reset: Reset, heard: bytes) -> None:
        booted = boot(self.flash.read(), self._settings)
        self._print(booted.text)
        if booted.program is None:
            self._be(Mode.BOOT_LOOP if booted.loops else Mode.HALTED)
            self._listen(_LOOP_S if booted.loops else None)
            raise Restart(Reset.BOOT_FAILED, Mode.APPLICATION)
        if self._take(BrownOutLoop):
            self._be(Mode.BOOT_LOOP)
            self._print(virtual_rom.BROWN_OUT)
            self._pause(_LOOP_S)
            raise Restart(Reset.BROWN_OUT, Mode.APPLICATION)
        program = Program(booted.program, reset)
        try:
            self.program = program
            self._be(Mode.APPLICATION)
            self._relay(program, heard)
        finally:
            self.program, self.last_words = None, program.last_output()
            program.close()

    def _relay(self, program: Program, heard: bytes) -> None:
        """Be the wire between host and program; return when unplugged."""
        while self.line.plugged:
            if heard:
                self._notice_sync(heard)
                program.write(heard)
                if self._ends_invoke(heard) and self._take(WatchdogInInvoke):
                    self._bite(program)
            written = program.read()
            if written is None:
                self._ended(program.exit_code())
            elif written:
                self.line.write(written)
            heard = self.line.read(_LISTEN_S, also=program.fileno())

    def _bite(self, program: Program) -> None:
        """Let the program say that it runs, and no more."""
        deadline = time.monotonic() + 1.0
        said = b""
        while said.count(0) < 2 and time.monotonic() < deadline:
            self.line.read(0.1, also=program.fileno())
            if (written := program.read()) is None:
                break
            said += written
        first, _, _ = said[1:].partition(b"\0")
        self.line.write(said[:1] + first + b"\0")
        raise Restart(Reset.WATCHDOG, Mode.APPLICATION)

    def _ended(self, code: int) -> None:
        if code == REBOOT_CODE:
            raise Restart(Reset.SOFTWARE, Mode.APPLICATION)
        if code < 0:
            self._print(virtual_rom.panic("LoadProhibited"))
            raise Restart(Reset.PANIC, Mode.APPLICATION)
        self._be(Mode.HALTED)
        self._listen(None)

    def _listen(self, duration_s: float | None) -> None:
        """Wait, and let a SYNC reset the chip; None: for ever."""
        deadline = time.monotonic() + (duration_s or float("inf"))
        while self.line.plugged and (left_s := deadline - time.monotonic()) > 0:
            self._notice_sync(self.line.read(min(left_s, _LISTEN_S)))

    def _pause(self, duration_s: float) -> None:
        """Wait, deaf."""
        deadline = time.monotonic() + duration_s
        while (left_s := deadline - time.monotonic()) > 0:
            self.line.read(left_s)

    def _notice_sync(self, heard: bytes) -> None:
        tail = self._heard_tail + heard
        self._heard_tail = tail[-len(SYNC) :]
        at = tail.find(SYNC)
        if self._in_band and at >= 0:
            raise Restart(Reset.POWER_ON, Mode.LOADER, tail[at:])

    def _ends_invoke(self, heard: bytes) -> bool:
        """True if what was heard ends a frame of the link that asks for an invoke."""
        frames = self._heard_tail.split(b"\0")[:-1]
        return heard.endswith(b"\0") and bool(frames) and frames[-1][1:2] == bytes([_INVOKE])

    def _print(self, text: str) -> None:
        printed = text.encode()
        with self.changed:
            self.console.extend(printed)
        self.line.say(printed)

    def _fault(self, kind: type[_F]) -> _F | None:
        with self.changed:
            return next((fault for fault in self.faults if isinstance(fault, kind)), None)

    def _take(self, kind: type[BrownOutLoop | WatchdogInInvoke]) -> bool:
        """True if the fault is to strike now; it does so a number of times."""
        fault = self._fault(kind)
        if fault is None:
            return False
        with self.changed:
            self.faults.remove(fault)
            if fault.times is None:
                self.faults.append(fault)
            elif fault.times > 1:
                self.faults.append(dataclasses.replace(fault, times=fault.times - 1))
        return True
