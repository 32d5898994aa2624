"""UF2 files, read block by block by a reader of the test's own, as a boot ROM reads them."""

from __future__ import annotations

import json
import random
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.firmware import ready, tiny_project
from support.uf2_reader import blocks_of, written_by_rom

from edgekit import toolchain
from edgekit.boards import Board
from edgekit.boards.board import Uf2
from edgekit.errors import BuildError, DoesNotFitError
from edgekit.toolchain import FirmwareImage
from edgekit.toolchain.loadable import flash_content
from edgekit.toolchain.uf2 import absolute_block, write_file, write_uf2

RP2040, ABSOLUTE = 0xE48BFF56, 0xE48BFF57
RP2350_ARM, RP2350_RISCV = 0xE48BFF59, 0xE48BFF5A


@given(
    size=st.one_of(st.integers(1, 9000), st.sampled_from([255, 256, 257, 4095, 4096, 4097])),
    sector=st.integers(0, 0xFFFF0),
    family_id=st.integers(0, 0xFFFFFFFF),
)
def test_what_is_written_is_the_image_and_erased_bytes_to_the_end_of_its_sector(
    size: int, sector: int, family_id: int
):
    image, address = random.Random(size).randbytes(size), sector * 4096
    blocks = blocks_of(write_uf2(image, address, family_id))
    assert {block.flags for block in blocks} == {0x2000}
    assert not any(any(block.data[256:]) for block in blocks)
    memory = written_by_rom(blocks, family_id)
    assert bytes(memory[address + i] for i in range(size)) == image
    assert {byte for at, byte in memory.items() if at >= address + size} <= {0xFF}
    assert len(memory) == -(-size // 4096) * 4096


@pytest.mark.parametrize(("image", "address"), [(b"", 0), (b"a", 256), (b"a", 1)])
def test_no_image_and_the_middle_of_a_sector_are_mistakes_of_the_caller(image: bytes, address: int):
    with pytest.raises(ValueError, match="fill no sectors"):
        write_uf2(image, address, RP2040)


def test_the_absolute_block_is_as_the_erratum_asks():
    (block,) = blocks_of(absolute_block())
    assert (block.family_id, block.number, block.count) == (ABSOLUTE, 0, 2)
    assert block.target_address == 0x1100_0000 - 256
    assert block.payload == b"\xef" * 256
    assert block.flags == 0x2000 | 0x8000
    assert struct.unpack_from("<I", block.data, 256) == (0x9957E304,)
    assert not any(block.data[260:])


@pytest.fixture
def board() -> Board:
    """An emulated board whose code lies where an RP2350's flash memory does, played as one."""
    facts = Uf2(family_id=RP2350_ARM, board_id="RP2350", absolute_block=True, source="a test")
    return ready("qemu-cortex-m33").model_copy(update={"uf2": facts})


@pytest.fixture
def image(board: Board, tmp_path: Path) -> FirmwareImage:
    return toolchain.build_project(tiny_project(board, tmp_path / "project"))


@pytest.mark.emulated
def test_a_build_leaves_a_uf2_with_every_byte_that_the_elf_loads(
    board: Board, image: FirmwareImage
):
    (part,) = image.flash_parts
    assert (part.offset, part.path.name) == (0, "firmware.uf2")
    blocks = blocks_of(part.path.read_bytes())
    assert [block.family_id for block in blocks[:2]] == [ABSOLUTE, RP2350_ARM]
    random.Random(3).shuffle(blocks)
    memory = written_by_rom(blocks, RP2350_ARM)
    flash = board.memory("flash")
    assert flash is not None
    content = flash_content(image.elf, flash, board_id=board.id)
    assert bytes(memory[flash.start + i] for i in range(len(content))) == content
    assert len(content) == image.flash_bytes


@pytest.mark.emulated
def test_other_facts_of_the_drive_make_another_file(
    board: Board, image: FirmwareImage, tmp_path: Path
):
    facts = Uf2(family_id=RP2350_RISCV, board_id="RP2350", source="a test")
    other = board.model_copy(update={"uf2": facts})
    again = toolchain.build_project(tiny_project(other, tmp_path / "other"))
    blocks = blocks_of(again.flash_parts[0].path.read_bytes())
    assert {block.family_id for block in blocks} == {RP2350_RISCV}
    assert again.sources_sha256 == image.sources_sha256


@pytest.mark.emulated
def test_flash_json_says_which_chips_take_the_file(board: Board, image: FirmwareImage):
    path = toolchain.write_flash_manifest(image, board, model_name="tiny", model_sha256="ab" * 32)
    document = json.loads(path.read_text())
    assert document["uf2"] == {"family_id": RP2350_ARM, "board_id": "RP2350"}
    assert "chip" not in document
    assert [part["file"] for part in document["parts"]] == ["firmware.uf2"]
    assert document["build_id"] == image.build_id


@pytest.mark.emulated
def test_an_image_that_is_too_large_or_elsewhere_is_refused(
    board: Board, image: FirmwareImage, tmp_path: Path
):
    flash, ram = board.memory("flash"), board.memory("ram")
    assert flash is not None and ram is not None

    def with_flash(**changes: int) -> Board:
        return board.model_copy(update={"memories": (flash.model_copy(update=changes), ram)})

    with pytest.raises(DoesNotFitError, match="bytes of flash memory but qemu-cortex-m33 has 4,0"):
        write_file(image.elf, with_flash(size_bytes=4096), tmp_path / "large.uf2")
    with pytest.raises(BuildError, match="loaded at offset -0x1000 of flash memory"):
        write_file(image.elf, with_flash(start=flash.start + 4096), tmp_path / "elsewhere.uf2")
    assert not list(tmp_path.glob("*.uf2"))
