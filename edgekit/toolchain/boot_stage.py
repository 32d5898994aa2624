"""The second boot stage of an RP2040: is it what the chip's boot ROM would start?

The ROM takes the first 256 bytes of flash memory for it if their last four are the checksum of the
others (RP2040 datasheet, 2.8.1.3.1): a CRC-32 that begins with all ones and goes through each byte
from its most significant bit. firmware/startup/rp2040_boot.S has its checksum in it, so that any
linker makes a whole image; here the two are held against each other.
"""

from __future__ import annotations

import struct

from edgekit.errors import BuildError

RP2040_FAMILY_ID = 0xE48BFF56  # of UF2s
STAGE_BYTES = 256
CHECKSUM_OFFSET = 252

_POLYNOMIAL = 0x04C11DB7
_ALL_ONES = 0xFFFFFFFF


def checksum(code: bytes) -> int:
    """What the ROM reckons for the bytes in front of the checksum."""
    crc = _ALL_ONES
    for byte in code:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1) ^ (_POLYNOMIAL if crc >> 31 else 0)
            crc &= _ALL_ONES
    return crc


def refuse_unless_started(image: bytes, name: str) -> None:
    """Say what the ROM would only show by going to its USB drive.

    Args:
        image: what flash memory holds, from its first byte on.
        name: of the file that it came from.

    Raises:
        BuildError: there is no boot stage, or its checksum is wrong.
    """
    stage = image[:STAGE_BYTES]
    expected = checksum(stage[:CHECKSUM_OFFSET])
    if len(stage) < STAGE_BYTES or not any(stage[:CHECKSUM_OFFSET]):
        raise BuildError(
            f"{name}: flash memory does not begin with a boot stage of {STAGE_BYTES} bytes",
            hint="the board's linker script must put .boot_stage first",
        )
    (found,) = struct.unpack_from("<I", stage, CHECKSUM_OFFSET)
    if found != expected:
        raise BuildError(
            f"{name}: the boot ROM would not start it: the boot stage's checksum is "
            f"0x{found:08X}, not 0x{expected:08X}",
            hint="if the boot stage is as it shall be, write the latter to CHECKSUM in its source",
        )
