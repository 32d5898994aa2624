"""A virtual ESP32: what the real esptool, a link and a person's hands find."""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import serial
from support.firmware import is_running
from support.virtual_chip import (
    CHIPS,
    StandIn,
    esptool,
    hello,
    put,
    soon,
    stand_in_of,
    tiny_image,
    write_flash_words,
)

from edgekit import boards, emulators
from edgekit.emulators import Mode, Reset, VirtualEsp32, Wiring
from edgekit.errors import BoardError, EmulatorError
from edgekit.link import Device, ResetCause, SerialTransport
from edgekit.toolchain import FirmwareImage

TABLE, APPLICATION = 0x8000, 0x10000
HEADER_BYTES = 24 + 8  # of an image and of its first segment


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> FirmwareImage:
    return tiny_image(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def firmware(
    image: FirmwareImage, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], StandIn]:
    return lambda board_id: stand_in_of(image, board_id, tmp_path_factory.mktemp(board_id))


@pytest.fixture
def esp32(firmware: Callable[[str], StandIn]) -> StandIn:
    return firmware("esp32")


@pytest.fixture
def chip(esp32: StandIn) -> Iterator[VirtualEsp32]:
    """An ESP32 on which the tiny model's firmware runs."""
    with VirtualEsp32(esp32.board) as chip:
        put(chip, esp32)
        yield chip


@pytest.mark.parametrize("board_id", CHIPS)
def test_the_real_esptool_flashes_it_and_then_that_firmware_answers(
    board_id: str, firmware: Callable[[str], StandIn]
):
    stand_in = firmware(board_id)
    with VirtualEsp32(stand_in.board) as chip:
        done = esptool("--port", chip.serial_port, "write-flash", *write_flash_words(stand_in))
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stdout.count("Hash of data verified") == 3
        for part in stand_in.parts:
            content = part.path.read_bytes()
            assert chip.flash.read(part.offset, len(content)) == content
        assert chip.mode is Mode.LOADER  # a pseudo-terminal has no RTS to start it with
        said = hello(chip)
    assert (said.build_id, said.reset_cause) == (stand_in.image.build_id, ResetCause.POWER_ON)


def test_esptool_reads_back_what_it_wrote_with_and_without_its_stub(esp32: StandIn, tmp_path: Path):
    with VirtualEsp32(esp32.board) as chip:
        port, path = ("--port", chip.serial_port), tmp_path / "read.bin"
        written = esptool("--no-stub", *port, "write-flash", *write_flash_words(esp32))
        assert written.returncode == 0, written.stdout
        for stub in ((), ("--no-stub",)):
            done = esptool(*stub, *port, "read-flash", APPLICATION, 4096, path)
            assert done.returncode == 0, done.stdout
            assert path.read_bytes() == chip.flash.read(APPLICATION, 4096)


def test_it_says_how_large_its_flash_memory_is(esp32: StandIn):
    with VirtualEsp32(esp32.board, flash_bytes=2 << 20) as chip:
        assert "Detected flash size: 2MB" in esptool("--port", chip.serial_port, "flash-id").stdout
        assert len(chip.flash.read()) == 2 << 20


@pytest.mark.parametrize("board_id", CHIPS)
def test_an_empty_chip_says_so_again_and_again_as_its_rom_does(board_id: str):
    with VirtualEsp32(boards.load(board_id)) as chip:
        assert soon(lambda: chip.resets.count(Reset.BOOT_FAILED) >= 2)
        assert chip.mode in (Mode.BOOT_LOOP, Mode.BOOTING)
        assert "rst:0x1 (POWERON" in chip.console()
        assert "(SPI_FAST_FLASH_BOOT)\r\ninvalid header: 0xffffffff\r\n" in chip.console()


BOOT_LOADER = 0x1000


@pytest.mark.parametrize(
    ("offset", "content", "said"),
    [
        (BOOT_LOADER, b"\x42", "invalid header: 0x20020142"),
        (BOOT_LOADER + HEADER_BYTES, b"\0", "csum err:0x"),
        (BOOT_LOADER + 28, b"\xff\xff\xff\x7f", "invalid header"),
        (TABLE, b"\0", "flash_parts: partition 0 invalid magic number 0x5000"),
        (TABLE + 5, b"\x01", "flash_parts: partition table MD5 mismatch"),
        (TABLE, b"\xff" * 64, "boot: No bootable app partitions"),
        (APPLICATION, b"\xff" * 4096, "image at 0x10000 has invalid magic byte"),
        (APPLICATION + 12, b"\x09", "boot_comm: mismatch chip ID, expected 0, found 9"),
        (
            APPLICATION + 28,
            b"\xff\xff\xff\x7f",
            "esp_image: image at 0x10000: segments are invalid",
        ),
        (APPLICATION + 4096, b"damage", "esp_image: Checksum failed. Calculated 0x"),
        (APPLICATION + 4096, b"\x01\x01", "esp_image: Image hash failed - image is corrupt"),
    ],
)
def test_damage_in_flash_memory_is_found_as_the_boot_loaders_find_it(
    chip: VirtualEsp32, offset: int, content: bytes, said: str
):
    if content == b"\x01\x01":  # two flips that the checksum, an exclusive or, does not see
        content = bytes(byte ^ 1 for byte in chip.flash.read(offset, 2))
    chip.flash.write(offset, content)
    chip.reset()
    chip.wait_for(Mode.BOOT_LOOP)
    assert said in chip.console()
    assert soon(lambda: Reset.BOOT_FAILED in chip.resets)


