"""Run CMake and Ninja, both from their Python packages."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from edgekit import processes
from edgekit.boards import Board, all_boards
from edgekit.errors import BuildError, DoesNotFitError, EdgekitError, ToolMissingError
from edgekit.project import Project
from edgekit.toolchain import cache
from edgekit.toolchain.compiler import Compiler

_OVERFLOW = re.compile(r"region [`'](?P<region>FLASH|RAM)' overflowed by (?P<bytes>\d+) bytes")
_ERROR = re.compile(r"error: |undefined reference|multiple definition|CMake Error|No space left")
_ERRORS_SHOWN = 3


def compile_project(project: Project, compiler: Compiler, directory: Path, key: str) -> None:
    """Build `project` in `directory`, leaving firmware.elf and build.log there.

    Raises:
        BuildError: the toolchain refused it; it names the log, kept under `key`.
        DoesNotFitError: the linker ran out of one of the board's memories.
    """
    configure = [
        program_of_package("cmake"),
        *("-G", "Ninja", "-S", str(project.directory), "-B", str(directory)),
        f"-DCMAKE_MAKE_PROGRAM={program_of_package('ninja')}",
        f"-DCMAKE_C_COMPILER={_single_program(compiler, directory)}",
        *("-DCMAKE_C_COMPILER_WORKS=TRUE", "-DCMAKE_C_COMPILER_FORCED=TRUE"),
        "-DCMAKE_COLOR_DIAGNOSTICS=OFF",
    ]
    toolchain_file = project.directory / "toolchain.cmake"
    if toolchain_file.is_file():
        configure.append(f"-DCMAKE_TOOLCHAIN_FILE={toolchain_file.resolve()}")
    log = directory / "build.log"
    for command in (configure, [program_of_package("ninja"), "-v", "-C", str(directory)]):
        if _run(command, log) != 0:
            text = log.read_text(encoding="utf-8", errors="replace")
            raise _explain(text, project, cache.keep_log(text, key))


def _run(command: list[str], log: Path) -> int:
    """Run in a process group of its own, which does not outlive this call."""
    environment = {**os.environ, "LC_ALL": "C"}
    for inherited in ("CFLAGS", "LDFLAGS", "CPPFLAGS"):
        environment.pop(inherited, None)
    with log.open("ab") as output:
        output.write(f"$ {shlex.join(command)}\n".encode())
        output.flush()
        process = processes.start(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
        )
        try:
            return process.wait()
        except BaseException:
            processes.end(process)  # Ninja then ends its compilers, in groups of their own
            raise


def program_of_package(name: str) -> str:
    """The binary of a Python package, beside this interpreter, else on the PATH."""
    scripts = {str(Path(sys.executable).parent), sysconfig.get_path("scripts")}
    path = shutil.which(name, path=os.pathsep.join(scripts)) or shutil.which(name)
    if path is None:
        raise ToolMissingError(f"{name} is not installed", hint=f"pip install {name}")
    return path


def _single_program(compiler: Compiler, directory: Path) -> str:
    """CMake wants one program: a compiler that is a command of several words gets a script."""
    if len(compiler.command) == 1:
        return compiler.command[0]
    script = directory / "cc"
    script.write_text(f'#!/bin/sh\nexec {shlex.join(compiler.command)} "$@"\n', encoding="utf-8")
    script.chmod(0o755)
    return str(script)


def _explain(text: str, project: Project, log: Path) -> EdgekitError:
    overflow = _OVERFLOW.search(text)
    if overflow is not None:
        return _does_not_fit(project.board, overflow["region"], int(overflow["bytes"]))
    lines = [line.strip() for line in text.splitlines() if _ERROR.search(line)]
    if not lines:
        lines = [line.strip() for line in text.splitlines() if line.strip()][-1:]
    first = "".join(f"\n  {line}" for line in lines[:_ERRORS_SHOWN])
    return BuildError(
        f"the toolchain rejected the project for {project.board.id}:{first}",
        hint=f"the whole output is in {log}",
    )


def _does_not_fit(board: Board, region: str, overflow_bytes: int) -> EdgekitError:
    kind, name = ("flash", "flash memory") if region == "FLASH" else ("ram", "RAM")
    free = getattr(board, f"{kind}_bytes") or 0
    needed = free + overflow_bytes
    fits = [
        other.id
        for other in all_boards()
        if other.id != board.id and (getattr(other, f"{kind}_bytes") or needed) >= needed
    ]
    return DoesNotFitError(
        board=board.id, memory=name, needed_bytes=needed, free_bytes=free, fits=fits
    )
