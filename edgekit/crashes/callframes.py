"""Call frame information -> how the caller's registers follow from those at an address.

Of .debug_frame only the headers are read to find the entry of an address, and then that entry: a
firmware of ESP-IDF has tens of thousands, and pyelftools takes seconds to decode them all.
"""

from __future__ import annotations

import bisect
import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from elftools.dwarf.callframe import FDE, CallFrameInfo
from elftools.elf.elffile import ELFFile

from edgekit.crashes.debugging import BROKEN, tombstones

_CIE = 0xFFFF_FFFF
_HEADER = struct.Struct("<II")  # length, and what it is: 32-bit DWARF


@dataclass(frozen=True, slots=True)
class Rules:
    """How the caller's registers follow, by DWARF numbers: CFA = register + offset."""

    cfa_register: int
    cfa_offset: int
    saved: dict[int, int]  # register -> offset from the CFA
    return_register: int


class CallFrames:
    """The call frame information of one ELF; nothing is found where there is none."""

    def __init__(self, elf: ELFFile) -> None:
        self._dwarf: Any = elf.get_dwarf_info(relocate_dwarf_sections=False)
        section = elf.get_section_by_name(".debug_frame")
        self._content: bytes = b"" if section is None else section.data()
        self._address = struct.Struct("<II" if elf.elfclass == 32 else "<QQ")
        self._tombstones = tombstones(elf.elfclass)
        self._index: list[tuple[int, int, int]] | None = None  # start, end, offset of the entry
        self._others: list[tuple[int, int, Any]] | None = None  # of .eh_frame

    def rules_at(self, address: int) -> Rules | None:
        """How to unwind from an address; None if not known."""
        try:
            entry = self._entry(address)
            return None if entry is None else _rules(entry, address)
        except BROKEN:
            return None

    def _entry(self, address: int) -> Any:
        if self._index is None:
            self._index = sorted(self._scan())
        at = bisect.bisect_right(self._index, address, key=lambda entry: entry[0]) - 1
        if at >= 0 and address < self._index[at][1]:
            return self._decoded(self._index[at][2])
        if self._others is None:
            self._others = list(self._exception_frames())
        return next((fde for start, end, fde in self._others if start <= address < end), None)

    def _scan(self) -> Iterator[tuple[int, int, int]]:
        """All FDEs of .debug_frame (DWARF 5, 6.4.1)."""
        at = 0
        while at + _HEADER.size + self._address.size <= len(self._content):
            length, kind = _HEADER.unpack_from(self._content, at)
            if kind != _CIE:
                start, size = self._address.unpack_from(self._content, at + _HEADER.size)
                if start not in self._tombstones:
                    yield start, start + size, at
            at += 4 + length

    def _decoded(self, at: int) -> Any:
        """One FDE, from a section of its own with its CIE."""
        cie_at = _HEADER.unpack_from(self._content, at)[1]
        cie, fde = self._whole(cie_at), bytearray(self._whole(at))
        struct.pack_into("<I", fde, 4, 0)  # its CIE is at 0 now
        content = cie + bytes(fde)
        alone = CallFrameInfo(
            stream=io.BytesIO(content),
            size=len(content),
            address=0,
            base_structs=self._dwarf.structs,
        )
        return next(entry for entry in alone.get_entries() if isinstance(entry, FDE))

    def _whole(self, at: int) -> bytes:
        return self._content[at : at + 4 + _HEADER.unpack_from(self._content, at)[0]]

    def _exception_frames(self) -> Iterator[tuple[int, int, Any]]:
        if not self._dwarf.has_EH_CFI():
            return
        for entry in self._dwarf.EH_CFI_entries():
            if isinstance(entry, FDE):
                start = entry["initial_location"]
                yield start, start + entry["address_range"], entry


def _rules(entry: Any, address: int) -> Rules | None:
    rows = [row for row in entry.get_decoded().table if row["pc"] <= address]
    if not rows or rows[-1]["cfa"].reg is None:
        return None
    row = rows[-1]
    saved = {
        register: rule.arg
        for register, rule in row.items()
        if isinstance(register, int) and rule.type == "OFFSET"
    }
    return Rules(
        cfa_register=row["cfa"].reg,
        cfa_offset=row["cfa"].offset,
        saved=saved,
        return_register=entry.cie["return_address_register"],
    )
