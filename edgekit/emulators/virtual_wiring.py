"""How a host resets the chip: what DTR and RTS are wired to, or what stands in for them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from enum import Enum
from typing import Protocol

from edgekit.emulators.virtual_faults import Mode

#: From EN's rise to the moment at which the chip looks at its boot pin: a capacitor slows EN down.
SETTLE_S = 0.01


class Wiring(Enum):
    """How a host resets the chip."""

    #: Not by lines: esptool's SYNC, when it reaches the application, counts as a reset into the
    #: loader; a frame of the link, when it reaches the loader, as one into the application.
    IN_BAND = "in-band"
    #: DTR and RTS of a USB bridge pull the boot pin and EN low, through two transistors that undo
    #: each other when both lines are on. Source: schematics of Espressif's development boards.
    BRIDGE = "bridge"
    #: The chip's own USB-Serial-JTAG understands them as commands. Source: ESP32-C3 Technical
    #: Reference Manual, USB Serial/JTAG Controller, reset by DTR and RTS.
    USB = "usb"


class Lines(Protocol):
    """Takes what a host sets DTR and RTS to; from any thread."""

    def set(self, *, dtr: bool, rts: bool) -> None:
        """Both lines, as they are now."""
        ...


class BridgeLines:
    """Two lines, two transistors, one capacitor."""

    def __init__(self, hold: Callable[[], None], release: Callable[[], None]) -> None:
        self._hold, self._release = hold, release
        self._lock = threading.Lock()
        self._held = self._boot_low = False
        self._settled_at = 0.0

    def set(self, *, dtr: bool, rts: bool) -> None:
        """RTS alone pulls EN low, DTR alone the boot pin."""
        with self._lock:
            held, now = rts and not dtr, time.monotonic()
            was_held, self._held = self._held, held
            if was_held and not held:
                self._settled_at = now + SETTLE_S
            if held or now <= self._settled_at:
                self._boot_low = dtr and not rts
        if held and not was_held:
            self._hold()
        elif was_held and not held:
            self._release()

    def sampled(self) -> Mode:
        """Where the chip boots to, SETTLE_S after it was released."""
        return Mode.LOADER if self._boot_low else Mode.APPLICATION


class UsbLines:
    """The commands of a USB-Serial-JTAG peripheral."""

    def __init__(self, reset: Callable[[Mode], None]) -> None:
        self._reset = reset
        self._into = Mode.APPLICATION
        self._before = (False, False)

    def set(self, *, dtr: bool, rts: bool) -> None:
        """DTR alone: the next reset leads into the loader; none: it does not; RTS alone: reset."""
        now, before = (dtr, rts), self._before
        self._before = now
        if now == (True, False):
            self._into = Mode.LOADER
        elif now == (False, False):
            self._into = Mode.APPLICATION
        elif now == (False, True) and before != now:
            self._reset(self._into)
