"""A UF2 file, each block of it checked: what a Pico's boot ROM takes, as a USB drive.

The format is Microsoft's, https://github.com/microsoft/uf2.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edgekit import boards
from edgekit.errors import ImageError
from edgekit.flash import manifest

SUFFIX = ".uf2"

_BLOCK_BYTES = 512
_MAGIC = b"UF2\n\x57\x51\x5d\x9e"
_MAGIC_END = b"\x30\x6f\xb1\x0a"
_HAS_FAMILY = 0x2000
_MOST_CONTENT = 476
_BUILD_AGAIN = "build the firmware again"
#: Of the block that erratum RP2350-E10 asks for; it belongs to no image.
_ABSOLUTE_FAMILY = 0xE48BFF57


@dataclass(frozen=True, slots=True, kw_only=True)
class Uf2Image:
    """A firmware image for a board that is a USB drive."""

    path: Path
    content: bytes
    drive_id: str  # Board-ID of the drive that takes it, e.g. "RPI-RP2"
    #: Of the build; empty where there is only the file:
    board_id: str = ""
    framework: str = ""
    model_name: str = ""
    model_sha256: str = ""
    build_id: str = ""


def is_uf2(path: Path) -> bool:
    """True if `path` is a UF2 file, or a project whose image is one."""
    if path.suffix.lower() == SUFFIX:
        return True
    try:
        return manifest.parse(manifest.find(path)).uf2 is not None
    except ImageError:
        return False


def read(path: Path) -> Uf2Image:
    """The image at `path`: a UF2 file, or a built project, or its flash.json.

    Raises:
        ImageError: there is none, or a block of it is damaged, or it is for no board we know.
    """
    if path.suffix.lower() == SUFFIX and not path.with_name(manifest.MANIFEST).is_file():
        return _bare(path)
    found = manifest.find(path.parent if path.suffix.lower() == SUFFIX else path)
    told = manifest.parse(found)
    if told.uf2 is None or len(told.parts) != 1:
        raise ImageError(f"{found} describes no UF2", hint=_BUILD_AGAIN)
    part = manifest.part_of(told.parts[0], found.parent)
    file = found.parent / told.parts[0].file
    if _family_of(part.content, file) != told.uf2.family_id:
        raise ImageError(f"{file} is not for the chip that {found} names", hint=_BUILD_AGAIN)
    return Uf2Image(
        path=file,
        content=part.content,
        drive_id=told.uf2.board_id,
        board_id=told.board,
        framework=told.framework,
        model_name=told.model_name,
        model_sha256=told.model_sha256,
        build_id=told.build_id,
    )


def _bare(path: Path) -> Uf2Image:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ImageError(f"{path} cannot be read: {error.strerror}") from error
    family = _family_of(content, path)
    known = {b.uf2.family_id: b.uf2.board_id for b in boards.all_boards() if b.uf2 is not None}
    if family not in known:
        raise ImageError(
            f"{path} is for family {family:#x}, which no board of edgekit's is of",
            hint="it is for another kind of chip",
        )
    return Uf2Image(path=path, content=content, drive_id=known[family])


def _family_of(content: bytes, path: Path) -> int:
    """The family of a whole UF2 file.

    Raises:
        ImageError: a block is damaged or missing, or there are several families.
    """
    numbers: dict[int, set[int]] = {}
    counts: dict[int, int] = {}
    for number, count, family in _blocks(content, path):
        if family != _ABSOLUTE_FAMILY:
            numbers.setdefault(family, set()).add(number)
            counts[family] = count
    if len(numbers) != 1:
        raise ImageError(f"{path} is for {len(numbers)} kinds of chips", hint=_BUILD_AGAIN)
    ((family, seen),) = numbers.items()
    if seen != set(range(counts[family])):
        raise ImageError(
            f"{path} has {len(seen)} of its {counts[family]} blocks: it is not whole",
            hint=_BUILD_AGAIN,
        )
    return family


def _blocks(content: bytes, path: Path) -> Iterator[tuple[int, int, int]]:
    """Number, count and family of each block."""
    if not content or len(content) % _BLOCK_BYTES:
        raise ImageError(
            f"{path} has {len(content):,} bytes: a UF2 is made of blocks of {_BLOCK_BYTES}",
            hint=_BUILD_AGAIN,
        )
    for at in range(0, len(content), _BLOCK_BYTES):
        block = content[at : at + _BLOCK_BYTES]
        flags, _, size, number, count, family = struct.unpack_from("<6I", block, 8)
        is_whole = block.startswith(_MAGIC) and block.endswith(_MAGIC_END)
        if not is_whole or size > _MOST_CONTENT or number >= count or not flags & _HAS_FAMILY:
            raise ImageError(f"{path}: block {at // _BLOCK_BYTES} is damaged", hint=_BUILD_AGAIN)
        yield number, count, family
