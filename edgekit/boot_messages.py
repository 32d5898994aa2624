"""What an ESP32 prints as it starts -> what happened, and what to do.

A pure function over text: who reads the serial line (to flash it, to monitor it) does not matter.

Sources: esptool's documentation, "Boot Mode Selection" (what the ROM prints, which strapping pin is
which bit of boot:0x…); ESP-IDF 5.5, components/esp_rom/include/<chip>/rom/rtc.h, RESET_REASON (what
rst:0x… means); bootloader_support, spi_flash and esp_system there (what its boot loader prints).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "another-chip",
    "boot-loop",
    "brown-out",
    "download-mode",
    "flash-voltage",
    "flash-size",
    "no-application",
    "no-boot-loader",
    "no-psram",
    "panic",
    "started",
    "watchdog",
    "wrong-boot-mode",
]

#: What explains why nothing works comes before what only follows from it.
_ORDER: tuple[Kind, ...] = (
    "another-chip",
    "brown-out",
    "flash-voltage",
    "wrong-boot-mode",
    "no-boot-loader",
    "flash-size",
    "no-application",
    "no-psram",
    "panic",
    "watchdog",
    "boot-loop",
    "download-mode",
    "started",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that the text says."""

    kind: Kind
    evidence: str  # the line that says so
    meaning: str
    advice: str  # empty where there is nothing to do

    def __str__(self) -> str:
        return f"{self.meaning} ({self.evidence!r})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Strapping:
    """The pins that a chip looks at as it leaves reset, as bits of the number after boot:."""

    boot_pin: str  # low: listen to esptool; high: start what is in flash memory
    boot_bit: int
    other_pin: str  # has to be at `other_level` to listen to esptool
    other_bit: int
    other_level: int


#: Source: esptool's documentation, "Boot Mode Selection".
STRAPPING = {
    "esp32": Strapping(
        boot_pin="GPIO0", boot_bit=0x10, other_pin="GPIO2", other_bit=0x08, other_level=0
    ),
    "esp32s3": Strapping(
        boot_pin="GPIO0", boot_bit=0x08, other_pin="GPIO46", other_bit=0x04, other_level=0
    ),
    "esp32c3": Strapping(
        boot_pin="GPIO9", boot_bit=0x08, other_pin="GPIO8", other_bit=0x04, other_level=1
    ),
    "esp32c6": Strapping(
        boot_pin="GPIO9", boot_bit=0x08, other_pin="GPIO8", other_bit=0x04, other_level=1
    ),
}
_ESP32_MTDI_BIT = 0x20  # GPIO12: high selects 1.8 V for the flash memory

_BROWN_OUT = {
    15: "the supply voltage fell",
    19: "its clock had a glitch",
    23: "its supply had a glitch",
}
_WATCHDOGS = {
    4: "the old watchdog",
    7: "the watchdog of timer group 0",
    8: "the watchdog of timer group 1",
    9: "the RTC watchdog",
    11: "the watchdog of timer group 0",
    13: "the RTC watchdog",
    16: "the RTC watchdog",
    17: "the watchdog of timer group 1",
    18: "the super watchdog",
}
_LOOP_RESETS = 3  # as many starts in one text are no accident

_POWER = (
    "supply more current: another USB port or cable, no hub, or a supply of its own; "
    "unplug what draws from the board"
)
_FLASH_AGAIN = "flash it again with --erase"
_MONITOR = "`edgekit monitor` shows where, with the ELF of the build"

_RESET = re.compile(r"rst:0x([0-9a-fA-F]+) \(([^)]*)\)(?:,boot:0x([0-9a-fA-F]+) \(([^\n]*)\))?")
_BANNER = re.compile(r"ESP-ROM:(esp32[a-z0-9]*)|(ets [A-Z][a-z]{2} +\d+ 201[0-9])")

#: Text, kind, meaning, advice. A meaning may use the groups of its expression.
_LINES: tuple[tuple[str, Kind, str, str], ...] = (
    (
        r"Brownout detector was triggered",
        "brown-out",
        "the supply voltage fell so far that the chip gave up",
        _POWER,
    ),
    (
        r"invalid header: 0xffffffff",
        "no-boot-loader",
        "the flash memory is empty where its boot loader belongs",
        _FLASH_AGAIN,
    ),
    (
        r"invalid header: 0x(?!ffffffff)[0-9a-f]+",
        "no-boot-loader",
        "where the boot loader belongs is something else",
        _FLASH_AGAIN,
    ),
    (
        r"flash read err, ([0-9a-fA-F]+)",
        "no-boot-loader",
        "no boot loader could be read at 0x{0} of the flash memory",
        f"{_FLASH_AGAIN}; if that changes nothing, look for what is wired to its pins",
    ),
    (
        r"Detected size\((\d+)k\) smaller than the size in the binary image header\((\d+)k\)",
        "flash-size",
        "the flash memory has {0} KiB, the firmware was built for {1} KiB",
        "build for this board: its board file says how much flash memory it has",
    ),
    (
        r"No bootable app partitions",
        "no-application",
        "the boot loader found no application that it could start",
        _FLASH_AGAIN,
    ),
    (
        r"load partition table error|Failed to verify partition table",
        "no-application",
        "the boot loader found no partition table",
        _FLASH_AGAIN,
    ),
    (
        r"SHA-256 comparison failed|Checksum failed|image at 0x\w+ has invalid magic byte",
        "no-application",
        "the application in flash memory is damaged",
        _FLASH_AGAIN,
    ),
    (
        r"mismatch chip ID, expected (\d+), found (\d+)",
        "another-chip",
        "the application was built for another chip (number {1}, this is {0})",
        "build the model for this board: see `edgekit boards`",
    ),
    (
        r"Image requires (?:chip|efuse blk) rev",
        "another-chip",
        "the application was built for another revision of the chip",
        "build for the revision that is there: CONFIG_ESP32…_REV_MIN in sdkconfig.defaults",
    ),
    (
        r"Failed to init external RAM|PSRAM ID read error|PSRAM chip not found",
        "no-psram",
        "no PSRAM answered",
        "this module has none or another kind: build for the board without PSRAM",
    ),
    (
        r"Task watchdog got triggered",
        "watchdog",
        "a task kept a core for longer than the task watchdog allows",
        _MONITOR,
    ),
    (
        r"Interrupt wdt timeout on CPU(\d)",
        "watchdog",
        "interrupts were off for too long on core {0}",
        _MONITOR,
    ),
    (
        r"Guru Meditation Error: Core +(\d) panic'ed \(([^)]*)\)",
        "panic",
        "the firmware crashed on core {0}: {1}",
        _MONITOR,
    ),
    (
        r"waiting for download",
        "download-mode",
        "the chip waits for esptool",
        "",
    ),
    (
        r"wait (usb|spi) download",
        "wrong-boot-mode",
        "the chip waits for a download by {0}, which esptool does not speak",
        "",
    ),
)


