"""ELF and linker map -> what the image takes, and what inference alone takes.

The GNU linker's map lists every input section with the object file it came from. As the model
library's functions, constants and variables have sections of their own, the sums are exact. A
linker without such a map (zig's) leaves the symbols: those that the model's object files define are
looked up in the image; padding and unnamed constants are then missing from the sums.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import Section, SymbolTableSection

from edgekit.toolchain.artefacts import Built

ARENA = "ek_inference_arena"  # templates/project/main.c.j2

_SHF_ALLOC = 0x2
_MAP_START = "Linker script and memory map"
_INPUT_SECTION = re.compile(
    r"^ (?P<section>[.\w][^\s]*)\s+0x[0-9a-f]+\s+0x(?P<size>[0-9a-f]+) (?P<object>\S.*)$",
    re.MULTILINE,
)
_CODE = re.compile(r"\.(?:text|literal|ramcode|iram)(?:\..*)?")
_CONSTANTS = re.compile(r"\.(?:rodata|srodata|data\.rel\.ro|ARM\.(?:exidx|extab))(?:\..*)?")
_VARIABLES = re.compile(r"\.s?data(?!\.rel\.ro)(?:\..*)?")
_ZEROED = re.compile(r"\.s?bss(?:\..*)?|COMMON")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Bytes of one firmware image."""

    flash_bytes: int  # the whole image: code, constants, initial values of variables
    #: Variables of the model library, the arena, and what of code and constants was copied; no
    #: buffers of the link.
    static_ram_bytes: int
    inference_flash_bytes: int  # the model library: its code, kernels, constants, initial values


@dataclass(frozen=True, slots=True)
class _Piece:
    """A contiguous part of the model library in the image, or the arena."""

    section: str
    size_bytes: int


def measure(
    built: Built,
    *,
    model_name: str,
    weights_in_ram: bool = False,
    kernels_in_ram: bool = False,
) -> Sizes:
    """Read the sizes of an image.

    Args:
        built: with the GNU linker's map, or the model library's object files.
        model_name: `ek_<model_name>_invoke_hooked`, which only profiling calls, is not counted.
        weights_in_ram: start-up copies the model library's constants.
        kernels_in_ram: start-up copies its code.

    Calls into the C library and the compiler's own (memcpy, 64-bit division) count in `flash_bytes`
    only.
    """
    if built.linker_map.is_file():
        pieces = list(_pieces_of_map(built.linker_map, built.model_object, model_name))
    else:
        pieces = list(_pieces_of_symbols(built.elf, model_name, built.model_objects))
    variables, code = _total(pieces, _VARIABLES), _total(pieces, _CODE)
    constants = _total(pieces, _CONSTANTS)
    copied = code * kernels_in_ram + constants * weights_in_ram
    return Sizes(
        flash_bytes=_image_bytes(built.elf),
        static_ram_bytes=variables + _total(pieces, _ZEROED) + copied,
        inference_flash_bytes=variables + code + constants,
    )


def _total(pieces: Iterable[_Piece], wanted: re.Pattern[str]) -> int:
    return sum(piece.size_bytes for piece in pieces if wanted.fullmatch(piece.section))


def _pieces_of_map(
    linker_map: Path, model_object: re.Pattern[str], model_name: str
) -> Iterator[_Piece]:
    text = linker_map.read_text(encoding="utf-8", errors="replace")
    hooked = f"ek_{model_name}_invoke_hooked"
    for found in _INPUT_SECTION.finditer(text, text.find(_MAP_START)):
        section, of = found["section"], found["object"]
        of_model = model_object.search(of) is not None and not _belongs_to(section, hooked)
        if of_model or section.endswith(f".{ARENA}"):
            yield _Piece(section, int(found["size"], 16))


def _belongs_to(section: str, function: str) -> bool:
    """True for the section of a function and of the parts that the compiler split off."""
    return re.search(rf"\.{function}(\.|$)", section) is not None


def _pieces_of_symbols(elf: Path, model_name: str, objects: Iterable[Path]) -> Iterator[_Piece]:
    hooked = f"ek_{model_name}_invoke_hooked"
    names = {name for path in objects for name, _, _ in _symbols(path)}
    for name, size_bytes, section in _symbols(elf):
        if name == ARENA or (name in names and not _belongs_to(f".{name}", hooked)):
            yield _Piece(section, size_bytes)


def _symbols(path: Path) -> Iterator[tuple[str, int, str]]:
    """Functions and variables that a file defines: name, bytes, section."""
    with path.open("rb") as file:
        elf = ELFFile(file)
        sections = list(elf.iter_sections())
        for table in sections:
            if not isinstance(table, SymbolTableSection):
                continue
            for symbol in table.iter_symbols():
                at = symbol["st_shndx"]
                if symbol["st_info"]["type"] in ("STT_FUNC", "STT_OBJECT") and isinstance(at, int):
                    yield symbol.name, int(symbol["st_size"]), sections[at].name


def _image_bytes(elf: Path) -> int:
    with elf.open("rb") as file:
        return sum(
            int(section["sh_size"])
            for section in ELFFile(file).iter_sections()
            if _is_stored(section)
        )


def _is_stored(section: Section) -> bool:
    return bool(section["sh_flags"] & _SHF_ALLOC) and section["sh_type"] != "SHT_NOBITS"
