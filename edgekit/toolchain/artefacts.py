"""What a builder leaves behind, and what becomes of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from edgekit.project import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class FlashPart:
    """A file, and where in flash memory it belongs."""

    offset: int
    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class BuilderTools:
    """What a builder would build a project with."""

    name: str  # the compiler, as reports show it: "arm-none-eabi-gcc 12.2.1"
    identity: tuple[str, ...]  # all that makes another build of the same sources


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """What lies in a builder's directory after it succeeded."""

    elf: Path
    linker_map: Path  # the GNU linker's; may be missing
    model_objects: tuple[Path, ...]  # of the model library
    model_object: re.Pattern[str]  # matches their names in the map
    flash_parts: tuple[FlashPart, ...] = ()  # for boards that a tool writes; in order, no overlap
    warnings: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FirmwareImage:
    """What the toolchain made of a project."""

    elf: Path
    log: Path  # everything that the builder and the compiler said
    board_id: str
    build_id: str  # what the firmware says of itself in HELLO
    toolchain: str  # e.g. "arm-none-eabi-gcc 12.2.1"
    flags: tuple[str, ...]
    sources_sha256: str
    flash_bytes: int  # the whole image: code, constants, initial values of variables
    static_ram_bytes: int  # the model library's variables and the arena; no buffers of the link
    inference_flash_bytes: int  # the model library: its code, kernels, constants, initial values
    flash_parts: tuple[FlashPart, ...] = ()  # for boards that a tool writes; in order, no overlap
    warnings: int = 0  # of the compiler, in code that is not ours
    weights_in: Place | None = None  # of the model library's constants; None: there is no choice
    kernels_in: Place | None = None  # of its code
