"""What builders say -> what happened: steps, warnings, and the error that a person has to mend."""

from __future__ import annotations

import re
from pathlib import Path

from edgekit.boards import Board, all_boards
from edgekit.errors import BuildError, DoesNotFitError, EdgekitError

_STEP = re.compile(
    r"^(?:Compiling|Archiving|Indexing|Linking|Building|Generating|Creating) (?:.* )?\S*[/.]\S*$"
)
_WARNING = re.compile(r"^\S[^\n]*: warning: ")
_ERROR = re.compile(
    r"error: |undefined reference|multiple definition|CMake Error|No space left"
    r"|will not fit in region|overflowed by|^Error: |Error: |No such file or directory$"
    r"|UnknownPackageError|UnknownPlatform|UnknownBoard|^\*\*\* [^\[]"
)
_NOISE = re.compile(
    r"^(?:collect2|scons|ninja|make)\b|^\*\*\* \[|\bld returned \d+ exit status|cc1: (?:all|some) "
)
_LINKER_PATH = re.compile(r"^\S*/(?:[\w.+-]*-)?ld(?:\.\w+)?: ")
_CMAKE_REASON = re.compile(r"(CMake Error at [^\n]*)\n\s+(?=\S)")  # stands on the next line
_ERRORS_SHOWN = 3

_OVERFLOW = re.compile(r"region [`'](?P<region>\w+)' overflowed by (?P<bytes>\d+) bytes?")
_TOO_LARGE = re.compile(
    r"The (?P<what>program|data) size \((?P<needed>\d+) bytes\) is greater than maximum allowed "
    r"\((?P<free>\d+) bytes\)"
)
#: Regions of linker scripts: ours, and ESP-IDF's (components/esp_system/ld/<chip>/memory.ld.in).
_REGIONS = {
    "FLASH": "flash",
    "RAM": "ram",
    "dram0_0_seg": "ram",
    "sram_seg": "ram",
    "drom0_0_seg": "flash",
    "default_rodata_seg": "flash",
    "iram0_2_seg": "flash",
    "default_code_seg": "flash",
    "irom_seg": "flash",
    "drom_seg": "flash",
    "flash_text_seg": "flash",
}


def is_step(line: str) -> bool:
    """True for a line by which PlatformIO says that it begins to make a file."""
    return _STEP.match(line) is not None


def is_warning(line: str) -> bool:
    """True for the first line of a compiler's warning."""
    return _WARNING.match(line) is not None


def errors(text: str) -> tuple[str, ...]:
    """The lines that say what is wrong, those that only follow from them left out.

    The first is the compiler's or linker's, with file and line; else the log's last line.
    """
    lines = [line.strip() for line in _CMAKE_REASON.sub(r"\1 ", text).splitlines()]
    found = [line for line in lines if _ERROR.search(line) and not _NOISE.search(line)]
    shown = tuple(dict.fromkeys(_LINKER_PATH.sub("", line) for line in found))
    return shown or tuple(line for line in lines if line.strip("=- "))[-1:]


def explain(text: str, board: Board, log: Path) -> EdgekitError:
    """The error of a build that failed.

    Args:
        text: everything that the builder said.
        log: where it is kept.
    """
    too_large = _TOO_LARGE.search(text)
    if too_large is not None:
        kind = "flash" if too_large["what"] == "program" else "ram"
        return _does_not_fit(board, kind, int(too_large["needed"]), int(too_large["free"]))
    for overflow in _OVERFLOW.finditer(text):
        kind = _REGIONS.get(overflow["region"], "")
        if kind:
            free = getattr(board, f"{kind}_bytes") or 0
            return _does_not_fit(board, kind, free + int(overflow["bytes"]), free)
    first = "".join(f"\n  {line}" for line in errors(text)[:_ERRORS_SHOWN])
    return BuildError(
        f"the toolchain rejected the project for {board.id}:{first}",
        hint=f"the whole output is in {log}",
    )


def _does_not_fit(board: Board, kind: str, needed: int, free: int) -> EdgekitError:
    fits = [
        other.id
        for other in all_boards()
        if other.id != board.id and (getattr(other, f"{kind}_bytes") or needed) >= needed
    ]
    return DoesNotFitError(
        board=board.id,
        memory="flash memory" if kind == "flash" else "RAM",
        needed_bytes=needed,
        free_bytes=free,
        fits=fits,
    )
