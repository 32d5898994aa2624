"""The image of an ESP32-C3 without a framework, byte by byte, as the mask ROM will find it."""

from __future__ import annotations

import shutil
import struct
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection
from support.espressif_qemu import Esp32C3
from support.firmware import DRILL, tiny_project

from edgekit import boards, toolchain
from edgekit.boards import Board, Memory
from edgekit.errors import BuildError, DoesNotFitError
from edgekit.toolchain.direct_boot import image_of
from edgekit.toolchain.tools import missing_for

pytestmark = pytest.mark.emulated

CODE, CONSTANTS = 0x4200_0000, 0x3C00_0000  # where the ROM maps flash memory, twice
SRAM, SRAM_END, SRAM_FOR_CODE = 0x3FC8_0000, 0x3FCE_0000, 0x4038_0000


@dataclass(frozen=True)
class Built:
    """An image with what the ELF says of it."""

    board: Board
    elf: Path
    content: bytes
    symbols: dict[str, int]

    def word(self, address: int) -> int:
        """Of the image, where it is loaded to `address` for code or for data."""
        base = CODE if address >= CODE else CONSTANTS
        return int(struct.unpack_from("<I", self.content, address - base)[0])


@pytest.fixture(scope="module")
def board() -> Board:
    board = boards.load("esp32-c3", "none")
    missing = missing_for(board)
    if missing:
        pytest.skip(f"esp32-c3 without a framework needs {', '.join(missing)}")
    return board


@pytest.fixture(scope="module")
def built(board: Board, tmp_path_factory: pytest.TempPathFactory) -> Built:
    project = tiny_project(board, tmp_path_factory.mktemp("drill"), main=DRILL)
    image = toolchain.build_project(project)
    (part,) = image.flash_parts
    assert (part.offset, part.path.name) == (0, "esp32c3.bin")
    return Built(board, image.elf, part.path.read_bytes(), symbols_of(image.elf))


def symbols_of(elf: Path) -> dict[str, int]:
    with elf.open("rb") as file:
        table = ELFFile(file).get_section_by_name(".symtab")
        assert isinstance(table, SymbolTableSection)
        return {symbol.name: int(symbol["st_value"]) for symbol in table.iter_symbols()}


def sections(elf: Path) -> Iterator[tuple[str, int, int, bytes]]:
    """Of the sections that are in memory: name, address, size, content ("" if there is none)."""
    with elf.open("rb") as file:
        for section in ELFFile(file).iter_sections():
            if section["sh_flags"] & 2:
                stored = section["sh_type"] != "SHT_NOBITS"
                content = section.data() if stored else b""
                yield section.name, int(section["sh_addr"]), int(section["sh_size"]), content


def jump_target(word: int, at: int) -> int:
    """Where `jal zero, …` at that address goes."""
    assert word & 0xFFF == 0x6F, f"{word:#010x} at {at:#x} is no jump"
    offset = (
        (word >> 21 & 0x3FF) << 1
        | (word >> 20 & 1) << 11
        | (word >> 12 & 0xFF) << 12
        | (word >> 31) << 20
    )
    return at + (offset - (1 << 21) if word >> 31 else offset)


def test_flash_memory_begins_with_the_mark_twice_and_the_reset_code(built: Built):
    assert built.content[:8] == bytes.fromhex("1d04dbae 1d04dbae")
    assert built.symbols["ek_reset"] == CODE + 8
    with built.elf.open("rb") as file:
        assert ELFFile(file)["e_entry"] == CODE + 8
    assert built.word(CODE + 8) == 0x30047073  # csrci mstatus, 8: before anything else
    assert len(built.content) % 4 == 0


def test_the_image_is_what_objcopy_would_make(built: Built, tmp_path: Path):
    objcopy = shutil.which("riscv64-unknown-elf-objcopy")
    if objcopy is None:
        pytest.skip("there is no riscv64-unknown-elf-objcopy")
    subprocess.run([objcopy, "-O", "binary", built.elf, tmp_path / "image"], check=True)
    assert built.content == (tmp_path / "image").read_bytes()


def test_every_section_is_loaded_from_where_the_rom_maps_it_or_start_up_copies_it(built: Built):
    load = {
        ".text": 0,
        ".rodata": built.symbols["ek_rodata_start"] - CONSTANTS,
        ".iram": built.symbols["ek_iram_load"] - CONSTANTS,
        ".data": built.symbols["ek_data_load"] - CONSTANTS,
    }
    found = {name: (address, content) for name, address, _, content in sections(built.elf)}
    assert set(found) == {*load, ".stack", ".bss"}
    for name, offset in load.items():
        content = found[name][1]
        assert content, name
        assert built.content[offset : offset + len(content)] == content, name
    assert found[".text"][0] == CODE
    assert found[".rodata"][0] == CONSTANTS + load[".rodata"]  # in place, through the data bus
    assert found[".iram"][0] == SRAM_FOR_CODE
    assert struct.pack("<I", 0x12345678) in found[".data"][1]  # of a variable of the drill
    assert sum(len(content) for _, content in found.values()) == len(built.content)


