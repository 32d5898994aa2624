"""An ESP32 that is not there: esptool flashes it, and what it then runs answers over the link.

Its one serial port is a pseudo-terminal. First the chip's ROM is behind it, with the loader that
the real esptool speaks to; after a reset, the application: the program that lies in the virtual
chip's flash memory, found as the ROM and the second boot loader find it. Such a program is made
by `stand_in`. It is the firmware built for this computer: nothing that it measures is an ESP32's.

A pseudo-terminal carries no DTR and no RTS, by which a real board is reset. So bytes stand in for
them: see Wiring.IN_BAND. With the other wirings they reach the chip, from within this process,
through the serial port's URL, `lines_url`.
"""

from __future__ import annotations

import threading
import weakref
from pathlib import Path
from types import TracebackType

from edgekit.boards import Board
from edgekit.emulators.virtual_chip import Chip, End, Plug, Restart
from edgekit.emulators.virtual_faults import Fault, Mode, PortVanishes, Reset
from edgekit.emulators.virtual_image import settings_of
from edgekit.emulators.virtual_line import Line
from edgekit.emulators.virtual_loader import FlashMemory
from edgekit.emulators.virtual_wiring import Lines, Wiring
from edgekit.errors import EmulatorError

_DEFAULT_FLASH_BYTES = 4 << 20

_running: weakref.WeakSet[VirtualEsp32] = weakref.WeakSet()


class VirtualEsp32:
    """A virtual chip with flash memory, on power from the start until close().

    >>> with VirtualEsp32(boards.load("esp32")) as chip:  # doctest: +SKIP
    ...     flash.write(image, chip.serial_port)
    ...     with Device(SerialTransport(chip.serial_port)) as device:
    ...         print(device.hello.model_name)

    Args:
        board: one that esptool flashes, with the chip that is wanted.
        flash_bytes: of its flash memory, a power of two; None: as the board has, or 4 MiB.
        faults: what is wrong with it from the start; more can be injected later.
        wiring: how a host resets it.
        stable_path: have a symbolic link here to the serial port that there is, as udev has for
            boards that change their names; `serial_port` is then this path.

    Raises:
        BoardError: the board is no ESP32, or has a chip that no virtual chip plays.
        ToolMissingError: esptool or esp32-mock-bootloader is not installed.
    """

    def __init__(
        self,
        board: Board,
        *,
        flash_bytes: int | None = None,
        faults: tuple[Fault, ...] = (),
        wiring: Wiring = Wiring.IN_BAND,
        stable_path: Path | None = None,
    ) -> None:
        self.board = board
        settings = settings_of(board)
        if wiring is Wiring.USB and settings.chip == "esp32":
            raise ValueError("an ESP32 has no USB of its own")
        size_bytes = flash_bytes or board.flash_bytes or _DEFAULT_FLASH_BYTES
        self.flash = FlashMemory(1 << (size_bytes - 1).bit_length())
        self._chip = Chip(settings, self.flash, Line(stable_path), wiring)
        self._closed = False
        for fault in faults:
            self.inject(fault)
        self._thread = threading.Thread(
            target=self._chip.live, name=f"virtual {settings.chip}", daemon=True
        )
        self._thread.start()
        _running.add(self)

    @property
    def serial_port(self) -> str:
        """Its name; another one after each re-enumeration."""
        return self._chip.line.name

    @property
    def lines_url(self) -> str:
        """A URL that pyserial opens, in this process only: the serial port with DTR and RTS.

        Raises:
            ValueError: the chip is wired to none.
        """
        import serial

        if self._chip.lines is None:
            raise ValueError("the chip has no lines: give it Wiring.BRIDGE or Wiring.USB")
        handlers = "edgekit.emulators.serial_urls"
        if handlers not in serial.protocol_handler_packages:
            serial.protocol_handler_packages.append(handlers)
        return f"virtual://{self.serial_port}"

    @property
    def mode(self) -> Mode:
        """What the chip does now."""
        return self._chip.mode

    @property
    def resets(self) -> tuple[Reset, ...]:
        """Why the chip started, each time so far."""
        with self._chip.changed:
            return tuple(self._chip.resets)

    @property
    def pid(self) -> int | None:
        """Of the process that is the application; None while there is none."""
        program = self._chip.program
        return None if program is None else program.pid

    def console(self) -> str:
        """The end of what ROM and boot loader printed."""
        with self._chip.changed:
            return bytes(self._chip.console).decode(errors="replace")

    def last_output(self) -> str:
        """The end of what the last application wrote on its standard error: not the link."""
        return self._chip.last_words

    def reset(self, into: Mode = Mode.APPLICATION) -> None:
        """Press the reset button; with Mode.LOADER, while the boot button is held.

        Returns when the chip has reset; it may still be booting.
        """
        with self._chip.changed:
            count = len(self._chip.resets)
            self._chip.line.interrupt(Restart(Reset.POWER_ON, into))
            self._chip.changed.wait_for(lambda: len(self._chip.resets) > count, timeout=10)
        self.check_alive()

    def unplug(self) -> None:
        """Pull the plug: no power, no serial port."""
        self._chip.line.interrupt(Plug(into=False))
        self.wait_for(Mode.UNPLUGGED)

    def plug(self) -> None:
        """Put the plug in again: another serial port, and power-on."""
        self._chip.line.interrupt(Plug(into=True))
        self.wait_for(*(mode for mode in Mode if mode is not Mode.UNPLUGGED))

    def inject(self, fault: Fault) -> None:
        """Have `fault` as well, in place of one of its kind."""
        if isinstance(fault, PortVanishes):
            self._chip.line.unplug_after(fault.after_bytes)
            return
        with self._chip.changed:
            others = [f for f in self._chip.faults if type(f) is not type(fault)]
            self._chip.faults = [*others, fault]

    def heal(self) -> None:
        """Have no fault any more."""
        with self._chip.changed:
            self._chip.faults = []

    def wait_for(self, *modes: Mode, timeout_s: float = 10.0) -> None:
        """Wait until the chip is in one of `modes`.

        Raises:
            EmulatorError: it is not within `timeout_s`; what it printed is in the message.
        """
        chip = self._chip
        with chip.changed:
            arrived = chip.changed.wait_for(
                lambda: chip.mode in modes or chip.failure is not None, timeout_s
            )
        self.check_alive()
        if not arrived:
            wanted = " or ".join(mode.value for mode in modes)
            raise EmulatorError(
                f"the virtual {self.board.id} is in mode {chip.mode.value!r} after "
                f"{timeout_s:g} s, not in {wanted!r}; it last printed:\n{self.console().strip()}"
            )

    def check_alive(self) -> None:
        """Raise EmulatorError if the virtual chip itself failed."""
        if (failure := self._chip.failure) is not None:
            raise EmulatorError(f"the virtual {self.board.id} failed: {failure}") from failure

    def close(self) -> None:
        """End the chip and what it runs. May be called twice."""
        if self._closed:
            return
        self._closed = True
        self._chip.line.interrupt(End())
        self._thread.join()
        self._chip.line.close()
        _running.discard(self)

    def __enter__(self) -> VirtualEsp32:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def lines_behind(path: str) -> Lines | None:
    """DTR and RTS of the chip that has the serial port `path` now."""
    for chip in list(_running):
        if chip.serial_port == path:
            return chip._chip.lines
    return None


def close_all() -> None:
    """End every virtual chip of this process."""
    for chip in list(_running):
        chip.close()
