"""What chips print, word for word, and what it means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.boot_messages import Finding, decode

ESP32 = "ets Jun  8 2016 00:22:57\r\n\r\n"
C3 = "ESP-ROM:esp32c3-api1-20210207\r\nBuild:Feb  7 2021\r\n"
S3 = "ESP-ROM:esp32s3-20210327\r\nBuild:Mar 27 2021\r\n"
C6 = "ESP-ROM:esp32c6-20220919\r\nBuild:Sep 19 2022\r\n"


def kinds(text: str, chip: str | None = None) -> list[str]:
    return [finding.kind for finding in decode(text, chip=chip)]


def first(text: str, chip: str | None = None) -> Finding:
    return decode(text, chip=chip)[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (ESP32 + "rst:0x1 (POWERON_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)\r\n", ["started"]),
        (ESP32 + "rst:0x1 (POWERON_RESET),boot:0x12 (SPI_FAST_FLASH_BOOT)\r\n", ["started"]),
        (
            ESP32 + "rst:0x1 (POWERON_RESET),boot:0x3 (DOWNLOAD_BOOT(UART0/UART1/SDIO_REI_REO_V2))"
            "\r\nwaiting for download\r\n",
            ["download-mode"],
        ),
        (ESP32 + "rst:0x1 (POWERON_RESET),boot:0xb (HSPI_FLASH_BOOT)\r\n", ["wrong-boot-mode"]),
        (
            ESP32 + "rst:0x1 (POWERON_RESET),boot:0x33 (SPI_FAST_FLASH_BOOT)\r\n"
            "flash read err, 1000\r\n",
            ["flash-voltage", "no-boot-loader", "started"],
        ),
        (S3 + "rst:0x1 (POWERON),boot:0x8 (SPI_FAST_FLASH_BOOT)\r\n", ["started"]),
        (S3 + "rst:0x1 (POWERON),boot:0x2b (SPI_FAST_FLASH_BOOT)\r\n", ["started"]),
        (
            S3 + "rst:0x15 (USB_UART_CHIP_RESET),boot:0x0 (DOWNLOAD(USB/UART0))\r\n",
            ["download-mode"],
        ),
        (C3 + "rst:0x1 (POWERON),boot:0xc (SPI_FAST_FLASH_BOOT)\r\n", ["started"]),
        (
            C3 + "rst:0x1 (POWERON),boot:0x5 (DOWNLOAD(USB/UART0/1))\r\nwaiting for download\r\n",
            ["download-mode"],
        ),
        (
            C3 + "rst:0x1 (POWERON),boot:0x1 (SPI_DOWNLOAD_BOOT)\r\nwait spi download\r\n",
            ["wrong-boot-mode"],
        ),
        (
            C6 + "rst:0x15 (USB_UART_HPSYS),boot:0x4 (DOWNLOAD(USB/UART0/SDIO_FEI_FEO))\r\n",
            ["download-mode"],
        ),
        (C6 + "rst:0x1 (POWERON),boot:0x6c (SPI_FAST_FLASH_BOOT)\r\n", ["started"]),
    ],
)
def test_strapping_pins_are_read_from_the_boot_mode(text: str, expected: list[str]):
    assert kinds(text) == expected


def test_the_pin_to_look_at_is_named():
    finding = first(C3 + "rst:0x1 (POWERON),boot:0x1 (SPI_DOWNLOAD_BOOT)\r\n")
    assert "GPIO9 was low at reset, but GPIO8 low" in finding.meaning
    assert finding.advice == "unplug what pulls GPIO8 down"


def test_an_empty_flash_memory_in_a_watchdog_loop():
    once = (
        C3 + "rst:0x7 (TG0WDT_SYS_RST),boot:0x8 (SPI_FAST_FLASH_BOOT)\r\nSaved PC:0x4004d1f8\r\n"
        "invalid header: 0xffffffff\r\ninvalid header: 0xffffffff\r\n"
    )
    assert kinds(3 * once) == ["no-boot-loader", "watchdog", "boot-loop", "started"]
    assert kinds(2 * once) == ["no-boot-loader", "watchdog", "started"]
    assert "is empty" in first(once).meaning
    assert "3 times" in decode(3 * once)[2].meaning


def test_something_else_than_a_boot_loader():
    assert "something else" in first("invalid header: 0x1234abcd").meaning


def test_a_brown_out_comes_before_what_follows_from_it():
    text = (
        S3 + "rst:0x3 (RTC_SW_SYS_RST),boot:0x8 (SPI_FAST_FLASH_BOOT)\r\n"
        "E BOD: Brownout detector was triggered\r\n\r\n"
        + S3
        + "rst:0xf (BROWNOUT_RST),boot:0x8 (SPI_FAST_FLASH_BOOT)\r\n"
    )
    assert kinds(text) == ["brown-out", "started"]
    assert "USB port or cable" in first(text).advice


@pytest.mark.parametrize("number", ["4", "7", "8", "9", "b", "d", "10", "11", "12"])
def test_every_watchdog_is_known(number: str):
    text = f"rst:0x{number} (SOME_WDT),boot:0x13 (SPI_FAST_FLASH_BOOT)"
    assert kinds(text, "esp32") == ["watchdog", "started"]


@pytest.mark.parametrize(
    ("line", "kind", "meaning"),
    [
        (
            "E (98) spi_flash: Detected size(2048k) smaller than the size in the binary image "
            "header(4096k). Probe failed.",
            "flash-size",
            "the flash memory has 2048 KiB, the firmware was built for 4096 KiB",
        ),
        (
            "E (72) boot: mismatch chip ID, expected 0, found 9",
            "another-chip",
            "the application was built for another chip (number 9, this is 0)",
        ),
        (
            "E (210) boot: No bootable app partitions in the partition table",
            "no-application",
            "the boot loader found no application that it could start",
        ),
        (
            "E (1) quad_psram: PSRAM ID read error: 0x00ffffff, PSRAM chip not found",
            "no-psram",
            "no PSRAM answered",
        ),
        (
            "Guru Meditation Error: Core  1 panic'ed (LoadProhibited). Exception was unhandled.",
            "panic",
            "the firmware crashed on core 1: LoadProhibited",
        ),
    ],
)
def test_the_boot_loaders_words(line: str, kind: str, meaning: str):
    finding = first(f"I (20) boot: something\r\n{line}\r\n")
    assert (finding.kind, finding.meaning) == (kind, meaning)


def test_the_chip_that_prints_may_not_be_the_one_that_is_wanted():
    text = S3 + "rst:0x1 (POWERON),boot:0x8 (SPI_FAST_FLASH_BOOT)\r\n"
    assert first(text, "esp32c3").meaning == "the chip is an esp32s3, not an esp32c3"
    assert kinds(text, "esp32s3") == ["started"]


def test_words_of_an_application_mean_nothing():
    assert decode("Hello world\r\nboot: 3\r\n", chip="esp32") == ()


@given(st.text(max_size=200), st.sampled_from([None, "esp32", "esp32c3", "esp8266", ""]))
def test_any_text_is_taken(text: str, chip: str | None):
    decode(text + "rst:0x" + text + "boot:0x", chip=chip)