def test_nothing_is_left_to_relocate_and_nothing_lies_elsewhere(built: Built):
    with built.elf.open("rb") as file:
        kinds = {section["sh_type"] for section in ELFFile(file).iter_sections()}
    assert not kinds & {"SHT_RELA", "SHT_REL", "SHT_DYNAMIC"}
    windows = (
        (CODE, CODE + (4 << 20)),
        (CONSTANTS, CONSTANTS + (4 << 20)),
        (SRAM, SRAM_END),
        (SRAM_FOR_CODE, SRAM_FOR_CODE + SRAM_END - SRAM),
    )
    for name, address, size, _ in sections(built.elf):
        assert any(start <= address and address + size <= end for start, end in windows), name


def test_vectors_lie_on_256_bytes_and_only_the_first_is_for_exceptions(built: Built):
    vectors, symbols = built.symbols["ek_vectors"], built.symbols
    assert vectors % 256 == 0
    for i in range(32):
        at = vectors + 4 * i
        word = built.word(symbols["ek_iram_load"] + at - symbols["ek_iram_start"])
        assert jump_target(word, at) == symbols["ek_interrupt" if i else "ek_trap"]


def test_the_stack_lies_behind_code_in_ram_and_a_guard_that_the_pmp_can_describe(built: Built):
    symbols = built.symbols
    guard, limit, top = (symbols[f"ek_stack_{name}"] for name in ("guard", "limit", "top"))
    code_end = symbols["ek_iram_end"] - SRAM_FOR_CODE + SRAM  # the same bytes' other address
    assert guard % 1024 == 0
    assert code_end <= guard
    assert limit - guard == 1024
    assert top - limit == built.board.stack_bytes
    assert top % 16 == 0
    assert top <= symbols["ek_data_start"] < symbols["ek_bss_end"] <= SRAM_END
    text = built.content[8 : symbols["ek_text_end"] - CODE]
    assert struct.pack("<I", 0x3B029073) in text  # csrw pmpaddr0, t0
    assert struct.pack("<I", 0x3A029073) in text  # csrw pmpcfg0, t0


def test_a_program_for_another_start_is_refused(board: Board, tmp_path: Path):
    other = boards.load("qemu-riscv32")
    image = toolchain.build_project(tiny_project(other, tmp_path))
    assert image.flash_parts == ()
    memory = other.memory("flash")
    assert memory is not None
    with pytest.raises(BuildError, match="the ROM would not start it: it begins with "):
        image_of(image.elf, memory, board_id=board.id)


def test_code_in_front_of_flash_memory_is_refused(built: Built):
    flash = flash_of(built.board, start=CODE + 4096)
    with pytest.raises(BuildError, match="loaded at offset -0x1000 of flash memory"):
        image_of(built.elf, flash, board_id="esp32-c3")


def test_an_image_larger_than_what_the_rom_maps_is_refused(built: Built):
    flash = flash_of(built.board, size_bytes=4096)
    with pytest.raises(DoesNotFitError, match="bytes of flash memory but esp32-c3 has 4,096"):
        image_of(built.elf, flash, board_id="esp32-c3")


def flash_of(board: Board, **changes: int) -> Memory:
    memory = board.memory("flash")
    assert memory is not None
    return memory.model_copy(update=changes)


def test_the_linker_says_how_much_too_large_a_program_is(board: Board, tmp_path: Path):
    main = "static volatile char big[0x60000];\nint main(void) { return big[0]; }\n"
    with pytest.raises(DoesNotFitError, match="bytes of RAM but esp32-c3 has 327,680"):
        toolchain.build_project(tiny_project(board, tmp_path, main=main))


def test_a_damaged_image_in_the_cache_is_built_anew(
    board: Board, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("EDGEKIT_CACHE", str(tmp_path / "cache"))
    project = tiny_project(board, tmp_path / "project", main=DRILL)
    first = toolchain.build_project(project)
    content = first.flash_parts[0].path.read_bytes()
    first.flash_parts[0].path.write_bytes(content[:-1])
    assert toolchain.build_project(project).flash_parts[0].path.read_bytes() == content


def numbers(chip: Esp32C3, command: bytes, count: int) -> tuple[int, ...]:
    chip.port.write(command)
    return struct.unpack(f"<{count}Q", chip.port.read(8 * count))


def test_it_boots_answers_and_reports_faults_in_espressifs_emulator(built: Built, tmp_path: Path):
    with Esp32C3(built.content, tmp_path) as chip:
        chip.read_until(b"SPI_FAST_FLASH_BOOT)\r\n")
        chip.port.write(b"E\x05hello")
        chip.read_until(b"hello")
        assert numbers(chip, b"W", 1) == (1,)
        assert numbers(chip, b"S", 3)[:2] == (1, 1)  # power on; variables as they should be
        for command, cause in ((b"R", 2), (b"F", 4), (b"O", 4)):
            chip.port.write(command)
            said = chip.read_until(b"SPI_FAST_FLASH_BOOT)\r\n")
            assert (b"edgekit: fault, cause 0x00000007 at pc 0x42" in said) == (cause == 4)
            assert (b", stack overflow\r\nStack memory:\r\n" in said) == (command == b"O")
            assert (b", value 0xfffffffc, ra 0x42" in said) == (command == b"F")
            assert numbers(chip, b"S", 2)[:2] == (cause, 1)
            chip.port.read(8)
