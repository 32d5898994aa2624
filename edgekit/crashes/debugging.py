"""DWARF -> file and line of an address, and the functions inlined there.

Only the compilation units that addresses lie in are read: a firmware of ESP-IDF has hundreds.
What linkers throw away keeps its debugging information, at address 0 or 1 (GNU) or at -1 (LLVM):
that is left out, else it would pass for code of boards whose memory begins there.
"""

from __future__ import annotations

import bisect
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from elftools.common.exceptions import DWARFError, ELFError
from elftools.elf.elffile import ELFFile

#: What damaged or unusual DWARF makes of pyelftools.
BROKEN = (
    *(DWARFError, ELFError, ValueError, LookupError, TypeError, AttributeError),
    *(AssertionError, NotImplementedError, RecursionError, OverflowError, struct.error),
)


def tombstones(bits: int) -> tuple[int, ...]:
    """Where linkers say that a function is which they threw away."""
    return (0, 1, (1 << bits) - 1, (1 << bits) - 2)


@dataclass(frozen=True, slots=True)
class Line:
    """A place in the sources."""

    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Inlined:
    """A function at an address: the innermost first, the last is the one that was not inlined."""

    name: str | None
    at: Line | None


class Debugging:
    """The debugging information of one ELF; nothing is found where there is none."""

    def __init__(self, elf: ELFFile) -> None:
        self._dwarf: Any = elf.get_dwarf_info(relocate_dwarf_sections=False)
        aranges = elf.get_section_by_name(".debug_aranges")
        self._aranges: bytes = b"" if aranges is None else aranges.data()
        self._tombstones = tombstones(elf.elfclass)
        self._units: list[tuple[int, int, int]] | None = None  # start, end, offset
        self._lines: dict[int, list[tuple[int, int, Line]]] = {}

    def at(self, address: int) -> tuple[Inlined, ...]:
        """The functions at an address with their places, innermost first; () if not known."""
        try:
            unit = self._unit_of(address)
            if unit is None:
                return ()
            path = self._path(unit, address)
            return _placed(path, self._files(unit), self._line(unit, address))
        except BROKEN:
            return ()

    # ---- compilation units ----------------------------------------------------------------------

    def _unit_of(self, address: int) -> Any:
        if self._units is None:
            self._units = sorted(self._read_units())
        for start, end, offset in self._units:
            if start <= address < end:
                return self._dwarf.get_CU_at(offset)
        return None

    def _read_units(self) -> Iterator[tuple[int, int, int]]:
        if not self._dwarf.has_debug_info:
            return
        if self._aranges:
            for start, size_bytes, offset in _aranges(self._aranges):
                if start not in self._tombstones and size_bytes:
                    yield start, start + size_bytes, offset
            return
        for unit in self._dwarf.iter_CUs():
            for start, end in self._ranges(unit.get_top_DIE()):
                yield start, end, unit.cu_offset

    def _ranges(self, die: Any) -> Iterator[tuple[int, int]]:
        """The addresses of a function, a block or a unit."""
        attributes = die.attributes
        if "DW_AT_ranges" in attributes:
            yield from self._range_list(die)
        elif "DW_AT_low_pc" in attributes and "DW_AT_high_pc" in attributes:
            low, high = attributes["DW_AT_low_pc"].value, attributes["DW_AT_high_pc"]
            end = high.value if high.form == "DW_FORM_addr" else low + high.value
            if low not in self._tombstones:
                yield low, end

    def _range_list(self, die: Any) -> Iterator[tuple[int, int]]:
        unit = die.cu
        lists = self._dwarf.range_lists()
        top = unit.get_top_DIE().attributes.get("DW_AT_low_pc")
        base = 0 if top is None else top.value
        offset = die.attributes["DW_AT_ranges"].value
        for entry in lists.get_range_list_at_offset(offset, unit):
            if hasattr(entry, "base_address"):
                base = entry.base_address
                continue
            start, end = entry.begin_offset, entry.end_offset
            if not entry.is_absolute:
                start, end = start + base, end + base
            if start not in self._tombstones and start != end:
                yield start, end

    # ---- lines ----------------------------------------------------------------------------------

    def _line(self, unit: Any, address: int) -> Line | None:
        if unit.cu_offset not in self._lines:
            self._lines[unit.cu_offset] = sorted(
                self._read_lines(unit), key=lambda row: (row[0], row[1])
            )
        rows = self._lines[unit.cu_offset]
        at = bisect.bisect_right(rows, address, key=lambda row: row[0]) - 1
        if at >= 0 and rows[at][0] <= address < rows[at][1] and rows[at][2].line:
            return rows[at][2]
        return None

    def _read_lines(self, unit: Any) -> Iterator[tuple[int, int, Line]]:
        program = self._dwarf.line_program_for_CU(unit)
        if program is None:
            return
        files = self._files(unit)
        before: Any = None
        is_dead = False
        for entry in program.get_entries():
            state = entry.state
            if state is None:
                continue
            if before is None:
                is_dead = state.address in self._tombstones
            elif state.address > before.address and not is_dead:
                line = Line(files.get(before.file, "?"), before.line)
                yield before.address, state.address, line
            before = None if state.end_sequence else state

    def _files(self, unit: Any) -> dict[int, str]:
        """Names by their numbers in the line program, with their directories."""
        program = self._dwarf.line_program_for_CU(unit)
        if program is None:
            return {}
        header = program.header
        is_5 = header.version >= 5
        directories = [_text(d) for d in header["include_directory"]]
        names = {}
        for i, entry in enumerate(header["file_entry"], start=0 if is_5 else 1):
            at = entry.dir_index if is_5 else entry.dir_index - 1
            folder = directories[at] if 0 <= at < len(directories) else ""
            name = _text(entry.name)
            names[i] = name if not folder or name.startswith("/") else f"{folder}/{name}"
        return names

    # ---- functions ------------------------------------------------------------------------------

    def _path(self, unit: Any, address: int) -> list[Any]:
        """The function at an address, then what was inlined into it there, outermost first."""
        path: list[Any] = []
        at = unit.get_top_DIE()
        while at is not None:
            at = next((die for die in at.iter_children() if self._holds(die, address)), None)
            if at is not None and at.tag in ("DW_TAG_subprogram", "DW_TAG_inlined_subroutine"):
                path.append(at)
        return path

    def _holds(self, die: Any, address: int) -> bool:
        if die.tag == "DW_TAG_namespace":
            return any(self._holds(child, address) for child in die.iter_children())
        if die.tag not in (
            "DW_TAG_subprogram",
            "DW_TAG_inlined_subroutine",
            "DW_TAG_lexical_block",
        ):
            return False
        return any(start <= address < end for start, end in self._ranges(die))


