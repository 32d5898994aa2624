"""An ELF, indexed for looking up addresses: functions, sections, the model in it.

Symbols are read whole, as they are few milliseconds' work; of the debugging information only what
the addresses in question need (debugging.py).
"""

from __future__ import annotations

import bisect
import functools
import hashlib
import io
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile

from edgekit.crashes.callframes import CallFrames
from edgekit.crashes.crash import Architecture
from edgekit.crashes.debugging import Debugging
from edgekit.errors import UserError

_MACHINES = {
    "EM_ARM": Architecture.ARM,
    "EM_RISCV": Architecture.RISCV,
    "EM_XTENSA": Architecture.XTENSA,
}
_ALLOCATED, _EXECUTABLE = 0x2, 0x4  # SHF_ALLOC, SHF_EXECINSTR
_OBJECT, _FUNCTION, _NO_TYPE = 1, 2, 0
_SYMBOL = {32: struct.Struct("<IIIBBH"), 64: struct.Struct("<IBBHQQ")}
_RESERVED_SECTIONS = 0xFF00  # SHN_LORESERVE
#: Bytes from the return address back to an address inside of the call, as ESP-IDF has it.
_CALL_BYTES = {Architecture.ARM: 2, Architecture.RISCV: 2, Architecture.XTENSA: 3}


