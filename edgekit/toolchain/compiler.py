"""Which compiler builds for a board, and which version it is."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from edgekit.boards import Board
from edgekit.errors import ToolMissingError
from edgekit.toolchain import zig_riscv

_HOST_COMPILERS = ("cc", "gcc", "clang")
_PACKAGES = {
    "arm-none-eabi": "gcc-arm-none-eabi and libnewlib-arm-none-eabi",
    "riscv64-unknown-elf": "gcc-riscv64-unknown-elf and picolibc-riscv64-unknown-elf",
    "xtensa-lx106-elf": "gcc-xtensa-lx106 and picolibc-xtensa-lx106-elf",
}
_ZIG_SERVES = "riscv64-unknown-elf"  # boards of 32 bits
_VERSION = re.compile(r"\b\d+\.\d+(?:\.\d+)?\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiler:
    """A C compiler on this computer."""

    command: tuple[str, ...]  # the program, and arguments that always come first
    name: str  # e.g. "arm-none-eabi-gcc"
    version: str  # e.g. "12.2.1"
    banner: str  # the first line that it says about itself: part of the cache's key

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


def find_compiler(board: Board) -> Compiler:
    """The compiler for `board`.

    For the host $CC, then cc, gcc, clang, then the package ziglang, which also serves RISC-V boards
    where their own compiler is missing.

    Raises:
        ToolMissingError: there is none; it names what to install.
    """
    command = _host_command() if board.toolchain == "host" else _cross_command(board)
    banner = _banner(command)
    if command[0] == sys.executable:
        version = importlib.metadata.version("ziglang")
        return Compiler(command=command, name="zig cc", version=version, banner=banner + version)
    name = Path(command[0]).name
    if name == "cc":
        name = "clang" if "clang" in banner else "gcc"
    found = _VERSION.search(re.sub(r"\([^)]*\)", "", banner)) or _VERSION.search(banner)
    return Compiler(
        command=command, name=name, version=found.group() if found else "?", banner=banner
    )


def _cross_command(board: Board) -> tuple[str, ...]:
    program = f"{board.toolchain}-gcc"
    path = shutil.which(program)
    if path is None and board.toolchain == _ZIG_SERVES and zig_riscv.package() is not None:
        return (sys.executable, str(Path(zig_riscv.__file__).resolve()))
    if path is None:
        packages = _PACKAGES.get(board.toolchain, f"gcc-{board.toolchain}")
        raise ToolMissingError(
            f"{board.id} needs {program}, which is not installed",
            hint=f"install Debian's {packages}: sudo scripts/install-debian-packages"
            + (", or pip install 'edgekit[zig]'" if board.toolchain == _ZIG_SERVES else ""),
        )
    return (path,)


def _host_command() -> tuple[str, ...]:
    chosen = shlex.split(os.environ.get("CC", ""))
    for words in [chosen] if chosen else [[name] for name in _HOST_COMPILERS]:
        path = shutil.which(words[0])
        if path is not None:
            return (path, *words[1:])
    if chosen:
        raise ToolMissingError(
            f"$CC names {chosen[0]!r}, which is not installed", hint="unset CC or correct it"
        )
    if importlib.util.find_spec("ziglang") is not None:
        return (sys.executable, "-m", "ziglang", "cc")
    raise ToolMissingError(
        "there is no C compiler on this computer",
        hint="pip install 'edgekit[zig]', or install Debian's gcc",
    )


def _banner(command: tuple[str, ...]) -> str:
    try:
        asked = subprocess.run(
            [*command, "--version"], capture_output=True, text=True, timeout=60, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise ToolMissingError(
            f"{' '.join(command)} --version failed: {error}", hint="reinstall that compiler"
        ) from error
    return asked.stdout.splitlines()[0] if asked.stdout else ""
