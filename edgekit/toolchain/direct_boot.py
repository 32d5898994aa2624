"""ELF -> what lies in the flash memory of an ESP32-C3 that starts straight from it.

The chip's mask ROM looks for MAGIC, twice, at the start of flash memory. If it is there, the ROM
maps the flash memory to where the ELF says that its code runs, and jumps to the word behind. There
is no header with sizes or checksums, and nothing is loaded: start-up code copies what belongs in
RAM.
"""

from __future__ import annotations

import struct
from pathlib import Path

from elftools.elf.elffile import ELFFile

from edgekit.boards import Board, Memory
from edgekit.errors import BuildError, DoesNotFitError
from edgekit.files import write_whole

MAGIC = 0xAEDB041D
ENTRY_OFFSET = 8  # in bytes, behind the two words of MAGIC
_HEADER = struct.pack("<2I", MAGIC, MAGIC)
_ERASED = b"\xff"
_ALIGNMENT = 4  # what esptool would pad to


def write_image(elf: Path, board: Board, path: Path) -> None:
    """Write the flash memory's content, from offset 0 on, to `path`.

    Raises:
        BuildError: the linker did not make what the ROM expects.
        DoesNotFitError: the image is larger than the flash memory that the ROM maps.
        UserError: `path` cannot be written.
    """
    flash = board.memory("flash")
    assert flash is not None  # the linker had one to fill
    write_whole(path, image_of(elf, flash, board_id=board.id))


def image_of(elf: Path, flash: Memory, *, board_id: str) -> bytes:
    """Every byte that the ELF has for `flash`, at its load address; gaps are left erased.

    Raises:
        BuildError: the linker did not make what the ROM expects; the message says how so.
        DoesNotFitError: the image ends behind the flash memory.
    """
    with elf.open("rb") as file:
        program = ELFFile(file)
        entry = int(program["e_entry"])
        segments = sorted(
            (int(segment["p_paddr"]) - flash.start, segment.data())
            for segment in program.iter_segments("PT_LOAD")
            if segment["p_filesz"]
        )
    image = bytearray()
    for offset, content in segments:
        if offset < len(image):
            raise BuildError(
                f"{elf.name}: {len(content):,} bytes are loaded at offset {offset:#x} of flash "
                f"memory, where they cannot be",
                hint="the board's linker script gives load addresses that do not go upwards",
            )
        image += _ERASED * (offset - len(image)) + content
    image += _ERASED * (-len(image) % _ALIGNMENT)
    if not image.startswith(_HEADER) or entry != flash.start + ENTRY_OFFSET:
        raise BuildError(
            f"{elf.name}: the ROM would not start it: it begins with {bytes(image[:8]).hex(' ')}, "
            f"and its entry is {entry:#x}, not {flash.start + ENTRY_OFFSET:#x}",
            hint="the board's linker script must put the mark and the reset code first",
        )
    if len(image) > flash.size_bytes:
        raise DoesNotFitError(
            board=board_id,
            memory="flash memory",
            needed_bytes=len(image),
            free_bytes=flash.size_bytes,
        )
    return bytes(image)
