"""What Espressif's mask ROMs and second boot loader print, as real boards were seen to do.

Monitors and flashers read this text: `rst:` says why the chip started, `boot:` where to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edgekit.emulators.virtual_faults import Mode, Reset

_SPI_PINS = "clk_drv:0x00,q_drv:0x00,d_drv:0x00,cs0_drv:0x00,hd_drv:0x00,wp_drv:0x00"
_RETRIES = 8  # the ROM looks for a header again and again until its watchdog bites


@dataclass(frozen=True, slots=True, kw_only=True)
class Rom:
    """The words of one chip's ROM, and where its boot loader's segment is loaded."""

    banner: tuple[str, ...]
    resets: Mapping[Reset, str]
    boots: Mapping[Mode, str]
    before_load: tuple[str, ...]
    lost: str  # the line at which the ROM gives up
    decimal_lengths: bool
    load_address: int

    def greeting(self, reset: Reset, mode: Mode) -> str:
        """The first lines after a reset that leads into `mode`."""
        why = f"rst:{self.resets[reset]},boot:{self.boots[mode]}"
        return _lines(*self.banner, why)

    def waiting(self) -> str:
        """What the loader says when it is ready."""
        return _lines("waiting for download")

    def no_header(self, word: int) -> str:
        """There is no image where the boot loader belongs, but `word`."""
        return _lines(*[f"invalid header: 0x{word:08x}"] * _RETRIES, self.lost)

    def loaded(self, segments: list[tuple[int, int]], entry: int) -> str:
        """The boot loader was taken: address and size of each segment, and where it begins."""
        form = "len:{}" if self.decimal_lengths else "len:{:#x}"
        loads = [f"load:{address:#010x},{form.format(size)}" for address, size in segments]
        return _lines(*self.before_load, *loads, f"entry {entry:#010x}")

    def wrong_checksum(self, found: int, stored: int) -> str:
        """The boot loader's checksum is wrong."""
        return _lines(*self.before_load, f"csum err:0x{found:02x}!=0x{stored:02x}", self.lost)


def error(tag: str, text: str) -> str:
    """A line of the second boot loader, or of ESP-IDF."""
    return _lines(f"E (32) {tag}: {text}")


def panic(reason: str) -> str:
    """The application did what the chip forbids."""
    return _lines("", f"Guru Meditation Error: Core  0 panic'ed ({reason}).", "Rebooting...")


BROWN_OUT = "\r\nBrownout detector was triggered\r\n\r\n"


def _lines(*lines: str) -> str:
    return "".join(f"{line}\r\n" for line in lines)


def _resets(
    power: str, software: str, watchdog: str, brown_out: str, rtc: str, usb: str
) -> dict[Reset, str]:
    return {
        Reset.POWER_ON: f"0x1 ({power})",
        Reset.USB: f"0x15 ({usb})",
        Reset.SOFTWARE: f"0xc ({software})",
        Reset.PANIC: f"0xc ({software})",
        Reset.WATCHDOG: f"0x8 ({watchdog})",
        Reset.BROWN_OUT: f"0xf ({brown_out})",
        Reset.BOOT_FAILED: rtc,
    }


_FLASH = "SPI_FAST_FLASH_BOOT"
_NEWER = _resets(
    "POWERON",
    "RTC_SW_CPU_RST",
    "TG1WDT_SYS_RST",
    "BROWNOUT_RST",
    "0x7 (TG0WDT_SYS_RST)",
    "USB_UART_CHIP_RESET",
)


def _boots(application: str, loader: str) -> dict[Mode, str]:
    return {Mode.APPLICATION: f"{application} ({_FLASH})", Mode.LOADER: loader}


#: By what esptool calls the chip.
ROMS: Mapping[str, Rom] = {
    "esp32": Rom(
        banner=("ets Jul 29 2019 12:21:46", ""),
        resets=_resets(
            "POWERON_RESET",
            "SW_CPU_RESET",
            "TG1WDT_SYS_RESET",
            "RTCWDT_BROWN_OUT_RESET",
            "0x10 (RTCWDT_RTC_RESET)",
            "",  # it has no USB
        ),
        boots=_boots("0x13", "0x3 (DOWNLOAD_BOOT(UART0/UART1/SDIO_REI_REO_V2))"),
        before_load=("configsip: 0, SPIWP:0xee", _SPI_PINS, "mode:DIO, clock div:2"),
        lost="ets_main.c 371 ",
        decimal_lengths=True,
        load_address=0x3FFF_0030,
    ),
    "esp32s3": Rom(
        banner=("ESP-ROM:esp32s3-20210327", "Build:Mar 27 2021"),
        resets=_NEWER,
        boots=_boots("0x8", "0x0 (DOWNLOAD(USB/UART0))"),
        before_load=("SPIWP:0xee", "mode:DIO, clock div:1"),
        lost="ets_main.c 329 ",
        decimal_lengths=False,
        load_address=0x3FCE_3810,
    ),
    "esp32c3": Rom(
        banner=("ESP-ROM:esp32c3-api1-20210207", "Build:Feb  7 2021"),
        resets=_NEWER,
        boots=_boots("0xc", "0x4 (DOWNLOAD(USB/UART0/1))"),
        before_load=("SPIWP:0xee", "mode:DIO, clock div:1"),
        lost="ets_main.c 333 ",
        decimal_lengths=False,
        load_address=0x3FCD_5820,
    ),
    "esp32c6": Rom(
        banner=("ESP-ROM:esp32c6-20220919", "Build:Sep 19 2022"),
        resets=_resets(
            "POWERON",
            "SW_CPU",
            "TG1_WDT_HPSYS",
            "LP_BOD_SYS",
            "0x7 (TG0_WDT_HPSYS)",
            "USB_UART_HPSYS",
        ),
        boots=_boots("0xc", "0x4 (DOWNLOAD(USB/UART0/SDIO_REI_FEO))"),
        before_load=("SPIWP:0xee", "mode:DIO, clock div:2"),
        lost="ets_main.c 341 ",
        decimal_lengths=False,
        load_address=0x4086_C410,
    ),
}
