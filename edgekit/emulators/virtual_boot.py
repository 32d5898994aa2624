"""What a chip makes of its flash memory at a reset: the ROM, then the second boot loader.

Both refuse what real ones refuse, in their words, so that a fault of flashing shows as it would on
a desk.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from edgekit.boards.board import Esptool
from edgekit.emulators import virtual_image as image
from edgekit.emulators.virtual_rom import ROMS, error

_IMAGE_MAGIC = 0xE9
_CHIP_ID_OFFSET = 12
_ELF_MAGIC = b"\x7fELF"
_APPLICATIONS = (0x00, *range(0x10, 0x20))  # factory, ota_0 to ota_15


@dataclass(frozen=True, slots=True, kw_only=True)
class Boot:
    """What came of a reset."""

    text: str  # what ROM and boot loader printed
    program: bytes | None = None  # the ELF file to run
    loops: bool = True  # if there is no program: the chip resets and tries again


class _Refused(Exception):  # noqa: N818 - the chip's, not ours
    """An image is not taken; the text says why, in the boot loader's words."""


def boot(flash: bytes, settings: Esptool) -> Boot:
    """Boot from the whole of a flash memory."""
    rom = ROMS[settings.chip]
    start = flash[settings.bootloader_offset :]
    if start[:1] != bytes([_IMAGE_MAGIC]):
        return Boot(text=rom.no_header(int.from_bytes(start[:4], "little")))
    loader = _parsed(start, settings.chip)
    if loader is None:
        return Boot(text=rom.no_header(int.from_bytes(start[:4], "little")))
    found = loader.calculate_checksum()
    if found != loader.checksum:
        return Boot(text=rom.wrong_checksum(found, loader.checksum))
    loads = [(segment.addr, len(segment.data)) for segment in loader.segments]
    text = rom.loaded(loads, loader.entrypoint)
    try:
        program = _application(flash, settings)
    except _Refused as refusal:
        return Boot(text=text + str(refusal))
    if program is None:
        note = error("virtual", "the application in flash memory is for silicon: cannot run it")
        return Boot(text=text + note, loops=False)
    return Boot(text=text, program=program)


def _application(flash: bytes, settings: Esptool) -> bytes | None:
    """The ELF file of the application; None if it holds none."""
    offset, size = _partition(flash[image.TABLE_OFFSET :][: image.TABLE_BYTES])
    content = flash[offset : offset + size]
    where = f"image at {offset:#x}"
    not_bootable = error("boot", "Factory app partition is not bootable") + error(
        "boot", "No bootable app partitions in the partition table"
    )
    if content[:1] != bytes([_IMAGE_MAGIC]):
        why = error("esp_image", f"{where} has invalid magic byte (nothing flashed here?)")
        raise _Refused(why + not_bootable)
    chip_id = int.from_bytes(content[_CHIP_ID_OFFSET : _CHIP_ID_OFFSET + 2], "little")
    if chip_id != settings.image_chip_id:
        why = f"mismatch chip ID, expected {settings.image_chip_id}, found {chip_id}"
        raise _Refused(error("boot_comm", why) + not_bootable)
    parsed = _parsed(content, settings.chip)
    if parsed is None:
        raise _Refused(error("esp_image", f"{where}: segments are invalid") + not_bootable)
    found = parsed.calculate_checksum()
    if found != parsed.checksum:
        why = f"Checksum failed. Calculated {found:#x} read {parsed.checksum:#x}"
        raise _Refused(error("esp_image", why) + not_bootable)
    if parsed.append_digest and parsed.calc_digest != parsed.stored_digest:
        raise _Refused(error("esp_image", "Image hash failed - image is corrupt") + not_bootable)
    segments = (bytes(segment.data) for segment in parsed.segments)
    return next((data for data in segments if data.startswith(_ELF_MAGIC)), None)


def _partition(table: bytes) -> tuple[int, int]:
    """Offset and size of the first partition that an application can be in."""
    chosen: tuple[int, int] | None = None
    for at in range(0, len(table) - image.ENTRY.size + 1, image.ENTRY.size):
        magic, kind, subtype, offset, size, _, _ = image.ENTRY.unpack_from(table, at)
        if magic == image.DIGEST_MAGIC:
            digest = hashlib.md5(table[:at], usedforsecurity=False).digest()
            if digest != table[at + 16 : at + 32]:
                raise _no_table(error("flash_parts", "partition table MD5 mismatch"))
        elif magic == b"\xff\xff":
            break
        elif magic != image.ENTRY_MAGIC:
            number = at // image.ENTRY.size
            word = int.from_bytes(magic, "little")
            text = f"partition {number} invalid magic number {word:#x}"
            raise _no_table(error("flash_parts", text))
        elif kind == image.TYPE_APPLICATION and subtype in _APPLICATIONS and chosen is None:
            chosen = offset, size
    if chosen is None:
        text = "No bootable app partitions in the partition table"
        raise _Refused(error("boot", text))
    return chosen


def _no_table(why: str) -> _Refused:
    return _Refused(
        why
        + error("boot", "Failed to verify partition table")
        + error("boot", "load partition table error!")
    )


def _parsed(content: bytes, chip: str) -> Any:
    """The image at the start of `content` as esptool reads it; None if it cannot."""
    from esptool.util import FatalError

    try:
        return image.rom_class(chip).BOOTLOADER_IMAGE(BytesIO(content))
    except (FatalError, struct.error, RuntimeError, TypeError):
        return None  # it ends in the middle, or its header is none