def _aranges(content: bytes) -> Iterator[tuple[int, int, int]]:
    """Start, bytes, and compilation unit of each range (DWARF 5, 6.1.2, 32-bit format).

    pyelftools ends a set at the first (0, 0), but functions that were thrown away are such.
    """
    header = struct.Struct("<IHIBB")
    at = 0
    while at + header.size <= len(content):
        length, _, offset, address_bytes, _ = header.unpack_from(content, at)
        end = min(at + 4 + length, len(content))
        pair = struct.Struct("<QQ" if address_bytes == 8 else "<II")
        at += -(-header.size // pair.size) * pair.size
        while at + pair.size <= end:
            yield (*pair.unpack_from(content, at), offset)
            at += pair.size
        at = end


def _text(name: Any) -> str:
    return name.decode(errors="replace") if isinstance(name, bytes) else str(name)


def _name(die: Any) -> str | None:
    """The name of a function, or of what it is a copy of."""
    for _ in range(4):
        if "DW_AT_name" in die.attributes:
            return _text(die.attributes["DW_AT_name"].value)
        origin = next(
            (a for a in ("DW_AT_abstract_origin", "DW_AT_specification") if a in die.attributes),
            None,
        )
        if origin is None:
            return None
        die = die.get_DIE_from_attribute(origin)
    return None


def _placed(path: list[Any], files: dict[int, str], place: Line | None) -> tuple[Inlined, ...]:
    """Each function with its own place: an outer one's is where the inner one was called."""
    found = []
    for die in reversed(path):
        found.append(Inlined(_name(die), place))
        line, file = (die.attributes.get(f"DW_AT_call_{part}") for part in ("line", "file"))
        place = (
            None if line is None or file is None else Line(files.get(file.value, "?"), line.value)
        )
    return tuple(found) or (() if place is None else (Inlined(None, place),))
