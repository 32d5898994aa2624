"""The emulated Pico: what it refuses to boot from, as a real one would; and its cycle counter."""

from __future__ import annotations

import contextlib
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import serial
from support.firmware import DRILL, ready, tiny_project

from edgekit import emulators, toolchain
from edgekit.boards import Board
from edgekit.emulators import EmulatedBoard
from edgekit.errors import EmulatorError
from edgekit.toolchain import boot_stage
from edgekit.toolchain.loadable import flash_content
from edgekit.toolchain.uf2 import write_uf2

pytestmark = pytest.mark.emulated

TIMEOUT_S = 60.0
FLASH = 0x1000_0000


@pytest.fixture(scope="module")
def board() -> Board:
    return ready("pico-emulated")


@pytest.fixture(scope="module")
def content(board: Board, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Of flash memory, with the drill in it."""
    project = tiny_project(board, tmp_path_factory.mktemp("drill") / "project", main=DRILL)
    flash = board.memory("flash")
    assert flash is not None
    return flash_content(toolchain.build_project(project).elf, flash, board_id=board.id)


def uf2_of(content: bytes, path: Path, family_id: int = boot_stage.RP2040_FAMILY_ID) -> Path:
    path.write_bytes(write_uf2(content, FLASH, family_id))
    return path


@contextlib.contextmanager
def drill(board: Board, uf2: Path) -> Iterator[tuple[EmulatedBoard, serial.Serial]]:
    with (
        emulators.start(board, uf2) as running,
        serial.Serial(running.serial_port, 115200, timeout=TIMEOUT_S) as port,
    ):
        yield running, port


def last_words(board: Board, uf2: Path) -> str:
    with emulators.start(board, uf2) as running:
        deadline = time.monotonic() + TIMEOUT_S
        while running.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        with pytest.raises(EmulatorError) as caught:
            running.check_alive()
    return str(caught.value)


def resealed(stage: bytes) -> bytes:
    return stage + struct.pack("<I", boot_stage.checksum(stage))


@pytest.mark.parametrize(
    ("was", "becomes", "complaint"),
    [
        # what its instructions load, least significant byte first
        (b"\x50\x21\x01\x66", b"\x04\x21\x01\x66", "QE bit is not set"),  # does not allow writing
        (b"\xeb\x21", b"\x6b\x21", "not in continuous read mode"),  # another command
        (b"\xa0\x21", b"\xf0\x21", "not in continuous read mode"),  # other mode bits
        # the words that it keeps for SSI
        (b"\x22\x20\x00\xa0", b"\x22\x18\x00\xa0", "waits another time"),
        (b"\x22\x20\x00\xa0", b"\x22\x20\x00\xff", "would end continuous read mode"),
        (b"\x22\x20\x00\xa0", b"\x1a\x20\x00\xa0", "24 address bits and 8 mode bits"),
        (b"\x22\x20\x00\xa0", b"\x22\x22\x00\xa0", "would send a command"),
        (b"\x21\x22\x00\x00", b"\x21\x20\x00\x00", "not in continuous read mode"),
        (b"\x00\x03\x5f\x00", b"\x00\x03\x1f\x00", "not in its mode for quad reads"),
        (b"\x00\x03\x5f\x00", b"\x00\x03\x47\x00", "does not read word by word"),
    ],
)
def test_a_boot_stage_that_does_not_set_up_flash_memory_goes_no_further(
    board: Board, content: bytes, tmp_path: Path, was: bytes, becomes: bytes, complaint: str
):
    stage = content[:252]
    assert stage.count(was) == 1
    broken = resealed(stage.replace(was, becomes)) + content[256:]
    words = last_words(board, uf2_of(broken, tmp_path / "firmware.uf2"))
    assert "flash memory was read before the boot stage had set it up: " in words
    assert complaint in words


def test_a_wrong_checksum_is_not_started(board: Board, content: bytes, tmp_path: Path):
    broken = content[:252] + bytes(4) + content[256:]
    words = last_words(board, uf2_of(broken, tmp_path / "firmware.uf2"))
    assert (
        "the boot ROM would not start this image: the checksum of its boot stage is 0x0, not"
        in words
    )


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (lambda uf2: b"", "neither ELF nor UF2"),
        (lambda uf2: uf2[:-1], "no whole blocks of 512"),
        (lambda uf2: b"X" + uf2[1:], "block 0 has not the numbers of one"),
        (lambda uf2: uf2[:-512], "says that it is 0 of"),
        (lambda uf2: uf2[:512] + uf2[1024:] + uf2[:512], "block 1 of"),
        (lambda uf2: uf2[:12] + b"\0\0\0\x20" + uf2[16:], "do not lie in flash memory"),
        (lambda uf2: uf2[:28] + b"\x59" + uf2[29:], "block 0 is not for an RP2040"),
    ],
)
def test_what_is_no_image_is_refused_by_name(
    board: Board, content: bytes, tmp_path: Path, damage: Callable[[bytes], bytes], complaint: str
):
    path = uf2_of(content, tmp_path / "firmware.uf2")
    path.write_bytes(damage(path.read_bytes()))
    words = last_words(board, path)
    assert f"{path}: " in words
    assert complaint in words


def test_a_file_that_is_not_there_is_named(board: Board, tmp_path: Path):
    assert "no such file" in last_words(board, tmp_path / "gone.uf2")


def test_a_frame_that_comes_while_the_cpu_computes_is_there_afterwards(
    board: Board, content: bytes, tmp_path: Path
):
    texts = [bytes([i]) * 250 for i in range(8)]
    with drill(board, uf2_of(content, tmp_path / "firmware.uf2")) as (_, port):
        port.write(b"L\x01" + b"".join(b"E" + bytes([len(t)]) + t for t in texts))
        assert len(port.read(16)) == 16
        assert [port.read(len(t)) for t in texts] == texts


@pytest.mark.slow
def test_cycles_are_exact_however_often_systick_wraps(board: Board, content: bytes, tmp_path: Path):
    counts = []
    with drill(board, uf2_of(content, tmp_path / "firmware.uf2")) as (_, port):
        for rounds in (1, 1, 2, 4):
            port.write(b"L" + bytes([rounds]))
            ticks, ticks_hz = struct.unpack("<2Q", port.read(16))
            assert ticks_hz == 125_000_000
            counts.append(board.count_of(ticks, ticks_hz))
    once = counts[1] - (counts[2] - counts[1])  # what a call costs beside its rounds
    assert counts[0] == counts[1]
    assert (
        counts[2] - counts[1]
    ) % 2**24 == 0  # whole cycles a round, and SysTick's 24 bits of them
    assert 1 < (counts[2] - counts[1]) / 2**24 < 10
    assert counts[3] == once + 4 * (counts[2] - counts[1])
