"""ELF -> what of it lies in flash memory."""

from __future__ import annotations

from pathlib import Path

from elftools.elf.elffile import ELFFile

from edgekit.boards import Memory
from edgekit.errors import BuildError, DoesNotFitError

ERASED = b"\xff"


def flash_content(elf: Path, flash: Memory, *, board_id: str) -> bytes:
    """Every byte that the ELF loads into `flash`, from its start on; gaps are left erased.

    Raises:
        BuildError: a segment lies in front of the flash memory, or in another one.
        DoesNotFitError: the image ends behind the flash memory.
    """
    with elf.open("rb") as file:
        segments = sorted(
            (int(segment["p_paddr"]) - flash.start, segment.data())
            for segment in ELFFile(file).iter_segments("PT_LOAD")
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
        if offset + len(content) > flash.size_bytes:
            raise DoesNotFitError(
                board=board_id,
                memory="flash memory",
                needed_bytes=offset + len(content),
                free_bytes=flash.size_bytes,
            )
        image += ERASED * (offset - len(image)) + content
    return bytes(image)


def entry_of(elf: Path) -> int:
    """The address at which the ELF is entered."""
    with elf.open("rb") as file:
        return int(ELFFile(file)["e_entry"])
