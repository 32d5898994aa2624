"""Virtual ESP32s with a tiny model's firmware, and ways to speak to them."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from edgekit import boards, toolchain
from edgekit.boards import Board
from edgekit.emulators import Mode, VirtualEsp32, stand_in
from edgekit.link import Device, Hello, SerialTransport
from edgekit.toolchain import FirmwareImage, FlashPart
from support.firmware import ready, tiny_files, tiny_project

#: One of each chip.
CHIPS = ("esp32", "esp32-s3", "esp32-c3", "esp32-c6")

_ESPTOOL_S = 60


@dataclass(frozen=True)
class StandIn:
    """The tiny model's firmware in the form of one board's image."""

    board: Board
    image: FirmwareImage
    parts: tuple[FlashPart, ...]


def tiny_image(directory: Path, *, comment: str = "the first") -> FirmwareImage:
    """Built for this computer; another comment in its sources makes another build of it."""
    files = tiny_files()
    files["ek_tiny.c"] += f"/* {comment} */\n"
    return toolchain.build_project(tiny_project(ready("host"), directory, files=files))


def stand_in_of(image: FirmwareImage, board_id: str, directory: Path) -> StandIn:
    board = boards.load(board_id)
    return StandIn(board, image, stand_in(image.elf, board, directory))


def put(chip: VirtualEsp32, firmware: StandIn, *, into: Mode = Mode.APPLICATION) -> None:
    """Have the firmware in flash memory, as if it had been flashed, and start it."""
    for part in firmware.parts:
        chip.flash.write(part.offset, part.path.read_bytes())
    chip.reset()
    chip.wait_for(into)


def hello(chip: VirtualEsp32) -> Hello:
    with Device(SerialTransport(chip.serial_port)) as device:
        return device.hello


def esptool(*words: object) -> subprocess.CompletedProcess[str]:
    """The real esptool, as its own program."""
    return subprocess.run(
        [sys.executable, "-m", "esptool", *map(str, words)],
        capture_output=True,
        text=True,
        timeout=_ESPTOOL_S,
        check=False,
    )


def write_flash_words(firmware: StandIn) -> list[object]:
    return [word for part in firmware.parts for word in (hex(part.offset), part.path)]


def soon(condition: object, *, timeout_s: float = 10.0) -> bool:
    """Whether `condition` becomes true in time."""
    assert callable(condition)
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True
