"""What boards need of this computer, what of it is there, and how to get the rest."""

from __future__ import annotations

import contextlib
import grp
import importlib.metadata
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from edgekit import serial_ports
from edgekit.boards import Board, PlatformIO, all_boards, load
from edgekit.errors import ToolMissingError
from edgekit.toolchain import platformio_packages, rp2040js
from edgekit.toolchain.cmake import program_of_package
from edgekit.toolchain.compiler import find_compiler

_VERSION = re.compile(r"\d+\.\d+(?:\.\d+)?")
_PACKAGE_NAMES = ("cmake", "ninja", "platformio", "esptool")
_AT_ONCE = 8  # programs that are asked for their version


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """Something that edgekit needs for a board: a program, a package, a serial port."""

    name: str
    found: bool
    version: str  # empty if it was not found
    remedy: str  # how to get it; empty if it was found


def tools() -> tuple[Tool, ...]:
    """Python packages that build and flash, then every compiler and emulator of some board."""
    questions: dict[str, Callable[[], Tool]] = {}
    for board in all_boards():
        questions = _questions(board) | questions
    names = sorted(questions, key=lambda name: (_rank(name), name))
    return _answers({name: questions[name] for name in names})


def tools_for(board: Board) -> tuple[Tool, ...]:
    """All that must be installed before `board` can be built for, and emulated or flashed."""
    return tools_of_boards([board])[board.id]


def tools_of_boards(boards: Iterable[Board]) -> Mapping[str, tuple[Tool, ...]]:
    """The tools of each board, by its id; each program is asked once, all at the same time."""
    boards = list(boards)
    questions: dict[str, Callable[[], Tool]] = {}
    for board in boards:
        questions = _questions(board) | questions
    by_platformio = [board for board in boards if board.platformio is not None]
    with ThreadPoolExecutor(1) as pool:
        packages = pool.submit(
            _platformio_packages,
            [board.platformio for board in by_platformio if board.platformio is not None],
        )
        found = {tool.name: tool for tool in _answers(questions)}
        of_board = dict(zip((board.id for board in by_platformio), packages.result(), strict=True))
    return {
        board.id: (
            *(found[name] for name in _questions(board)),
            *of_board.get(board.id, ()),
        )
        for board in boards
    }


def missing_for(board: Board) -> tuple[str, ...]:
    """Names of what must be installed before `board` can be built for, and emulated or flashed."""
    return tuple(tool.name for tool in tools_for(board) if not tool.found)


def serial_ports_for(board: Board) -> tuple[Tool, ...]:
    """Serial ports that may be the board, by the USB ids of it or of its USB bridge.

    One that this user may not open is not `found`, and its remedy says what to do.
    """
    return tuple(
        _serial_port(port.path, port.description)
        for port in serial_ports.connected()
        if port.usb_id in board.reach.usb
    )


def _serial_port(path: str, description: str) -> Tool:
    allowed = os.access(path, os.R_OK | os.W_OK)
    remedy = ""
    if not allowed:
        group = "dialout"
        with contextlib.suppress(OSError, KeyError):
            group = grp.getgrgid(Path(path).stat().st_gid).gr_name
        remedy = f"sudo usermod -aG {group} $USER, then log in again"
    return Tool(name=path, found=allowed, version=description if allowed else "", remedy=remedy)


def _rank(name: str) -> int:
    """Python packages first, in their order, then compilers, then emulators."""
    if name in _PACKAGE_NAMES:
        return _PACKAGE_NAMES.index(name)
    return len(_PACKAGE_NAMES) + name.startswith(("qemu", "node", rp2040js.NAME))


def _questions(board: Board) -> dict[str, Callable[[], Tool]]:
    """The programs and Python packages that a board needs: name -> what finds it out."""
    names = ["platformio"] if board.platformio is not None else ["cmake", "ninja"]
    if board.flash == "esptool":
        names.append("esptool")
    questions: dict[str, Callable[[], Tool]] = {name: partial(_package, name) for name in names}
    if board.platformio is None:
        name = "C compiler" if board.toolchain == "host" else f"{board.toolchain}-gcc"
        questions[name] = partial(_compiler, name, board)
    if board.emulator is not None and board.emulator.kind == "rp2040js":
        questions["node"] = _node
        questions[rp2040js.NAME] = _rp2040js
    elif board.emulator is not None and board.emulator.program:
        questions[board.emulator.program] = partial(_emulator, board)
        if board.emulator.kind == "qemu-user":  # its counter of instructions is compiled here
            questions["C compiler"] = partial(_compiler, "C compiler", load("host"))
    return questions


def _answers(questions: Mapping[str, Callable[[], Tool]]) -> tuple[Tool, ...]:
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return tuple(pool.map(lambda ask: ask(), questions.values()))


def _platformio_packages(hows: list[PlatformIO]) -> list[tuple[Tool, ...]]:
    """What PlatformIO has for each; nothing where it is not installed itself."""
    try:
        answers = platformio_packages.installed_for(hows) if hows else []
    except ToolMissingError:
        return [() for _ in hows]
    return [
        tuple(
            Tool(
                name=package.title,
                found=bool(package.version),
                version=package.version,
                remedy="" if package.version else package.install_command,
            )
            for package in packages
        )
        for packages in answers
    ]


def _package(name: str) -> Tool:
    """A Python package, or for CMake and Ninja the program of that name."""
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        return Tool(name=name, found=True, version=importlib.metadata.version(name), remedy="")
    if name in ("platformio", "esptool"):
        return Tool(name=name, found=False, version="", remedy="pip install 'edgekit[esp32]'")
    try:
        return _found(name, program_of_package(name))
    except ToolMissingError as error:
        return Tool(name=name, found=False, version="", remedy=error.hint or "")


def _compiler(name: str, board: Board) -> Tool:
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


def _node() -> Tool:
    try:
        return _found("node", rp2040js.node())
    except ToolMissingError as error:
        return Tool(name="node", found=False, version="", remedy=f"{error}: {error.hint}")


def _rp2040js() -> Tool:
    is_there = rp2040js.found() is not None
    return Tool(
        name=rp2040js.NAME,
        found=is_there,
        version=rp2040js.pinned().version if is_there else "",
        remedy="" if is_there else rp2040js.GET,
    )


def _found(name: str, path: str) -> Tool:
    try:
        asked = subprocess.run(
            [path, "--version"], capture_output=True, text=True, timeout=60, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        return Tool(name=name, found=False, version="", remedy=f"{path} does not run: {error}")
    found = _VERSION.search(asked.stdout)
    return Tool(name=name, found=True, version=found.group() if found else "?", remedy="")