def test_what_runs_is_what_lies_in_flash_memory(chip: VirtualEsp32, esp32: StandIn, tmp_path: Path):
    assert hello(chip).build_id == esp32.image.build_id
    other = tiny_image(tmp_path / "project", comment="the second")
    (tmp_path / "parts").mkdir()
    put(chip, stand_in_of(other, "esp32", tmp_path / "parts"))
    assert hello(chip).build_id == other.build_id != esp32.image.build_id


def test_an_image_for_silicon_is_not_run(chip: VirtualEsp32):
    """Its segment holds no program of this computer."""
    first = chip.flash.read(APPLICATION + HEADER_BYTES, 1)
    checksum_at = APPLICATION + _image_bytes(chip) - 33
    for at in (APPLICATION + HEADER_BYTES, checksum_at):
        chip.flash.write(at, bytes([chip.flash.read(at, 1)[0] ^ first[0]]))
    chip.flash.write(APPLICATION + 23, b"\0")  # without a digest
    chip.reset()
    chip.wait_for(Mode.HALTED)
    assert "virtual: the application in flash memory is for silicon" in chip.console()


def _image_bytes(chip: VirtualEsp32) -> int:
    """Of the application, with checksum and digest."""
    (size,) = struct.unpack("<I", chip.flash.read(APPLICATION + 28, 4))
    return -(-(HEADER_BYTES + size + 1) // 16) * 16 + 32


def test_the_firmware_can_reboot_and_says_why_it_started(chip: VirtualEsp32):
    with Device(SerialTransport(chip.serial_port)) as device:
        assert device.hello.reset_cause == ResetCause.POWER_ON
        device.reboot()
        assert device.hello.reset_cause == ResetCause.SOFTWARE
    assert chip.resets[-1] is Reset.SOFTWARE
    assert "rst:0xc (SW_CPU_RESET)" in chip.console()


def test_a_crash_is_a_panic_and_a_reset(chip: VirtualEsp32):
    assert chip.pid is not None
    os.kill(chip.pid, signal.SIGSEGV)
    assert soon(lambda: chip.resets[-1] is Reset.PANIC)
    chip.wait_for(Mode.APPLICATION)
    assert "Guru Meditation Error: Core  0 panic'ed" in chip.console()
    assert hello(chip).reset_cause == ResetCause.FAULT


def test_esptool_finds_the_loader_of_a_chip_that_runs(chip: VirtualEsp32):
    done = esptool("--port", chip.serial_port, "chip-id")
    assert done.returncode == 0, done.stdout
    assert chip.mode is Mode.LOADER
    assert hello(chip).reset_cause == ResetCause.POWER_ON


def test_without_in_band_resets_only_the_buttons_lead_into_the_loader(esp32: StandIn):
    with VirtualEsp32(esp32.board, wiring=Wiring.BRIDGE) as chip:
        put(chip, esp32)
        asked = ("--connect-attempts", 1, "--port", chip.serial_port, "chip-id")
        refused = esptool(*asked)
        assert "Failed to connect" in refused.stdout + refused.stderr
        assert chip.mode is Mode.APPLICATION
        chip.reset(Mode.LOADER)
        assert esptool(*asked).returncode == 0
        assert chip.mode is Mode.LOADER


def test_the_lines_of_a_bridge_reset_it(esp32: StandIn):
    with VirtualEsp32(esp32.board, wiring=Wiring.BRIDGE) as chip:
        put(chip, esp32)
        with serial.serial_for_url(chip.lines_url) as port:
            port.dtr, port.rts = False, True  # EN is low
            chip.wait_for(Mode.HELD)
            port.dtr, port.rts = True, False  # and the boot pin, as EN rises
            chip.wait_for(Mode.LOADER)
            port.dtr, port.rts = False, True
            chip.wait_for(Mode.HELD)
            port.rts = False
            chip.wait_for(Mode.APPLICATION)
            assert port.cts


def test_usb_serial_jtag_understands_its_own_sequence_only():
    with VirtualEsp32(boards.load("esp32-c3"), wiring=Wiring.USB) as chip:
        with serial.serial_for_url(chip.lines_url) as port:
            for dtr, rts in ((False, True), (True, True), (True, False), (False, False)):
                port.dtr, port.rts = dtr, rts  # that of a bridge
            assert soon(lambda: chip.resets[-1] is Reset.USB)
            assert "DOWNLOAD" not in chip.console()
            for dtr, rts in ((False, False), (True, False), (True, True), (False, True)):
                port.dtr, port.rts = dtr, rts
            chip.wait_for(Mode.LOADER)
        assert "rst:0x15 (USB_UART_CHIP_RESET),boot:0x4 (DOWNLOAD" in chip.console()


def test_a_chip_without_lines_says_so(esp32: StandIn):
    with VirtualEsp32(esp32.board) as chip, pytest.raises(ValueError, match="has no lines"):
        _ = chip.lines_url
    with pytest.raises(ValueError, match="no USB of its own"):
        VirtualEsp32(esp32.board, wiring=Wiring.USB)


def test_unplugged_it_has_no_port_and_plugged_in_again_it_starts(chip: VirtualEsp32):
    port, pid = chip.serial_port, chip.pid
    assert pid is not None
    chip.unplug()
    assert not Path(port).exists()
    assert not is_running(pid)
    chip.plug()
    chip.wait_for(Mode.APPLICATION)
    assert hello(chip).reset_cause == ResetCause.POWER_ON


def test_closing_leaves_nothing_and_may_be_done_twice(chip: VirtualEsp32):
    port, pid = chip.serial_port, chip.pid
    assert pid is not None and is_running(pid)
    chip.close()
    chip.close()
    assert not is_running(pid)
    assert not Path(port).exists()
    assert chip.pid is None


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_no_application_outlives_the_python_that_started_it(
    number: signal.Signals, esp32: StandIn, tmp_path: Path
):
    program = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from edgekit import boards\n"
        "from edgekit.emulators import Mode, VirtualEsp32\n"
        "chip = VirtualEsp32(boards.load('esp32'))\n"
        "for offset, path in zip(sys.argv[1::2], sys.argv[2::2]):\n"
        "    chip.flash.write(int(offset), Path(path).read_bytes())\n"
        "chip.wait_for(Mode.APPLICATION)\n"
        "print(chip.pid or (chip.resets, chip.console()), flush=True)\n"
        "time.sleep(60)\n"
    )
    words = [str(word) for part in esp32.parts for word in (part.offset, part.path)]
    with subprocess.Popen(
        [sys.executable, "-c", program, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    ) as python:
        assert python.stdout is not None
        said = python.stdout.readline().strip()
        if not said.isdecimal():
            python.kill()
            pytest.fail(said)
        pid = int(said)
        assert is_running(pid)
        python.send_signal(number)
        python.wait(10)
    assert soon(lambda: not is_running(pid))
    assert not list(tmp_path.iterdir())  # nor do its files


def test_text_that_nobody_reads_does_not_stop_it():
    with VirtualEsp32(boards.load("esp32")) as chip:
        noise = emulators.BootNoise(size_bytes=1 << 20)
        chip.inject(noise)
        before = len(chip.resets)
        assert soon(lambda: len(chip.resets) > before + 2)
        chip.heal()
        chip.reset(Mode.LOADER)
        chip.wait_for(Mode.LOADER)


def test_what_is_no_program_is_no_stand_in(esp32: StandIn, tmp_path: Path):
    text = tmp_path / "firmware.elf"
    text.write_text("hello")
    with pytest.raises(EmulatorError, match=r"firmware\.elf is no program for a virtual chip"):
        emulators.stand_in(text, esp32.board, tmp_path)


def test_a_board_that_is_no_esp32_has_no_virtual_chip():
    with pytest.raises(BoardError, match="host is no ESP32"):
        VirtualEsp32(boards.load("host"))


def test_a_program_that_does_not_start_is_an_error_of_the_chip(chip: VirtualEsp32, esp32: StandIn):
    """An ELF file of another machine: what the host cannot execute."""
    machine = APPLICATION + HEADER_BYTES + 18
    before = chip.flash.read(machine, 1)[0]
    checksum_at = APPLICATION + _image_bytes(chip) - 33
    chip.flash.write(machine, b"\x5e")  # Xtensa
    chip.flash.write(checksum_at, bytes([chip.flash.read(checksum_at, 1)[0] ^ before ^ 0x5E]))
    chip.flash.write(APPLICATION + 23, b"\0")
    chip.reset()
    with pytest.raises(EmulatorError, match="esp32 failed: the program in flash memory does not"):
        chip.wait_for(Mode.HALTED)


@pytest.mark.parametrize("package", ["esptool", "esp32_mock_bootloader"])
def test_what_is_not_installed_is_named(package: str):
    program = (
        "import sys\n"
        f"sys.modules['{package}'] = None\n"
        "from edgekit import boards, emulators\n"
        "from edgekit.emulators.virtual_image import rom_class\n"
        "from edgekit.errors import ToolMissingError\n"
        "try:\n"
        "    rom_class('esp32')\n"
        "    emulators.VirtualEsp32(boards.load('esp32'))\n"
        "except ToolMissingError as error:\n"
        "    print(error, error.hint)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert f"needs the package {package}" in done.stdout, done.stderr
    assert "edgekit[virtual]" in done.stdout
