"""ELF -> what lies in the flash memory of an ESP32-C3 that starts straight from it.

The chip's mask ROM looks for MAGIC, twice, at the start of flash memory. If it is there, the ROM
maps the flash memory to where the ELF says that its code runs, and jumps to the word behind. There
is no header with sizes or checksums, and nothing is loaded: start-up code copies what belongs in
RAM.
"""

from __future__ import annotations

import struct
from pathlib import Path

from edgekit.boards import Board, Memory
from edgekit.errors import BuildError
from edgekit.files import write_whole
from edgekit.toolchain.loadable import ERASED, entry_of, flash_content

MAGIC = 0xAEDB041D
ENTRY_OFFSET = 8  # in bytes, behind the two words of MAGIC
_HEADER = struct.pack("<2I", MAGIC, MAGIC)
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
    image = flash_content(elf, flash, board_id=board_id)
    image += ERASED * (-len(image) % _ALIGNMENT)
    entry = entry_of(elf)
    if not image.startswith(_HEADER) or entry != flash.start + ENTRY_OFFSET:
        raise BuildError(
            f"{elf.name}: the ROM would not start it: it begins with {image[:8].hex(' ')}, "
            f"and its entry is {entry:#x}, not {flash.start + ENTRY_OFFSET:#x}",
            hint="the board's linker script must put the mark and the reset code first",
        )
    return image
