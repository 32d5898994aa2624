"""The model library as PlatformIO's library finder wants it: a folder of lib/ with a manifest.

The folder can be dropped into the lib/ of any PlatformIO project.
"""

from __future__ import annotations

import importlib.metadata
import json
import shlex
from collections.abc import Sequence
from typing import Any

from edgekit.project.context import ProjectParts
from edgekit.project.tflm_library import TflmSources

TFLM = "tflm"  # the folder, in lib/, of what wraps a directory with TensorFlow Lite Micro

#: So that the linker's map says exactly what the library takes: its strings are not merged with
#: those of other parts. Clang has no such flag, and must not make an error of that.
_OWN_STRINGS = ("-fno-merge-constants", "-Wno-ignored-optimization-argument")


def folder(model_name: str) -> str:
    """Where the library lies in the project."""
    return f"lib/ek_{model_name}"


def files(
    parts: ProjectParts, *, flags: Sequence[str] = (), dependencies: Sequence[str] = ()
) -> dict[str, str]:
    """The library's files, path in the project -> text.

    Args:
        flags: of the compiler, for this library only.
        dependencies: names of other libraries in lib/ that it needs.
    """
    within = folder(parts.model_name)
    manifest: dict[str, Any] = {
        "name": f"ek_{parts.model_name}",
        "version": importlib.metadata.version("edgekit"),
        "description": f"Model {parts.model_name}, compiled by edgekit",
        "headers": f"ek_{parts.model_name}.h",
        **({"dependencies": [{"name": name} for name in dependencies]} if dependencies else {}),
        "build": {
            "srcDir": ".",
            "includeDir": ".",
            "flags": [*flags, *_OWN_STRINGS],
            "libArchive": False,  # each object has a line of its own in the linker's map
        },
    }
    tree = {f"{within}/{path}": text for path, text in parts.model_files.items()}
    tree[f"{within}/library.json"] = json.dumps(manifest, indent=2) + "\n"
    return tree


def files_with_tflm(parts: ProjectParts, sources: TflmSources) -> dict[str, str]:
    """The library's files, and a library around those of TensorFlow Lite Micro that it needs.

    These stay where they are; the second library's manifest points to them.
    """
    places = [
        (sources.directory / directory).as_posix() for directory in sources.include_directories
    ]
    definitions = [f"-D{name}={value}" for name, value in sources.definitions]
    # PlatformIO adds the same directories as -I, which does not count beside -isystem
    seen_by_model = [f"-isystem {shlex.quote(place)}" for place in places]
    tree = files(parts, flags=[*seen_by_model, *definitions], dependencies=[TFLM])
    manifest = {
        "name": TFLM,
        "version": "0.0.0",
        "description": "The part of TensorFlow Lite Micro that the model needs",
        "build": {
            "srcDir": sources.directory.as_posix(),
            "includeDir": places[0],
            "srcFilter": ["-<*>", *(f"+<{source}>" for source in sources.sources)],
            "flags": [
                *(f"-I{shlex.quote(place)}" for place in places),
                *definitions,
                *("-w", "-std=gnu11", *_OWN_STRINGS),  # its warnings are its own
            ],
            "libArchive": True,
            "libLDFMode": "off",  # all that it includes is known
        },
    }
    tree[f"lib/{TFLM}/library.json"] = json.dumps(manifest, indent=2) + "\n"
    return tree
