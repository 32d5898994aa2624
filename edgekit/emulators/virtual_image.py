"""A program of this computer as images that an ESP32's flash memory can hold.

A stand-in has the form of the real thing, part for part: boot loader, partition table, application,
each at its offset, with the chip's id, checksum and SHA-256 that esptool, the ROM and the boot
loader look at. Only what the application's segment holds is another's: an ELF file for this
computer, which a virtual chip runs, and silicon would not.
"""

from __future__ import annotations

import hashlib
import struct
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgekit.boards import Board
from edgekit.boards.board import Esptool
from edgekit.emulators.virtual_rom import ROMS
from edgekit.errors import BoardError, EmulatorError, ToolMissingError
from edgekit.toolchain import FlashPart

if TYPE_CHECKING:
    from collections.abc import Sequence

TABLE_OFFSET, APPLICATION_OFFSET = 0x8000, 0x10000  # as ESP-IDF has them unless told otherwise
TABLE_BYTES = 0xC00
ENTRY_MAGIC, DIGEST_MAGIC = b"\xaa\x50", b"\xeb\xeb"
#: magic, type, subtype, offset, size, label, flags
ENTRY = struct.Struct("<2sBBII16sI")
TYPE_APPLICATION, SUBTYPE_FACTORY = 0, 0

_PARTITION_STEP = 0x10000
_APPLICATION_HEADERS = 0x20  # of the image and of its first segment: where its data begin
_DIO = 2
_BOOT_LOADER = b"edgekit: stands in for the second boot loader of a virtual chip\0"


def stand_in(elf: Path, board: Board, directory: Path) -> tuple[FlashPart, ...]:
    """Write a boot loader, a partition table and an application that holds `elf` to `directory`.

    Args:
        elf: a program of this computer; what only a debugger needs of it is left out.
        board: one that esptool flashes.
        directory: exists; files of the same names are replaced.

    Returns:
        The parts in the order of their offsets.

    Raises:
        BoardError: the board is no ESP32, or has a chip that no virtual chip plays.
        ToolMissingError: esptool is not installed.
        EmulatorError: `elf` is no program.
    """
    settings = settings_of(board)
    program = loaded_part(elf)
    application = _image(settings, board, program, _program_address(settings))
    size_bytes = -(-len(application) // _PARTITION_STEP) * _PARTITION_STEP
    contents = (
        (
            settings.bootloader_offset,
            "bootloader.bin",
            _image(settings, board, _BOOT_LOADER, ROMS[settings.chip].load_address),
        ),
        (TABLE_OFFSET, "partitions.bin", partition_table(APPLICATION_OFFSET, size_bytes)),
        (APPLICATION_OFFSET, "firmware.bin", application),
    )
    for _, name, content in contents:
        (directory / name).write_bytes(content)
    return tuple(FlashPart(offset=offset, path=directory / name) for offset, name, _ in contents)


def settings_of(board: Board) -> Esptool:
    """What the board's file says to esptool.

    Raises:
        BoardError: it says nothing, or names a chip that no virtual chip plays.
    """
    if board.esptool is None:
        raise BoardError(
            f"{board.id} is no ESP32, so no virtual ESP32 stands in for it",
            hint="boards that esptool flashes have one",
        )
    if board.esptool.chip not in ROMS:
        raise BoardError(
            f"{board.id}: there is no virtual {board.esptool.chip}",
            hint=f"there are: {', '.join(ROMS)}",
        )
    return board.esptool


def loaded_part(elf: Path) -> bytes:
    """The part of an executable that the system loads: without sections, symbols, debug lines.

    Raises:
        EmulatorError: it is no executable that can be read.
    """
    from elftools.common.exceptions import ELFError
    from elftools.elf.elffile import ELFFile

    try:
        content = bytearray(elf.read_bytes())
        file = ELFFile(BytesIO(bytes(content)))
        ends = [s["p_offset"] + s["p_filesz"] for s in file.iter_segments() if s["p_filesz"]]
        header_bytes = file["e_phoff"] + file["e_phnum"] * file["e_phentsize"]
        wide = file.elfclass == 64
    except (OSError, ELFError) as error:
        raise EmulatorError(f"{elf} is no program for a virtual chip: {error}") from error
    if not ends:
        raise EmulatorError(f"{elf} is no program: nothing of it is to be loaded")
    del content[max(header_bytes, *ends) :]
    # e_shoff; then e_shnum and e_shstrndx, which end the header
    struct.pack_into("<Q" if wide else "<I", content, 0x28 if wide else 0x20, 0)
    struct.pack_into("<HH", content, 0x3C if wide else 0x30, 0, 0)
    return bytes(content)


def partition_table(offset: int, size_bytes: int) -> bytes:
    """A table with one partition, the application's, in ESP-IDF's binary form.

    Source: ESP-IDF, components/partition_table/gen_esp32part.py and its documentation.
    """
    entry = ENTRY.pack(
        ENTRY_MAGIC, TYPE_APPLICATION, SUBTYPE_FACTORY, offset, size_bytes, b"factory", 0
    )
    digest = DIGEST_MAGIC + b"\xff" * 14 + hashlib.md5(entry, usedforsecurity=False).digest()
    return (entry + digest).ljust(TABLE_BYTES, b"\xff")


def _program_address(settings: Esptool) -> int:
    start: int = rom_class(settings.chip).DROM_MAP_START
    return start + _APPLICATION_HEADERS


def _image(settings: Esptool, board: Board, payload: bytes, address: int) -> bytes:
    """An image of one segment, as esptool writes them."""
    from esptool.bin_image import ImageSegment

    rom = rom_class(settings.chip)
    image = rom.BOOTLOADER_IMAGE()
    image.segments = [_named(ImageSegment(address, payload))]
    image.entrypoint = rom.IROM_MAP_START
    image.flash_mode = _DIO
    image.flash_size_freq = _flash_size_code(rom, board) + rom.parse_flash_freq_arg("40m")
    content: bytes = image.save(None)
    return content


def _named(segment: Any) -> Any:
    segment.name = ""  # esptool asks for it when it writes a segment that came from no ELF
    return segment


def _flash_size_code(rom: Any, board: Board) -> int:
    """Of the largest flash memory that the board is sure to have."""
    sizes: Sequence[str] = [
        name
        for name in rom.FLASH_SIZES
        if int(name.removesuffix("MB")) << 20 <= (board.flash_bytes or 4 << 20)
    ]
    code: int = rom.parse_flash_size_arg(sizes[-1] if sizes else "1MB")
    return code


def rom_class(chip: str) -> Any:
    """What esptool knows of a chip.

    Raises:
        ToolMissingError: esptool is not installed.
    """
    try:
        from esptool.targets import CHIP_DEFS
    except ImportError as error:
        raise missing(error) from error
    return CHIP_DEFS[chip]


def missing(error: ImportError) -> ToolMissingError:
    """The error for a virtual chip whose packages are not installed."""
    return ToolMissingError(
        f"a virtual ESP32 needs the package {error.name}, which is not installed",
        hint="pip install 'edgekit[virtual]'",
    )
