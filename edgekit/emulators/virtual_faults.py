"""What can be wrong with a virtual ESP32: each fault is a frozen value, given or injected.

>>> with VirtualEsp32(board, faults=(BootNoise(), WatchdogInInvoke())) as chip:  # doctest: +SKIP
...     chip.inject(PortVanishes(after_bytes=1000))
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Reset(Enum):
    """Why the chip last started."""

    POWER_ON = "power-on"  # also the reset button, and RTS of a USB bridge
    USB = "usb"  # by DTR and RTS of the chip's own USB-Serial-JTAG
    SOFTWARE = "software"
    WATCHDOG = "watchdog"
    PANIC = "panic"
    BROWN_OUT = "brown-out"
    BOOT_FAILED = "boot failed"  # the boot loader's own watchdog: nothing bootable was found


class Mode(Enum):
    """What the chip does."""

    BOOTING = "booting"
    LOADER = "loader"  # waits for a download: esptool can speak to it
    APPLICATION = "application"
    BOOT_LOOP = "boot loop"  # resets again and again: erased or damaged flash memory, brown-outs
    HELD = "held"  # in reset, by RTS
    HALTED = "halted"  # the application has ended, or is none that this computer can run
    UNPLUGGED = "unplugged"  # no power, and no serial port


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongBootMode:
    """The strapping pins are wrong: every reset leads into `into`, whatever was asked for.

    Mode.LOADER: GPIO0 (or 9) is held low, the application never starts.
    Mode.APPLICATION: it is never pulled low, so esptool never finds the loader.
    """

    into: Mode

    def __post_init__(self) -> None:
        if self.into not in (Mode.LOADER, Mode.APPLICATION):
            raise ValueError(f"a chip boots into its loader or its application, not {self.into}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reenumeration:
    """Each reset takes the serial port away; after `gap_s` another one appears.

    As of chips that are their own USB device. `VirtualEsp32.serial_port` then has another value.
    """

    gap_s: float = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class BrownOutLoop:
    """The supply is weak: the application browns out as it starts, `times` times; None: always."""

    times: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchdogInInvoke:
    """The watchdog resets the chip while the model runs, in the next `times` invokes."""

    times: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class BootNoise:
    """Each reset begins with `size_bytes` bytes that mean nothing, as at a wrong baud rate."""

    size_bytes: int = 200
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PortVanishes:
    """The plug is pulled once `after_bytes` more bytes have come from the host.

    `VirtualEsp32.plug` puts it back: power-on, and another serial port.
    """

    after_bytes: int = 0


Fault = WrongBootMode | Reenumeration | BrownOutLoop | WatchdogInInvoke | BootNoise | PortVanishes
