"""The tree that CMake builds.

model/      the model library as codegen made it; every .c in it is compiled
firmware/   headers, runtime, protocol, the board's port, its start-up code
app/main.c  the arena, and the call of the server
CMakeLists.txt, toolchain.cmake
tflm.sha256 what is used of TensorFlow Lite Micro, which stays where it is
"""

from __future__ import annotations

import dataclasses

from edgekit.codegen import render
from edgekit.project.context import TOOLCHAIN_FILE, ProjectParts, cmake_context

LIBRARY_MANIFEST = "tflm.sha256"


def files(parts: ProjectParts) -> dict[str, str]:
    """The whole tree: path -> text."""
    tree = {f"model/{path}": text for path, text in parts.model_files.items()}
    tree |= {f"firmware/{path}": text for path, text in parts.firmware_files.items()}
    tree["app/main.c"] = render("project/main.c.j2", **dataclasses.asdict(parts.main))
    if parts.tflm_sources is not None:
        tree[LIBRARY_MANIFEST] = parts.tflm_sources.manifest
    context = cmake_context(
        tree,
        model_name=parts.model_name,
        board=parts.board,
        options=parts.options,
        library=parts.tflm_sources,
    )
    facts = {field.name: getattr(context, field.name) for field in dataclasses.fields(context)}
    tree["CMakeLists.txt"] = render("project/cmake/CMakeLists.txt.j2", **facts)
    if context.toolchain_file:
        tree[TOOLCHAIN_FILE] = render("project/cmake/toolchain.cmake.j2", **facts)
    return tree
