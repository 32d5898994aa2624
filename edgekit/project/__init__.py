"""Generated model sources + Board -> Project: a source tree on disk that builds by itself.

model/      the model library as codegen made it; every .c in it is compiled
firmware/   headers, runtime, protocol, the board's port, its start-up code
app/main.c  the arena, and the call of the server
CMakeLists.txt, toolchain.cmake
"""

from __future__ import annotations

import dataclasses
import importlib.metadata
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from edgekit import resources
from edgekit.boards import Board
from edgekit.codegen import render
from edgekit.errors import BoardError, UserError
from edgekit.project.context import TOOLCHAIN_FILE, MainContext, cmake_context, compiler_flags
from edgekit.project.options import ProjectOptions

__all__ = ["Project", "ProjectOptions", "write_project"]

MANIFEST = ".edgekit-files"  # what edgekit wrote, one path a line, so that it may replace it
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
    tree["app/main.c"] = _main(model_name, board)
    context = cmake_context(tree, model_name=model_name, board=board, options=options)
    facts = {field.name: getattr(context, field.name) for field in dataclasses.fields(context)}
    tree["CMakeLists.txt"] = render("project/cmake/CMakeLists.txt.j2", **facts)
    if context.toolchain_file:
        tree[TOOLCHAIN_FILE] = render("project/cmake/toolchain.cmake.j2", **facts)
    _write(tree, directory)
    return Project(
        directory=directory,
        board=board,
        model_name=model_name,
        options=options,
        files=tuple(sorted(tree)),
        flags=compiler_flags(board, options),
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


def _main(model_name: str, board: Board) -> str:
    context = MainContext(
        model_name=model_name,
        macro=f"EK_{model_name.upper()}",
        board_id=board.id,
        edgekit_version=importlib.metadata.version("edgekit"),
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


def _write(tree: Mapping[str, str], directory: Path) -> None:
    """Replace an earlier project; whatever else lies in the directory stays as it is.

    Interrupted at any moment, each file is whole or not there, and the manifest names at least all
    that is edgekit's, so that the next attempt succeeds.
    """
    for path in tree:
        if ".." in PurePosixPath(path).parts:
            raise ValueError(f"{path!r} leads out of the project")
    try:
        earlier = _earlier(directory)
        for path in tree:
            if path not in earlier and os.path.lexists(directory / path):
                raise UserError(
                    f"{directory / path} is in the way: edgekit did not write it",
                    hint="move it, or choose another directory",
                )
        directory.mkdir(parents=True, exist_ok=True)
        _place(directory / MANIFEST, _lines({*earlier, *tree}))
        for path in earlier - set(tree):
            (directory / path).unlink(missing_ok=True)
        for path, text in tree.items():
            _place(directory / path, text)
        _place(directory / MANIFEST, _lines(tree))
    except OSError as error:
        raise UserError(
            f"the project cannot be written to {directory}: {error.strerror}",
            hint="choose another directory",
        ) from error


def _earlier(directory: Path) -> set[str]:
    """The files of an earlier project, relative to its directory."""
    manifest = directory / MANIFEST
    if manifest.is_file():
        listed = (PurePosixPath(line) for line in manifest.read_text("utf-8").splitlines())
        return {str(path) for path in listed if not path.is_absolute() and ".." not in path.parts}
    if directory.exists() and not directory.is_dir():
        raise UserError(f"{directory} is no directory", hint="choose a new or an empty directory")
    if directory.is_dir() and any(directory.iterdir()):
        raise UserError(
            f"{directory} is not empty and not a project of edgekit",
            hint="choose a new or an empty directory",
        )
    return set()


def _lines(paths: Iterable[str]) -> str:
    return "".join(f"{path}\n" for path in sorted(paths))


def _place(target: Path, text: str) -> None:
    """Write a file so that it is there whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{target.name}.part")
    try:
        beside.write_text(text, encoding="utf-8", newline="\n")
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)
