"""Which programs are installed, and what to do about those that are not."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass

from edgekit.boards import Board, all_boards
from edgekit.errors import ToolMissingError
from edgekit.toolchain.cmake import program_of_package
from edgekit.toolchain.compiler import find_compiler

_VERSION = re.compile(r"\d+\.\d+(?:\.\d+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A program that edgekit runs."""

    name: str
    found: bool
    version: str  # empty if it was not found
    remedy: str  # how to get it; empty if it was found


def tools() -> tuple[Tool, ...]:
    """CMake, Ninja, and every compiler and emulator that some board needs."""
    compilers = {board.toolchain: board for board in reversed(all_boards())}
    emulators = {
        board.emulator.program: board for board in all_boards() if board.emulator is not None
    }
    return (
        _package("cmake"),
        _package("ninja"),
        *(_compiler(board) for _, board in sorted(compilers.items())),
        *(_emulator(board) for program, board in sorted(emulators.items()) if program),
    )


def missing_for(board: Board) -> tuple[str, ...]:
    """Names of the programs that must be installed before `board` can be built for and run."""
    needed = [_package("cmake"), _package("ninja"), _compiler(board)]
    if board.emulator is not None and board.emulator.program:
        needed.append(_emulator(board))
    return tuple(tool.name for tool in needed if not tool.found)


def _package(name: str) -> Tool:
    try:
        return _found(name, program_of_package(name))
    except ToolMissingError as error:
        return Tool(name=name, found=False, version="", remedy=error.hint or "")


def _compiler(board: Board) -> Tool:
    name = "C compiler" if board.toolchain == "host" else f"{board.toolchain}-gcc"
    try:
        compiler = find_compiler(board)
    except ToolMissingError as error:
        return Tool(name=name, found=False, version="", remedy=error.hint or "")
    version = compiler.version if compiler.name == name else str(compiler)
    return Tool(name=name, found=True, version=version, remedy="")


def _emulator(board: Board) -> Tool:
    assert board.emulator is not None
    path = shutil.which(board.emulator.program)
    if path is None:
        remedy = f"install Debian's {board.emulator.package}: sudo scripts/install-debian-packages"
        return Tool(name=board.emulator.program, found=False, version="", remedy=remedy)
    return _found(board.emulator.program, path)


def _found(name: str, path: str) -> Tool:
    try:
        asked = subprocess.run(
            [path, "--version"], capture_output=True, text=True, timeout=60, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        return Tool(name=name, found=False, version="", remedy=f"{path} does not run: {error}")
    found = _VERSION.search(asked.stdout)
    return Tool(name=name, found=True, version=found.group() if found else "?", remedy="")
