"""Reads the block that an RP2350's boot ROM looks for in an image; knows no code of edgekit's.

Written from the RP2350 datasheet, 5.9 "Metadata block details" and 5.1.5 "Image definitions": a
block begins and ends with a mark, has items between them, each with its size in words, and the
offset of the next block of a loop that must come back to the first.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

SEARCHED_BYTES = 4096
_START, _END = struct.pack("<I", 0xFFFFDED3), struct.pack("<I", 0xAB123579)
_IMAGE_TYPE, _VECTOR_TABLE, _ENTRY_POINT, _LAST = 0x42, 0x03, 0x44, 0xFF


@dataclass(frozen=True)
class ImageDefinition:
    """What a boot ROM makes of an image."""

    is_executable: bool
    is_secure: bool
    cpu: str
    chip: str
    vector_table: int | None  # address
    entry: tuple[int, int] | None  # address, stack pointer


def definition_in(image: bytes) -> ImageDefinition:
    """The image definition of a flash image that begins at offset 0 of flash memory."""
    at = next(
        at for at in range(0, SEARCHED_BYTES, 4) if image[at : at + 4] == _START
    )  # aligned to words; none: StopIteration
    items, end = _items(image, at + 4)
    (offset,) = struct.unpack_from("<i", image, end)
    assert image[end + 4 : end + 8] == _END
    assert offset == 0, "a loop of one block"
    flags = items[_IMAGE_TYPE][1]
    table, entry = items.get(_VECTOR_TABLE), items.get(_ENTRY_POINT)
    return ImageDefinition(
        is_executable=flags & 0xF == 1,
        is_secure=flags >> 4 & 3 == 2,
        cpu={0: "arm", 1: "riscv"}[flags >> 8 & 7],
        chip={0: "RP2040", 1: "RP2350"}[flags >> 12 & 7],
        vector_table=None if table is None else table[2],
        entry=None if entry is None else (entry[2], entry[3]),
    )


def _items(image: bytes, at: int) -> tuple[dict[int, list[int]], int]:
    """Kind -> [kind, upper half of its first word, further words]; where the loop's offset lies."""
    items: dict[int, list[int]] = {}
    start = at
    while True:
        kind = image[at]
        two_bytes = kind & 0x80
        words = struct.unpack_from("<H", image, at + 1)[0] if two_bytes else image[at + 1]
        if kind == _LAST:
            assert words == (at - start) // 4, "the last item has the size of those before it"
            return items, at + 4
        assert words >= 1 and not two_bytes
        first, *further = struct.unpack_from(f"<{words}I", image, at)
        assert kind not in items
        items[kind] = [kind, first >> 16, *further]
        at += 4 * words
