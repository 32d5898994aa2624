"""What goes into flash memory, and where: parts that were checked to be whole."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgekit.errors import ImageError

SECTOR_BYTES = 4096  # the least that flash memory erases at a time
ERASED = 0xFF  # what an erased byte reads as
MIB = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagePart:
    """Bytes, and where in flash memory they belong."""

    offset: int  # in bytes, a multiple of SECTOR_BYTES
    name: str  # for messages, e.g. "partitions.bin"
    content: bytes

    @property
    def end(self) -> int:
        """The first byte of flash memory behind the part."""
        return self.offset + len(self.content)

    @property
    def sha256(self) -> str:
        """In lower-case hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class FlashImage:
    """A firmware image for a board that esptool writes; its parts are in order, none overlap."""

    board_id: str
    framework: str  # empty where the board has no choice
    chip: str  # as esptool names it, e.g. "esp32s3"
    parts: tuple[ImagePart, ...]
    flash_size_bytes: int  # of the flash memory that it was built for
    model_name: str
    model_sha256: str
    build_id: str  # what the firmware says of itself in HELLO
    elf: Path | None = None  # for those who decode crashes

    @property
    def size_bytes(self) -> int:
        """The content of all parts, without the gaps between them."""
        return sum(len(part.content) for part in self.parts)

    @property
    def end(self) -> int:
        """How much flash memory the image needs, counted from its start, in bytes."""
        return max(part.end for part in self.parts)


def arrange(
    parts: Sequence[ImagePart], *, flash_size_bytes: int, source: str
) -> tuple[ImagePart, ...]:
    """`parts` by their offsets.

    Raises:
        ImageError: there is none, one is empty or begins within a sector, two share a sector, or
            one ends behind the flash memory; `source` is whom the message names.
    """
    ordered = tuple(sorted(parts, key=lambda part: part.offset))
    if not ordered:
        raise ImageError(f"{source} has no parts", hint="build the firmware again")
    for part in ordered:
        if not part.content:
            raise ImageError(f"{source}: {part.name} is empty", hint="build the firmware again")
        if part.offset < 0 or part.offset % SECTOR_BYTES:
            raise ImageError(
                f"{source}: {part.name} is to be written at {part.offset:#x}, within a sector",
                hint=f"offsets are multiples of {SECTOR_BYTES:#x}",
            )
        if part.end > flash_size_bytes:
            raise ImageError(
                f"{source}: {part.name} ends at {part.end:#x}, behind the end of "
                f"{size_text(flash_size_bytes)} of flash memory",
                hint="choose a board with more flash memory, or a smaller model",
            )
    for one, next_one in itertools.pairwise(ordered):
        if -(-one.end // SECTOR_BYTES) * SECTOR_BYTES > next_one.offset:
            raise ImageError(
                f"{source}: {one.name} ({one.offset:#x} to {one.end:#x}) runs into "
                f"{next_one.name} at {next_one.offset:#x}",
                hint="give the first a larger partition, or move the second",
            )
    return ordered


def size_text(size_bytes: int) -> str:
    """A size of flash memory as data sheets write it: "4 MiB", "512 KiB", or in bytes."""
    for unit_bytes, unit in ((MIB, "MiB"), (1 << 10, "KiB")):
        if size_bytes >= unit_bytes and size_bytes % unit_bytes == 0:
            return f"{size_bytes // unit_bytes} {unit}"
    return f"{size_bytes:,} bytes"