def decode(text: str, *, chip: str | None = None) -> tuple[Finding, ...]:
    """What `text` says, the most telling first; each kind of finding once, from its last line.

    Args:
        text: what came over the serial line; anything else may stand between.
        chip: which it ought to be, as esptool names it; the text itself may say otherwise.
    """
    seen = _chip_of(text)
    found: dict[Kind, Finding] = {}
    for finding in (*_lines(text), *_resets(text, seen or chip), *_foreign(text, seen, chip)):
        found[finding.kind] = finding
    return tuple(found[kind] for kind in _ORDER if kind in found)


def _chip_of(text: str) -> str | None:
    """The chip that prints: the first ESP32 does not give its name."""
    banners = list(_BANNER.finditer(text))
    if not banners:
        return None
    return banners[-1].group(1) or "esp32"


def _foreign(text: str, seen: str | None, chip: str | None) -> Iterator[Finding]:
    if seen is None or chip is None or seen == chip:
        return
    banner = list(_BANNER.finditer(text))[-1]
    yield Finding(
        kind="another-chip",
        evidence=banner.group(0),
        meaning=f"the chip is an {seen}, not an {chip}",
        advice="choose another serial port, or build the model for this board",
    )


def _lines(text: str) -> Iterator[Finding]:
    for expression, kind, meaning, advice in _LINES:
        for match in re.finditer(expression, text):
            yield Finding(
                kind=kind,
                evidence=match.group(0),
                meaning=meaning.format(*match.groups()),
                advice=advice,
            )


def _resets(text: str, chip: str | None) -> Iterator[Finding]:
    resets = list(_RESET.finditer(text))
    for reset in resets:
        yield from _why(reset)
        if reset.group(3) is not None and chip in STRAPPING:
            yield from _boot_mode(reset, chip, STRAPPING[chip])
    if len(resets) >= _LOOP_RESETS:
        yield Finding(
            kind="boot-loop",
            evidence=resets[-1].group(0),
            meaning=f"the chip started {len(resets)} times in a row",
            advice="",
        )


def _why(reset: re.Match[str]) -> Iterator[Finding]:
    number = int(reset.group(1), 16)
    if number in _BROWN_OUT:
        yield Finding(
            kind="brown-out",
            evidence=reset.group(0),
            meaning=f"the chip was reset because {_BROWN_OUT[number]}",
            advice=_POWER,
        )
    if number in _WATCHDOGS:
        yield Finding(
            kind="watchdog",
            evidence=reset.group(0),
            meaning=f"{_WATCHDOGS[number]} reset the chip: its program hung, or never started",
            advice=_MONITOR,
        )


def _boot_mode(reset: re.Match[str], chip: str, pins: Strapping) -> Iterator[Finding]:
    bits, line = int(reset.group(3), 16), reset.group(0)
    if chip == "esp32" and bits & _ESP32_MTDI_BIT:
        yield Finding(
            kind="flash-voltage",
            evidence=line,
            meaning="GPIO12 (MTDI) was high at reset, which gives the flash memory 1.8 V",
            advice="unplug what pulls GPIO12 up: most modules have flash memory for 3.3 V",
        )
    if bits & pins.boot_bit:
        yield Finding(
            kind="started",
            evidence=line,
            meaning=f"the chip started what is in flash memory: {pins.boot_pin} was high at reset",
            advice="",
        )
    elif bool(bits & pins.other_bit) == bool(pins.other_level):
        yield Finding(
            kind="download-mode",
            evidence=line,
            meaning=f"the chip waits for esptool: {pins.boot_pin} was low at reset",
            advice="",
        )
    else:
        state = ("high", "low")[pins.other_level]
        yield Finding(
            kind="wrong-boot-mode",
            evidence=line,
            meaning=f"{pins.boot_pin} was low at reset, but {pins.other_pin} {state}: "
            "a boot mode that neither starts firmware nor listens to esptool",
            advice=f"unplug what pulls {pins.other_pin} {('up', 'down')[pins.other_level]}",
        )
