"""The tree that PlatformIO builds with an Arduino core.

platformio.ini, partitions.csv
lib/ek_<model>/   the model library
include/edgekit/  headers
src/              main.cpp, runtime, protocol, the port
"""

from __future__ import annotations

from pathlib import Path

from edgekit.project import esp32, library
from edgekit.project.context import ProjectParts
from edgekit.project.esp32 import Esp32Context


def files(parts: ProjectParts) -> dict[str, str]:
    """The whole tree: path -> text.

    Raises:
        DoesNotFitError: the image does not fit into the board's flash memory.
    """
    facts = context(parts)
    tree = esp32.firmware_tree(parts) | library_files(parts)
    tree |= esp32.rendered("arduino", ("platformio.ini", "partitions.csv"), facts)
    tree["src/main.cpp"] = esp32.rendered("arduino", ("main.cpp",), facts)["main.cpp"]
    return tree


def context(parts: ProjectParts, *, application: bool = False) -> Esp32Context:
    """What the templates see.

    Arduino-ESP32 3 brings TensorFlow Lite Micro itself; another one is fetched, or linked to.
    """
    named = parts.options.tflm_library
    if parts.tflm is None or named is None:
        return esp32.context(parts, application=application)
    path = Path(named).expanduser()
    dependency = f"symlink://{path.resolve().as_posix()}" if path.is_dir() else named
    return esp32.context(parts, application=application, lib_deps=(dependency,))


def library_files(parts: ProjectParts) -> dict[str, str]:
    """The model library as PlatformIO's library finder wants it."""
    flags = () if parts.tflm is None else ("-DTF_LITE_STATIC_MEMORY",)
    return library.files(parts, flags=(parts.options.optimisation, *flags))
