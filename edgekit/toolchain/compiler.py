"""Which compiler builds for a board, and which version it is."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
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
    "aarch64-linux-gnu": "gcc-aarch64-linux-gnu and libc6-dev-arm64-cross",
    "arm-linux-gnueabihf": "gcc-arm-linux-gnueabihf and libc6-dev-armhf-cross",
    "arm-linux-gnueabi": "gcc-arm-linux-gnueabi and libc6-dev-armel-cross",
}
#: On which Linux machines the host's own compiler builds what that toolchain does.
_NATIVE = {
    "aarch64-linux-gnu": ("aarch64",),
    "arm-linux-gnueabihf": ("armv7l",),
    "arm-linux-gnueabi": ("armv6l", "armv7l"),
}
_ZIG_RISCV = str(Path(zig_riscv.__file__).resolve())
_ZIG_SERVES = "riscv64-unknown-elf"  # boards of 32 bits
_CXX_PACKAGES = {
    "arm-none-eabi": "install Debian's libstdc++-arm-none-eabi-dev: "
    "sudo scripts/install-debian-packages tflm",
    "host": "install Debian's g++: sudo scripts/install-debian-packages tflm; "
    "or pip install 'edgekit[zig]', CXX='python -m ziglang c++'",
}
#: What TensorFlow Lite Micro includes of the C++ library.
_CXX_TRIAL = "#include <algorithm>\n#include <cmath>\n#include <limits>\n#include <type_traits>\n"
_CXX_OF = {"gcc": "g++", "clang": "clang++", "cc": "c++"}
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
    where their own compiler is missing. On a Linux board itself, the host's.

    Raises:
        ToolMissingError: there is none; it names what to install.
    """
    command = _host_command() if board.toolchain == "host" else _cross_command(board)
    banner = _banner(command)
    if {"ziglang", _ZIG_RISCV} & set(command):
        version = importlib.metadata.version("ziglang")
        return Compiler(command=command, name="zig cc", version=version, banner=banner + version)
    name = Path(command[0]).name
    if name == "cc":
        name = "clang" if "clang" in banner else "gcc"
    found = _VERSION.search(re.sub(r"\([^)]*\)", "", banner)) or _VERSION.search(banner)
    return Compiler(
        command=command, name=name, version=found.group() if found else "?", banner=banner
    )


def find_cxx_compiler(board: Board) -> Compiler:
    """The C++ compiler that goes with find_compiler(board); for the host $CXX if it is set.

    Raises:
        ToolMissingError: there is none, or it comes without the C++ library.
    """
    remedy = _CXX_PACKAGES.get(board.toolchain, f"use a {board.toolchain} toolchain that has both")
    command = _cxx_command(board)
    path = shutil.which(command[0])
    if path is None:
        raise ToolMissingError(
            f"engine tflm needs {command[0]}, which is not installed", hint=remedy
        )
    command = (path, *command[1:])
    banner = _banner(command)
    trial = subprocess.run(
        [*command, *board.isa_flags, "-fsyntax-only", "-x", "c++", "-"],
        input=_CXX_TRIAL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    if trial.returncode != 0:
        name = Path(command[0]).name
        raise ToolMissingError(
            f"engine tflm needs the C++ library, which {name} comes without on this computer",
            hint=remedy,
        )
    if "ziglang" in command:
        version = importlib.metadata.version("ziglang")
        return Compiler(command=command, name="zig c++", version=version, banner=banner + version)
    found = _VERSION.search(re.sub(r"\([^)]*\)", "", banner)) or _VERSION.search(banner)
    version = found.group() if found else "?"
    return Compiler(command=command, name=Path(path).name, version=version, banner=banner)


def _cxx_command(board: Board) -> tuple[str, ...]:
    if board.toolchain != "host":
        return (f"{board.toolchain}-g++",)
    chosen = shlex.split(os.environ.get("CXX", ""))
    if chosen:
        return tuple(chosen)
    program, *words = _host_command()
    if "ziglang" in words:
        return (program, *words[:-1], "c++")
    beside = Path(program).with_name(_CXX_OF.get(Path(program).name, "c++"))
    return (str(beside), *words)


def _cross_command(board: Board) -> tuple[str, ...]:
    program = f"{board.toolchain}-gcc"
    path = shutil.which(program)
    if path is None and board.toolchain == _ZIG_SERVES and zig_riscv.package() is not None:
        return (sys.executable, _ZIG_RISCV)
    if path is None and _is_native(board):
        return _host_command()
    if path is None:
        packages = _PACKAGES.get(board.toolchain, f"gcc-{board.toolchain}")
        raise ToolMissingError(
            f"{board.id} needs {program}, which is not installed",
            hint=f"install Debian's {packages}: sudo scripts/install-debian-packages"
            + (", or pip install 'edgekit[zig]'" if board.toolchain == _ZIG_SERVES else ""),
        )
    return (path,)


def _is_native(board: Board) -> bool:
    """True if programs of the board run on this computer without an emulator."""
    machines = _NATIVE.get(board.toolchain, ())
    return sys.platform == "linux" and platform.machine() in machines


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
