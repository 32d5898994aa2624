"""The tree that PlatformIO builds with ESP-IDF. `idf.py build` builds it as well.

platformio.ini, sdkconfig.defaults, partitions.csv
CMakeLists.txt    the project: its components are src/ and the model library
lib/ek_<model>/   the model library, a component of ESP-IDF
include/edgekit/  headers
src/              main.c, runtime, protocol, the port
"""

from __future__ import annotations

import re
from pathlib import Path

from edgekit.errors import UserError
from edgekit.project import esp32, library
from edgekit.project.context import ProjectParts
from edgekit.project.esp32 import Esp32Context

_TFLM = ("espressif/esp-tflite-micro", "==1.4.0")  # brings ESP-NN
_SPEC = re.compile(r"(?P<name>[\w.-]+/[\w.-]+)@(?P<version>[\w.*=<>~^!,-]+)")


def files(parts: ProjectParts) -> dict[str, str]:
    """The whole tree: path -> text.

    Raises:
        UserError: the library named for TensorFlow Lite Micro is no component of ESP-IDF.
        DoesNotFitError: the image does not fit into the board's flash memory.
    """
    facts = context(parts)
    tree = esp32.firmware_tree(parts) | library_files(parts, facts)
    names = ("platformio.ini", "sdkconfig.defaults", "partitions.csv", "CMakeLists.txt")
    tree |= esp32.rendered("espidf", names, facts)
    sources = esp32.rendered("espidf", ("main.c", "main.cmake"), facts)
    tree["src/main.c"] = sources["main.c"]
    tree["src/CMakeLists.txt"] = sources["main.cmake"]
    return tree


def context(parts: ProjectParts, *, application: bool = False) -> Esp32Context:
    """What the templates see; errors are those of files()."""
    if parts.tflm is None:
        return esp32.context(parts, application=application)
    component, version, path = _tflm_component(parts.options.tflm_library)
    return esp32.context(
        parts,
        application=application,
        tflm_component=component,
        tflm_version=version,
        tflm_path=path,
    )


def library_files(parts: ProjectParts, facts: Esp32Context) -> dict[str, str]:
    """The model library: PlatformIO's manifest, and what makes it a component of ESP-IDF."""
    within = library.folder(parts.model_name)
    tree = library.files(parts)
    made = esp32.rendered("espidf", ("library.cmake", "idf_component.yml"), facts)
    tree[f"{within}/CMakeLists.txt"] = made["library.cmake"]
    if facts.tflm:
        tree[f"{within}/idf_component.yml"] = made["idf_component.yml"]
    return tree


def _tflm_component(library_: str | None) -> tuple[str, str, str]:
    """(component, versions, path) of TensorFlow Lite Micro; the version or the path is empty."""
    if library_ is None:
        return (*_TFLM, "")
    path = Path(library_).expanduser()
    if path.is_dir():
        cmake = path / "CMakeLists.txt"
        if not cmake.is_file() or "idf_component_register" not in cmake.read_text("utf-8"):
            raise UserError(
                f"{library_} is no component of ESP-IDF: its CMakeLists.txt does not say so",
                hint=f"give a copy of {_TFLM[0]}, or leave the library out",
            )
        return _TFLM[0], "", path.resolve().as_posix()
    found = _SPEC.fullmatch(library_)
    if found is None:
        raise UserError(
            f"{library_!r} is neither a directory nor a component as NAMESPACE/NAME@VERSION",
            hint=f"for example {_TFLM[0]}@{_TFLM[1].lstrip('=')}",
        )
    version = found["version"]
    return found["name"], version if not version[0].isdigit() else f"=={version}", ""
