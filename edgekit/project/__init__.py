"""Generated model sources + Board -> Project: a source tree on disk that builds by itself.

model/      the model library as codegen made it; every .c in it is compiled
firmware/   headers, runtime, protocol, the board's port, its start-up code
app/main.c  the arena, and the call of the server
CMakeLists.txt, toolchain.cmake
"""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.metadata
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from edgekit import resources
from edgekit.boards import Board
from edgekit.codegen import render
from edgekit.errors import BoardError
from edgekit.project import tree as source_tree
from edgekit.project.context import TOOLCHAIN_FILE, MainContext, cmake_context, compiler_flags
from edgekit.project.options import ProjectOptions

__all__ = ["Project", "ProjectOptions", "write_project"]

_BUILD_ID_DIGITS = 16
_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A source tree on disk."""

    directory: Path
    board: Board
    model_name: str
    options: ProjectOptions
    files: tuple[str, ...]  # relative to the directory, sorted, as they were written
    flags: tuple[str, ...]  # of the compiler, for every C file
    build_id: str  # the firmware says it in HELLO: digest of all sources and flags, hexadecimal


def write_project(
    files: Mapping[str, str],
    *,
    model_name: str,
    board: Board,
    options: ProjectOptions,
    directory: Path,
) -> Project:
    """Write the firmware of one model for one board.

    Args:
        files: the model library, relative path -> text; it declares `ek_<model_name>` in
            `ek_<model_name>.h`.
        model_name: a C identifier in lower case.
        board: one that is built with CMake.
        options: how it is compiled.
        directory: made if missing; must be empty or hold an earlier project, which is replaced.

    Raises:
        BoardError: the board cannot be built like this.
        UserError: the directory holds something else, or cannot be written.
    """
    _check(board, options, model_name)
    tree = {f"model/{path}": text for path, text in files.items()}
    tree |= _firmware(board)
    flags = compiler_flags(board, options)
    build_id = _build_id(tree, flags)
    tree["app/main.c"] = _main(model_name, board, build_id)
    context = cmake_context(tree, model_name=model_name, board=board, options=options)
    facts = {field.name: getattr(context, field.name) for field in dataclasses.fields(context)}
    tree["CMakeLists.txt"] = render("project/cmake/CMakeLists.txt.j2", **facts)
    if context.toolchain_file:
        tree[TOOLCHAIN_FILE] = render("project/cmake/toolchain.cmake.j2", **facts)
    source_tree.write(tree, directory)
    return Project(
        directory=directory,
        board=board,
        model_name=model_name,
        options=options,
        files=tuple(sorted(tree)),
        flags=flags,
        build_id=build_id,
    )


def _check(board: Board, options: ProjectOptions, model_name: str) -> None:
    if board.build != "cmake":
        raise BoardError(f"{board.id} is built with {board.build}, not with CMake")
    if options.sanitize and board.toolchain != "host":
        raise BoardError(
            f"{board.id} has no sanitizers: they need an operating system",
            hint="use board host, or build without them",
        )
    if not _NAME.fullmatch(model_name):
        raise ValueError(f"{model_name!r} is no C identifier in lower case")


def _build_id(tree: Mapping[str, str], flags: tuple[str, ...]) -> str:
    """What tells two builds apart: the digest of the sources and of how they are compiled."""
    digest = hashlib.sha256(json.dumps([sorted(tree.items()), flags]).encode()).hexdigest()
    return digest[:_BUILD_ID_DIGITS]


def _main(model_name: str, board: Board, build_id: str) -> str:
    context = MainContext(
        model_name=model_name,
        macro=f"EK_{model_name.upper()}",
        board_id=board.id,
        version=f"{importlib.metadata.version('edgekit')}+{build_id}",
    )
    return render("project/main.c.j2", **dataclasses.asdict(context))


def _firmware(board: Board) -> dict[str, str]:
    """The parts of the firmware that this board needs, as path -> text."""
    root = resources.tree("firmware")
    paths = [
        *root.glob("include/edgekit/*.h"),
        *(path for part in ("runtime", "protocol") for path in root.glob(f"{part}/*.[ch]")),
        root / "ports" / f"{board.port}.c",
    ]
    if board.startup:
        paths += root.glob(f"startup/{board.startup}*.[cS]")
    if board.linker:
        paths.append(root / "startup" / f"{board.linker}.ld")
    for path in paths:
        if not path.is_file():
            raise BoardError(f"{board.id}: there is no firmware/{path.relative_to(root)}")
    return {
        f"firmware/{path.relative_to(root).as_posix()}": path.read_text(encoding="utf-8")
        for path in paths
    }