@dataclass(frozen=True, slots=True)
class Symbol:
    """A function or a variable."""

    name: str
    address: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the image that is in memory; `content` is empty for what starts as zeros."""

    start: int
    size_bytes: int
    is_code: bool
    content: bytes


class Image:
    """One ELF. Made by `open_image`."""

    def __init__(self, path: Path, content: bytes) -> None:
        self.path = path
        self.sha256 = hashlib.sha256(content).hexdigest()
        self._content = content
        elf = ELFFile(io.BytesIO(content))
        if not elf.little_endian:
            raise UserError(f"{path} is big-endian: no board of edgekit is")
        self.bits: int = elf.elfclass
        self.architecture = _MACHINES.get(elf["e_machine"])
        self.machine = str(elf["e_machine"])
        self.sections = _sections(elf)
        self.debugging = Debugging(elf)
        self.call_frames = CallFrames(elf)
        functions, objects, labels = _symbols(elf, self.architecture)
        self.objects = {symbol.name: symbol for symbol in objects}
        self.labels = {symbol.name: symbol.address for symbol in labels}
        self.functions = sorted(functions, key=lambda symbol: symbol.address)
        self._starts = [symbol.address for symbol in self.functions]

    def contains(self, text: bytes) -> bool:
        """True if the bytes stand anywhere in the file."""
        return text in self._content

    def section_at(self, address: int) -> Section | None:
        """The section that an address lies in."""
        for section in self.sections:
            if section.start <= address < section.start + section.size_bytes:
                return section
        return None

    def is_code(self, address: int) -> bool:
        """True if instructions of this image lie there."""
        section = self.section_at(address)
        return section is not None and section.is_code

    def function_at(self, address: int) -> Symbol | None:
        """The function that an address lies in. One without a size reaches to the next."""
        section = self.section_at(address)
        if section is None or not section.is_code:
            return None
        for i in range(bisect.bisect_right(self._starts, address) - 1, -1, -1):
            symbol = self.functions[i]
            if symbol.address < section.start:
                return None
            if symbol.size_bytes == 0 or address < symbol.address + symbol.size_bytes:
                return symbol
            if self._starts[i] != symbol.address or address - symbol.address > 1 << 20:
                return None
        return None

    def read(self, address: int, size_bytes: int) -> bytes | None:
        """Bytes of the image as it is before it runs; None where it has none."""
        section = self.section_at(address)
        if section is None:
            return None
        at = address - section.start
        part = section.content[at : at + size_bytes]
        return part if len(part) == size_bytes else None

    def text_at(self, address: int) -> str | None:
        """The C string at an address."""
        section = self.section_at(address)
        if section is None:
            return None
        at = address - section.start
        end = section.content.find(b"\0", at, at + 256)
        return None if end < 0 else section.content[at:end].decode(errors="replace")

    def call_before(self, return_address: int, near: int | None = None) -> int:
        """An address inside of the instruction that left `return_address`.

        Xtensa's windowed calls keep their size in the two top bits of the return address; the real
        ones are those of the code that returns there, such as `near` (Xtensa ISA, RETW).
        """
        address = return_address
        if self.architecture is Architecture.XTENSA and not self.is_code(address):
            known = near if near is not None else self.sections[0].start if self.sections else 0
            for top in (known & 0xC000_0000, 0x4000_0000):
                if self.is_code(top | address & 0x3FFF_FFFF):
                    address = top | address & 0x3FFF_FFFF
                    break
        if self.architecture is Architecture.ARM:
            address &= ~1
        return address - (_CALL_BYTES[self.architecture] if self.architecture else 1)

    def follows_call(self, inside: int) -> bool:
        """True if `inside`, as `call_before` gives it, does lie in a call."""
        if self.architecture is None or not self.is_code(inside):
            return False
        before = self.read(inside + _CALL_BYTES[self.architecture] - 4, 4)
        return before is not None and _CALLS[self.architecture](before)


@functools.lru_cache(maxsize=8)
def _opened(path: Path, _changed_ns: int, _size_bytes: int) -> Image:
    try:
        return Image(path, path.read_bytes())
    except (ELFError, ValueError, LookupError, struct.error, OverflowError) as error:
        raise UserError(
            f"{path} is no ELF that can be read: {error}",
            hint="give the firmware.elf of the build that is on the board",
        ) from error


def open_image(path: Path) -> Image:
    """Index an ELF; the same file is indexed once.

    Raises:
        UserError: it cannot be read, or is no ELF.
    """
    try:
        facts = path.stat()
        return _opened(path.resolve(), facts.st_mtime_ns, facts.st_size)
    except OSError as error:
        raise UserError(
            f"{path} cannot be read: {error.strerror}",
            hint="give the firmware.elf of the build that is on the board",
        ) from error


def _sections(elf: ELFFile) -> tuple[Section, ...]:
    return tuple(
        Section(
            start=int(section["sh_addr"]),
            size_bytes=int(section["sh_size"]),
            is_code=bool(section["sh_flags"] & _EXECUTABLE),
            content=b"" if section["sh_type"] == "SHT_NOBITS" else section.data(),
        )
        for section in elf.iter_sections()
        if section["sh_flags"] & _ALLOCATED and section["sh_size"]
    )


def _symbols(
    elf: ELFFile, architecture: Architecture | None
) -> tuple[list[Symbol], list[Symbol], list[Symbol]]:
    """Functions, variables, and labels such as a linker script's."""
    functions: list[Symbol] = []
    objects: list[Symbol] = []
    labels: list[Symbol] = []
    table = elf.get_section_by_name(".symtab")
    if table is None:
        return functions, objects, labels
    names = elf.get_section(table["sh_link"]).data()
    layout = _SYMBOL[elf.elfclass]
    content = table.data()
    for fields in layout.iter_unpack(content[: len(content) // layout.size * layout.size]):
        if elf.elfclass == 32:
            name_at, address, size, kind, _, section = fields
        else:
            name_at, kind, _, section, address, size = fields
        kind &= 0xF
        if section == 0 or kind not in (_OBJECT, _FUNCTION, _NO_TYPE):
            continue
        name = names[name_at : names.find(b"\0", name_at)].decode(errors="replace")
        if kind == _FUNCTION and section < _RESERVED_SECTIONS:
            if architecture is Architecture.ARM:
                address &= ~1
            functions.append(Symbol(name, address, size))
        elif kind == _OBJECT:
            objects.append(Symbol(name, address, size))
        elif kind == _NO_TYPE and name and not name.startswith(("$", ".")):
            labels.append(Symbol(name, address, size))
    return functions, objects, labels


def _is_arm_call(before: bytes) -> bool:
    """BL, BLX (Armv7-M Architecture Reference Manual, A7.7.18, A7.7.19)."""
    first, second = struct.unpack("<HH", before)
    wide = first & 0xF800 == 0xF000 and second & 0xD000 == 0xD000
    return bool(wide or second & 0xFF87 == 0x4780)


def _is_riscv_call(before: bytes) -> bool:
    """JAL and JALR that link to ra, and their compressed forms (RISC-V ISA, chapter 16)."""
    (word,) = struct.unpack("<I", before)
    half = word >> 16
    wide = word & 0xFFF in (0x0EF, 0x0E7)
    compressed = half & 0xE003 == 0x2001 or (half & 0xF07F == 0x9002 and half & 0xF80 != 0)
    return bool(wide or compressed)


def _is_xtensa_call(before: bytes) -> bool:
    """CALL0 to CALL12, CALLX0 to CALLX12 (Xtensa ISA, instruction formats CALL and CALLX)."""
    _, first, second, third = before
    direct = first & 0x0F == 0x05
    return direct or (first & 0xCF == 0xC0 and second & 0xF0 == 0 and third == 0)


_CALLS: dict[Architecture, Callable[[bytes], bool]] = {
    Architecture.ARM: _is_arm_call,
    Architecture.RISCV: _is_riscv_call,
    Architecture.XTENSA: _is_xtensa_call,
}
