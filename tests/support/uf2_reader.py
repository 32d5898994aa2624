"""Reads UF2 files block by block, from Microsoft's specification alone; knows no code of edgekit's.

It does with them what the boot ROM of an RP2040 or RP2350 is documented to do: take the blocks of
its families, in any order, erase each sector of flash memory when it is first written to, and be
done when all of a family's blocks were there.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

BLOCK_BYTES, SECTOR_BYTES = 512, 4096


@dataclass(frozen=True)
class Block:
    """The fields of a block, by the names that the specification gives them."""

    flags: int
    target_address: int
    payload_size: int
    number: int
    count: int
    family_id: int
    data: bytes  # all 476 bytes

    @property
    def payload(self) -> bytes:
        return self.data[: self.payload_size]


def blocks_of(file: bytes) -> list[Block]:
    """Every block; refuses a file with anything else in it."""
    assert len(file) % BLOCK_BYTES == 0, "a UF2 file consists of whole blocks"
    found = []
    for at in range(0, len(file), BLOCK_BYTES):
        block = file[at : at + BLOCK_BYTES]
        assert block[:4] == b"UF2\n", f"first magic number at {at:#x}"
        assert block[4:8] == bytes.fromhex("57515d9e"), f"second magic number at {at:#x}"
        assert block[508:] == bytes.fromhex("306fb10a"), f"final magic number at {at:#x}"
        flags, address, size, number, count, family = struct.unpack_from("<6I", block, 8)
        assert size <= 476
        assert number < count
        assert flags & 0x2000, "the last field is the family only if this flag says so"
        found.append(Block(flags, address, size, number, count, family, block[32:508]))
    return found


def written_by_rom(blocks: list[Block], family_id: int) -> dict[int, int]:
    """Address -> byte of all flash memory that is defined after a boot ROM took the blocks."""
    mine = [block for block in blocks if block.family_id == family_id]
    assert {block.number for block in mine} == set(range(mine[0].count)), "a block is missing"
    assert len({block.count for block in mine}) == 1
    memory: dict[int, int] = {}
    for block in mine:
        assert block.payload_size == 256 and block.target_address % 256 == 0
        span = range(block.target_address, block.target_address + 256)
        assert not memory.keys() & set(span), f"{block.target_address:#x} is written twice"
        memory.update(zip(span, block.payload, strict=True))
    for sector in {address // SECTOR_BYTES for address in memory}:
        start = sector * SECTOR_BYTES
        assert all(a in memory for a in range(start, start + SECTOR_BYTES, 256)), "RP2040-E14"
    return memory
