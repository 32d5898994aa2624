"""What an RP2040's boot ROM finds at the start of an image, reckoned by other means than ours."""

from __future__ import annotations

import random
import struct
import zlib
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from support.firmware import DRILL, ready, tiny_project
from support.uf2_reader import blocks_of, written_by_rom

from edgekit import boards, toolchain
from edgekit.boards import Board
from edgekit.errors import BuildError
from edgekit.toolchain import FirmwareImage, boot_stage

RP2040 = 0xE48BFF56
FLASH, RAM, RAM_END = 0x1000_0000, 0x2000_0000, 0x2004_2000


def mirrored(value: int, bits: int) -> int:
    return int(f"{value:0{bits}b}"[::-1], 2)


def by_zlib(code: bytes) -> int:
    """The ROM's CRC is zlib's with every bit the other way round, and no inversion last."""
    swapped = bytes(mirrored(byte, 8) for byte in code)
    return mirrored(zlib.crc32(swapped) ^ 0xFFFFFFFF, 32)


@pytest.mark.parametrize("size", [0, 1, 9, 252, 1000])
def test_the_checksum_is_zlibs_seen_in_a_mirror(size: int):
    code = random.Random(size).randbytes(size)
    assert boot_stage.checksum(code) == by_zlib(code)


def test_the_checksum_is_the_one_that_catalogues_call_mpeg_2():
    assert boot_stage.checksum(b"123456789") == 0x0376E6E7


def test_images_that_the_rom_would_not_start_are_refused():
    stage = random.Random(1).randbytes(252)
    good = stage + struct.pack("<I", by_zlib(stage))
    boot_stage.refuse_unless_started(good + bytes(100), "firmware.elf")
    wrong = good[:252] + struct.pack("<I", by_zlib(stage) ^ 1)
    with pytest.raises(BuildError, match=f"not 0x{by_zlib(stage):08X}") as caught:
        boot_stage.refuse_unless_started(wrong, "firmware.elf")
    assert "CHECKSUM" in str(caught.value.hint)
    for image in (b"", good[:255], bytes(252) + struct.pack("<I", by_zlib(bytes(252)))):
        with pytest.raises(BuildError, match=r"firmware\.elf: .* does not begin with a boot stage"):
            boot_stage.refuse_unless_started(image, "firmware.elf")


def drilled(board: Board, directory: Path) -> FirmwareImage:
    return toolchain.build_project(tiny_project(board, directory, main=DRILL))


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> FirmwareImage:
    ready("pico-emulated")
    return drilled(boards.load("rpi-pico", "none"), tmp_path_factory.mktemp("pico") / "project")


@pytest.mark.emulated
def test_the_rom_finds_a_boot_stage_and_the_stage_a_vector_table(image: FirmwareImage):
    memory = written_by_rom(blocks_of(image.flash_parts[0].path.read_bytes()), RP2040)
    content = bytes(memory[FLASH + i] for i in range(0x200))
    (checksum,) = struct.unpack_from("<I", content, 252)
    assert checksum == by_zlib(content[:252])
    stack, *handlers = struct.unpack_from("<42I", content, 0x100)
    assert RAM < stack < RAM_END and stack % 8 == 0
    assert all(handler & 1 and FLASH + 0x100 < handler < FLASH + 0x20_0000 for handler in handlers)
    with image.elf.open("rb") as file:
        assert ELFFile(file)["e_entry"] & ~1 == FLASH


@pytest.mark.emulated
def test_the_emulated_pico_gets_the_very_image_of_the_real_one(
    image: FirmwareImage, tmp_path: Path
):
    """But for the board's name, which this firmware does not have in it."""
    emulated = drilled(boards.load("pico-emulated"), tmp_path / "project")
    real, played = (one.flash_parts[0].path.read_bytes() for one in (image, emulated))
    assert real == played


@pytest.mark.emulated
def test_a_boot_stage_that_was_changed_is_refused_with_its_new_checksum(tmp_path: Path):
    project = tiny_project(ready("pico-emulated"), tmp_path / "project")
    source = project.directory / "firmware/startup/rp2040_boot.S"
    source.write_text(
        source.read_text().replace("#define PAD_FAST_8_MA       0x21", "#define PAD_FAST_8_MA 0x31")
    )
    with pytest.raises(BuildError, match="the boot stage's checksum is 0x") as caught:
        toolchain.build_project(project)
    wanted = str(caught.value).rpartition("not 0x")[2]
    text = source.read_text()
    (line,) = (line for line in text.splitlines() if line.startswith("#define CHECKSUM  "))
    source.write_text(text.replace(line, f"#define CHECKSUM 0x{wanted}"))
    toolchain.build_project(project)
