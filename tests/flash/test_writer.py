"""The real esptool writes to a chip that a program plays."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from esptool.bin_image import ImageSegment
from esptool.targets import CHIP_DEFS
from support.flash_images import MIB, image_for
from support.played_chip import PlayedChip, played_chip

from edgekit import flash
from edgekit.errors import FlashError, ImageError, WrongBoardError
from edgekit.flash import FlashOptions, ImagePart

CHIPS = ("esp32", "esp32s3", "esp32c3", "esp32c6")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EDGEKIT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def esp32() -> Iterator[PlayedChip]:
    with played_chip("esp32") as chip:
        yield chip


def boot_loader(chip: str, *, revision: int) -> ImagePart:
    """One that starts on chips of that revision or newer."""
    rom = CHIP_DEFS[chip]
    image = rom.BOOTLOADER_IMAGE()
    segment = ImageSegment(0x3FFF0000, bytes(64))
    segment.name = ""
    image.segments = [segment]
    image.min_rev_full, image.max_rev_full = revision, 65535
    content: bytes = image.save(None)
    return ImagePart(offset=rom.BOOTLOADER_FLASH_OFFSET, name="bootloader.bin", content=content)


@pytest.mark.parametrize("chip", CHIPS)
def test_an_image_is_written_and_verified(chip: str):
    image = image_for(chip)
    stages: list[str] = []
    with played_chip(chip) as board:
        written = flash.write(image, board.port, progress=lambda stage, *_: stages.append(stage))
        again = flash.verify(image, board.port)
    assert written.chip == chip
    assert written.flash_size_bytes == 4 * MIB
    assert [part.written_bytes for part in written.parts] == [3001, 7001]
    assert written.failures == ()
    for part in image.parts:
        assert board.flash[part.offset : part.end] == part.content
    assert again.written_bytes == 0
    assert {"writing partitions.bin", "writing app.bin", "verifying"} <= set(stages)


def test_what_is_there_already_is_not_written_again(esp32: PlayedChip):
    image = image_for("esp32")
    flash.write(image, esp32.port)
    app = dataclasses.replace(image.parts[1], content=image.parts[1].content[::-1])
    newer = dataclasses.replace(image, parts=(image.parts[0], app))
    written = flash.write(newer, esp32.port)
    assert [part.written_bytes for part in written.parts] == [0, 7001]


def test_other_content_is_found_and_left_alone(esp32: PlayedChip):
    flash.write(image_for("esp32"), esp32.port)
    other = image_for("esp32", seed=2)
    with pytest.raises(FlashError, match=r"partitions\.bin, app\.bin .* differs from the image"):
        flash.verify(other, esp32.port)
    assert flash.verify(image_for("esp32"), esp32.port).written_bytes == 0


def test_erasing_first_leaves_nothing_else(esp32: PlayedChip):
    first = image_for("esp32", sizes=(3001, 7001, 5001))
    flash.write(first, esp32.port)
    second = dataclasses.replace(first, parts=first.parts[:1])
    written = flash.write(second, esp32.port, options=FlashOptions(erase=True))
    assert written.written_bytes == 3001  # also what was there
    with pytest.raises(FlashError, match=r"^app\.bin, storage\.bin in"):
        flash.verify(first, esp32.port)


def test_flash_memory_that_does_not_read_as_erased_is_no_success(esp32: PlayedChip):
    image = image_for("esp32")
    flash.write(image, esp32.port)
    # This loader in ROM acknowledges an erase and erases nothing.
    with pytest.raises(FlashError, match="does not read as erased"):
        flash.write(image, esp32.port, options=FlashOptions(erase=True, stub=False))


def test_a_chip_of_an_older_revision_is_refused_at_once(esp32: PlayedChip):
    with pytest.raises(WrongBoardError, match=r"another revision .* requires chip revision v9.0"):
        flash.write(image_for("esp32", parts=(boot_loader("esp32", revision=900),)), esp32.port)


def test_the_loader_in_rom_does_without_the_stub(esp32: PlayedChip):
    image = image_for("esp32")
    written = flash.write(image, esp32.port, options=FlashOptions(stub=False))
    assert written.written_bytes == image.size_bytes


def test_another_chip_is_refused_and_nothing_is_written(esp32: PlayedChip):
    flash.write(image_for("esp32"), esp32.port)
    with pytest.raises(WrongBoardError) as caught:
        flash.write(image_for("esp32c3"), esp32.port)
    assert "is an ESP32, the image is for an ESP32-C3 (board esp32-c3)" in str(caught.value)
    assert flash.verify(image_for("esp32"), esp32.port).written_bytes == 0


def test_a_board_that_was_refused_goes_on_with_what_it_had():
    started: list[bytes] = []

    def application(sent: bytes) -> bytes:
        started.append(sent)
        return b""

    with played_chip("esp32", application=application) as board:
        with pytest.raises(WrongBoardError):
            flash.write(image_for("esp32c3"), board.port)
        deadline = time.monotonic() + 5
        while not started and time.monotonic() < deadline:
            time.sleep(0.01)
    assert started


def test_too_small_a_flash_memory_is_refused(esp32: PlayedChip):
    with pytest.raises(WrongBoardError, match=r"has 4 MiB of flash memory.* built for 8 MiB"):
        flash.write(image_for("esp32", flash_size_bytes=8 * MIB), esp32.port)


def test_a_boot_loader_for_another_chip_is_refused_before_a_port_is_opened():
    header = bytes([0xE9, 1, 2, 0x20]) + bytes(8) + (5).to_bytes(2, "little") + bytes(18)
    image = image_for("esp32s3", parts=(ImagePart(offset=0, name="boot.bin", content=header),))
    with pytest.raises(ImageError, match=r"boot\.bin is for ESP32-C3, but the image for ESP32-S3"):
        flash.write(image, "/dev/nowhere")


def test_an_image_that_starts_straight_from_flash_memory_has_no_header_to_check():
    content = 2 * (0xAEDB041D).to_bytes(4, "little") + bytes(range(256))
    image = image_for("esp32c3", parts=(ImagePart(offset=0, name="direct.bin", content=content),))
    with played_chip("esp32c3") as board:
        flash.write(image, board.port)
        assert board.flash[: len(content)] == content


def test_an_unknown_chip_is_refused():
    with pytest.raises(ImageError, match="for chip 'esp99'"):
        flash.write(image_for("esp99"), "/dev/nowhere")


def test_what_esptool_says_is_in_the_log_only(esp32: PlayedChip, capfd: pytest.CaptureFixture[str]):
    written = flash.write(image_for("esp32"), esp32.port)
    assert capfd.readouterr() == ("", "")
    assert "Hash of data verified" in written.log.read_text()
