"""The tree that PlatformIO builds.

For a real board its framework's module makes it. Boards without a framework have one that is the
twin of CMake's: the same sources, compiled by the same flags, for the platform `edgekit_emulated`
of templates/platformio.

platformio.ini
boards/<id>.json  what the platform has to know of the board
lib/ek_<model>/   the model library
lib/tflm/         the way to TensorFlow Lite Micro, where the model library needs it
include/edgekit/  headers
src/              main.c, runtime, protocol, the board's port, its start-up code
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from typing import Any

from edgekit.boards import Board
from edgekit.codegen import render
from edgekit.errors import BoardError
from edgekit.project import arduino, espidf, library, pico
from edgekit.project.cmake import LIBRARY_MANIFEST
from edgekit.project.context import (
    PLATFORM,
    PlatformIOContext,
    ProjectParts,
    linker_symbols,
    platformio_context,
)

#: For real boards: framework -> the module's files().
_TREES: Mapping[str, Callable[[ProjectParts], dict[str, str]]] = {
    "espidf": espidf.files,
    "arduino": arduino.files,
}

#: The same of boards that are a USB drive.
_PICO_TREES: Mapping[str, Callable[[ProjectParts], dict[str, str]]] = {"arduino": pico.files}


def files(parts: ProjectParts) -> dict[str, str]:
    """The whole tree: path -> text.

    Raises:
        BoardError: there is no such tree for the board.
    """
    board = parts.board
    if board.platformio is not None:
        trees = _TREES if board.uf2 is None else _PICO_TREES
        if board.platformio.framework not in trees:
            raise BoardError(f"{board.id} cannot be built with {board.platformio.framework}")
        return trees[board.platformio.framework](parts)
    if board.framework:
        raise BoardError(
            f"{board.id} without a framework is built with {board.build}, not with PlatformIO",
            hint="leave the builder out",
        )
    return _emulated(parts)


def board_manifest(board: Board) -> dict[str, Any]:
    """A board without a framework, as PlatformIO describes boards."""
    frequency = {"f_cpu": f"{board.clock_hz}L"} if board.clock_hz else {}
    return {
        "name": board.name,
        "vendor": "edgekit",
        "url": f"boards/{board.id}.toml",
        "platforms": [PLATFORM],
        "frameworks": [],
        "build": {
            "mcu": board.mcu,
            "cpu": board.core,
            **frequency,
            "toolchain": board.toolchain,
            "isa_flags": board.isa_flags,
            "linker_script": f"src/startup/{board.linker}.ld" if board.linker else "",
            "linker_symbols": linker_symbols(board),
        },
        "upload": {
            "maximum_size": board.flash_bytes or 0,
            "maximum_ram_size": board.ram_bytes or 0,
        },
    }


def _emulated(parts: ProjectParts) -> dict[str, str]:
    sources = parts.tflm_sources
    tree = library.files(parts) if sources is None else library.files_with_tflm(parts, sources)
    for path, text in parts.firmware_files.items():
        tree[path if path.startswith("include/") else f"src/{path}"] = text
    tree["src/main.c"] = render("project/main.c.j2", **dataclasses.asdict(parts.main))
    tree[f"boards/{parts.board.id}.json"] = json.dumps(board_manifest(parts.board), indent=2) + "\n"
    context: PlatformIOContext = platformio_context(parts)
    if sources is not None:
        tree[LIBRARY_MANIFEST] = sources.manifest
    tree["platformio.ini"] = render(
        "project/platformio/emulated.ini.j2", **dataclasses.asdict(context)
    )
    return tree
