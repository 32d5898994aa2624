"""ELF -> UF2: what the boot ROM of an RP2040 or RP2350, as a USB drive, writes to flash memory.

The format is Microsoft's, https://github.com/microsoft/uf2: blocks of 512 bytes, each with the
address of its content, so that it does not matter in which order, or how often, an operating system
writes them. What Raspberry Pi's boot ROMs ask for beyond it: 256 bytes of content a block, and no
sector of flash memory that is filled in part only (erratum RP2040-E14).
"""

from __future__ import annotations

import struct
from pathlib import Path

from edgekit.boards import Board
from edgekit.errors import BuildError
from edgekit.files import write_whole
from edgekit.toolchain import boot_stage
from edgekit.toolchain.loadable import ERASED, flash_content

NAME = "firmware.uf2"

_MAGIC_START = 0x0A324655, 0x9E5D5157
_MAGIC_END = 0x0AB16F30
_FAMILY_ID_PRESENT, _EXTENSIONS_PRESENT = 0x2000, 0x8000
_BLOCK_BYTES, _CONTENT_BYTES, _FIELD_BYTES = 512, 256, 476
_SECTOR_BYTES = 4096  # what flash memory erases at a time

# Of erratum RP2350-E10's block; src/common/boot_uf2_headers of Raspberry Pi's SDK has the numbers.
_ABSOLUTE_FAMILY_ID = 0xE48BFF57
_ABSOLUTE_ADDRESS = 0x10FF_FF00  # the last page that an RP2350 can address
_ABSOLUTE_BLOCKS = 2
_ABSOLUTE_CONTENT = b"\xef" * _CONTENT_BYTES
_IGNORE_BLOCK = 0x9957E304  # extension: later boot ROMs leave the block alone


def write_file(elf: Path, board: Board, path: Path) -> None:
    """Write the UF2 of an image for `board`, which has a section [uf2].

    Raises:
        BuildError: the linker did not fill flash memory from its start, or with what an RP2040's
            boot ROM would not start.
        DoesNotFitError: the image is larger than the flash memory.
        UserError: `path` cannot be written.
    """
    flash, facts = board.memory("flash"), board.uf2
    assert flash is not None and facts is not None  # the linker had a flash memory to fill
    image = flash_content(elf, flash, board_id=board.id)
    if not image:
        raise BuildError(f"{elf.name}: nothing of it lies in flash memory at {flash.start:#x}")
    if facts.family_id == boot_stage.RP2040_FAMILY_ID:
        boot_stage.refuse_unless_started(image, elf.name)
    first = absolute_block() if facts.absolute_block else b""
    write_whole(path, first + write_uf2(image, flash.start, facts.family_id))


def write_uf2(image: bytes, address: int, family_id: int) -> bytes:
    """The UF2 file of `image`.

    Args:
        image: any number of bytes but 0; the last sector is filled up as erased flash memory is.
        address: where it begins in the chip's memory map, at the start of a sector.
        family_id: which chips take it.
    """
    if not image or address % _SECTOR_BYTES:
        raise ValueError(f"{len(image)} bytes at {address:#x} fill no sectors from their start")
    image += ERASED * (-len(image) % _SECTOR_BYTES)
    count = len(image) // _CONTENT_BYTES
    return b"".join(
        _block(
            image[number * _CONTENT_BYTES : (number + 1) * _CONTENT_BYTES],
            address=address + number * _CONTENT_BYTES,
            number=number,
            count=count,
            family_id=family_id,
        )
        for number in range(count)
    )


def absolute_block() -> bytes:
    """What an RP2350's UF2 begins with, as erratum RP2350-E10 of its data sheet asks.

    Without it, the first revision's boot ROM finds no place for an image on a chip with a partition
    table. It claims to be one of two blocks of another family, and addresses the end of 16 MiB.
    """
    return _block(
        _ABSOLUTE_CONTENT,
        address=_ABSOLUTE_ADDRESS,
        number=0,
        count=_ABSOLUTE_BLOCKS,
        family_id=_ABSOLUTE_FAMILY_ID,
        extension=_IGNORE_BLOCK,
    )


def _block(
    content: bytes, *, address: int, number: int, count: int, family_id: int, extension: int = 0
) -> bytes:
    flags = _FAMILY_ID_PRESENT | (_EXTENSIONS_PRESENT if extension else 0)
    header = struct.pack(
        "<8I", *_MAGIC_START, flags, address, len(content), number, count, family_id
    )
    field = (content + struct.pack("<I", extension)).ljust(_FIELD_BYTES, b"\0")
    block = header + field + struct.pack("<I", _MAGIC_END)
    assert len(block) == _BLOCK_BYTES
    return block
