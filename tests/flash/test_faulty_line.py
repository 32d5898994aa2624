"""Whatever the line does: a verified image, or an error that says what happened."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from esp32_mock_bootloader.server import FlashImage as FlashMemory
from esptool.targets import CHIP_DEFS
from support.faulty_line import CutLine, FaultyLine, OtherRegisters, long_packets_damaged
from support.flash_images import MIB, image_for
from support.played_chip import PlayedChip, clean, played_chip

from edgekit import flash
from edgekit.errors import EdgekitError, FlashError, WrongBoardError
from edgekit.flash import FlashImage, FlashOptions, Written
from edgekit.flash.recorded_port import RecordedPort

CHIPS = ("esp32", "esp32s3", "esp32c3", "esp32c6")
QUICK = FlashOptions(reappear_s=0.3)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEKIT_CACHE", str(tmp_path / "cache"))


def is_whole(image: FlashImage, board: PlayedChip) -> bool:
    return all(board.flash[part.offset : part.end] == part.content for part in image.parts)


def outcome(seed: int, kind: str, rate: float, *, most: int = 1 << 30) -> Written | EdgekitError:
    """Write over a line with faults. What is said to be written is written."""
    chip = CHIPS[seed % len(CHIPS)]
    image = image_for(chip, seed=seed)
    line = FaultyLine(seed=seed, most=most, **{kind: rate})  # type: ignore[arg-type]
    started = time.monotonic()
    with played_chip(chip, line=line) as board:
        try:
            written: Written | EdgekitError = flash.write(image, board.port, options=QUICK)
            assert is_whole(image, board)
        except EdgekitError as error:
            written = error
    assert line.faults > 0 or rate < 0.001
    assert time.monotonic() - started < 120
    return written


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", ["lost", "flipped", "doubled"])
def test_a_few_faults_are_overcome_and_told(kind: str, seed: int):
    written = outcome(seed, kind, 0.001, most=4)  # each spoils one attempt of six
    assert isinstance(written, Written), written
    assert len(written.failures) <= 4
    assert (written.baud < 921600) == bool(written.failures)


def test_delays_cost_time_only():
    written = outcome(1, "delayed", 0.1)
    assert isinstance(written, Written)
    assert written.failures == ()


def test_a_line_that_is_no_good_ends_in_an_error_that_names_every_attempt():
    image = image_for("esp32s3")
    with played_chip("esp32s3", line=long_packets_damaged) as board:
        with pytest.raises(FlashError) as caught:
            flash.write(image, board.port)
        assert not is_whole(image, board)
    assert caught.value.exit_code == 1
    assert "could not be flashed in 6 attempts" in str(caught.value)
    for baud in (921600, 460800, 230400, 115200):
        assert f"at {baud} baud: " in str(caught.value)
    assert ".log" in str(caught.value)
    assert "shorter cable" in str(caught.value.hint)


@pytest.mark.slow
@pytest.mark.parametrize("rate", [0.0003, 0.001, 0.004])
@pytest.mark.parametrize("kind", ["lost", "flipped", "doubled", "delayed"])
@pytest.mark.parametrize("seed", range(10, 16))
def test_no_fault_is_ever_a_false_success(seed: int, kind: str, rate: float):
    outcome(seed, kind, 100 * rate if kind == "delayed" else rate)


def bytes_sent(image: FlashImage) -> int:
    """How many bytes go to the chip when all goes well."""
    count = 0

    def line(to_chip: bool, content: bytes) -> bytes:
        nonlocal count
        count += len(content) if to_chip else 0
        return clean(to_chip, content)

    with played_chip(image.chip, line=line) as board:
        flash.write(image, board.port)
    return count


@pytest.mark.parametrize("share", [0.01, 0.3, 0.6, 0.9])
def test_a_board_that_is_unplugged_is_an_error(tmp_path: Path, share: float):
    image = image_for("esp32c3")
    port = tmp_path / "ttyUSB0"  # unlike the pseudo-terminal's own name, nobody else takes it
    cut = CutLine(round(share * bytes_sent(image)), on_cut=port.unlink)
    with played_chip("esp32c3", line=cut) as board:
        port.symlink_to(board.port)
        with pytest.raises(FlashError) as caught:
            flash.write(image, str(port), options=QUICK)
    assert "vanished while the board was flashed, and did not come back" in str(caught.value)
    assert caught.value.exit_code == 1


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def test_what_was_written_before_the_cable_was_pulled_is_kept(tmp_path: Path, stack: ExitStack):
    image = image_for("esp32c3", sizes=(3001, 7001, 5001))
    memory = FlashMemory()
    port = tmp_path / "ttyUSB0"
    # After the second part was verified, in the third.
    cut = CutLine(bytes_sent(image) - 4000, on_cut=port.unlink)
    first = stack.enter_context(played_chip("esp32c3", line=cut, memory=memory))
    second = stack.enter_context(played_chip("esp32c3", memory=memory))
    port.symlink_to(first.port)
    plugged_in = threading.Timer(1.5, lambda: port.symlink_to(second.port))
    plugged_in.start()
    stack.callback(plugged_in.join)
    stages: list[str] = []
    written = flash.write(image, str(port), progress=lambda stage, *_: stages.append(stage))
    assert is_whole(image, second)
    assert len(written.failures) == 1
    assert "vanished" in written.failures[0]
    again = stages[stages.index(f"waiting for {port} to come back") :]
    assert "writing partitions.bin" not in again
    assert "writing storage.bin" in again


class WornMemory(FlashMemory):
    """One bit of it does not hold."""

    def end_defl(self) -> None:
        super().end_defl()
        self.data[0x10010] &= 0xFE

    def write_plain_block(self, payload: bytes) -> None:
        super().write_plain_block(payload)
        self.data[0x10010] &= 0xFE


def test_memory_that_does_not_hold_is_no_success():
    image = image_for("esp32c3", seed=3)
    part = image.parts[1]
    content = bytearray(part.content)
    content[0x10] |= 1
    worn = image_for(
        "esp32c3",
        parts=(flash.ImagePart(offset=part.offset, name=part.name, content=bytes(content)),),
    )
    with played_chip("esp32c3", memory=WornMemory()) as board:
        with pytest.raises(FlashError) as caught:
            flash.write(worn, board.port)
        assert not is_whole(worn, board)
    assert "could not be flashed in 6 attempts" in str(caught.value)
    assert "worn or broken" in str(caught.value.hint)


def silence(to_chip: bool, content: bytes) -> bytes:
    return b""


def test_a_silent_port_says_which_buttons_to_press():
    with (
        played_chip("esp32c3", line=silence) as board,
        pytest.raises(FlashError, match=r"no ESP32-C3 listens at .*nothing was received") as caught,
    ):
        flash.write(image_for("esp32c3"), board.port)
    assert "hold BOOT (GPIO9), press and release RST" in str(caught.value.hint)


def test_a_person_is_given_time_to_press_the_buttons():
    pressed_at = time.monotonic() + 5.0  # by then no reset has helped

    def not_yet(to_chip: bool, content: bytes) -> bytes:
        return content if time.monotonic() > pressed_at else b""

    stages: list[str] = []
    image = image_for("esp32s3")
    with played_chip("esp32s3", line=not_yet) as board:
        flash.write(
            image,
            board.port,
            options=FlashOptions(button_wait_s=30.0),
            progress=lambda stage, *_: stages.append(stage),
        )
        assert is_whole(image, board)
    assert any("hold BOOT (GPIO0), press and release RST" in stage for stage in stages)


def speak(board_words: bytes, chip: str = "esp32") -> FlashError:
    """What is said of a board whose firmware prints `board_words` over and over."""
    master, slave = os.openpty()
    RecordedPort(os.ttyname(slave), baud=115200).close()  # leaves it raw
    stop = threading.Event()

    def firmware() -> None:
        while not stop.wait(0.02):
            os.write(master, board_words)

    thread = threading.Thread(target=firmware)
    thread.start()
    try:
        with pytest.raises(FlashError) as caught:
            flash.write(image_for(chip), os.ttyname(slave))
    finally:
        stop.set()
        thread.join()
        os.close(master)
        os.close(slave)
    return caught.value


def test_a_running_firmware_is_quoted():
    assert "a firmware runs there; it said 'temperature 21'" in str(speak(b"temperature 21\r\n"))


def test_a_wrong_boot_mode_is_decoded():
    error = speak(
        b"ets Jun  8 2016 00:22:57\r\n\r\n"
        b"rst:0x1 (POWERON_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)\r\n"
    )
    assert "started what is in flash memory: GPIO0 was high at reset" in str(error)
    assert "hold BOOT (GPIO0), press and release EN" in str(error.hint)


def test_what_flash_memory_holds_is_no_reason_why_no_loader_answers():
    error = speak(
        b"ets Jun  8 2016 00:22:57\r\n\r\nrst:0x10 (RTCWDT_RTC_RESET),boot:0x13 "
        b"(SPI_FAST_FLASH_BOOT)\r\ninvalid header: 0xffffffff\r\n"
    )
    assert ": the chip started what is in flash memory" in str(error)
    assert str(error.hint).startswith("hold BOOT (GPIO0)")


def test_a_chip_that_waits_but_does_not_hear_is_told_from_a_wrong_boot_mode():
    error = speak(
        b"ets Jun  8 2016 00:22:57\r\n\r\nrst:0x1 (POWERON_RESET),boot:0x3 "
        b"(DOWNLOAD_BOOT(UART0/UART1/SDIO_REI_REO_V2))\r\nwaiting for download\r\n"
    )
    assert "waits for esptool" in str(error)
    assert "RX pin" in str(error.hint)


def test_another_chip_that_prints_is_named():
    error = speak(b"ESP-ROM:esp32s3-20210327\r\nBuild:Mar 27 2021\r\n", "esp32c3")
    assert "the chip is an esp32s3, not an esp32c3" in str(error)


def test_frames_without_end_do_not_hold_esptool_for_ever():
    started = time.monotonic()
    error = speak(b"\xc0" + bytes(range(1, 100)))
    assert "no text: noise, or another speed" in str(error)
    assert time.monotonic() - started < 30


@pytest.mark.parametrize(
    ("register", "value", "message"),
    [
        ("EFUSE_RD_REG_BASE", 1 << 20, "encrypts its flash memory"),
        ("EFUSE_RD_ABS_DONE_REG", 1 << 4, "has secure boot"),
    ],
)
def test_a_locked_chip_is_refused(register: str, value: int, message: str):
    line = OtherRegisters({getattr(CHIP_DEFS["esp32"], register): value})
    image = image_for("esp32")
    with played_chip("esp32", line=line) as board:
        with pytest.raises(WrongBoardError, match=message):
            flash.write(image, board.port)
        assert not is_whole(image, board)


def test_flash_memory_that_does_not_answer_is_named():
    rom = CHIP_DEFS["esp32"]
    line = OtherRegisters({rom.SPI_REG_BASE + rom.SPI_W0_OFFS: 0xFFFFFF})
    with played_chip("esp32", line=line) as board, pytest.raises(FlashError, match="does not"):
        flash.write(image_for("esp32"), board.port)


def test_a_smaller_flash_memory_is_refused():
    rom = CHIP_DEFS["esp32"]
    line = OtherRegisters({rom.SPI_REG_BASE + rom.SPI_W0_OFFS: 0x154020})
    image = image_for("esp32")
    with played_chip("esp32", line=line) as board:
        with pytest.raises(WrongBoardError, match=r"has 2 MiB of flash memory, .* built for 4 MiB"):
            flash.write(image, board.port)
        assert not is_whole(image, board)
    assert image.flash_size_bytes == 4 * MIB
