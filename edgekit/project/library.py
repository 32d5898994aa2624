"""The model library as PlatformIO's library finder wants it: a folder of lib/ with a manifest.

The folder can be dropped into the lib/ of any PlatformIO project.
"""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Sequence

from edgekit.project.context import ProjectParts

#: So that the linker's map says exactly what the library takes: its strings are not merged with
#: those of other parts. Clang has no such flag, and must not make an error of that.
_OWN_STRINGS = ("-fno-merge-constants", "-Wno-ignored-optimization-argument")


def folder(model_name: str) -> str:
    """Where the library lies in the project."""
    return f"lib/ek_{model_name}"


def files(parts: ProjectParts, *, flags: Sequence[str] = ()) -> dict[str, str]:
    """The library's files, path in the project -> text.

    Args:
        flags: of the compiler, for this library only.
    """
    within = folder(parts.model_name)
    manifest = {
        "name": f"ek_{parts.model_name}",
        "version": importlib.metadata.version("edgekit"),
        "description": f"Model {parts.model_name}, compiled by edgekit",
        "headers": f"ek_{parts.model_name}.h",
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
