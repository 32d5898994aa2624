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
from edgekit.boards import Board
from edgekit.errors import ToolMissingError
from edgekit.progress import Progress
from edgekit.project import Project
from edgekit.project.context import TOOLCHAIN_FILE
from edgekit.toolchain import build_log, cache
from edgekit.toolchain.artefacts import BuilderTools, Built, FlashPart
from edgekit.toolchain.compiler import Compiler, find_compiler

_MODEL_OBJECT = re.compile(r"/model\.dir/")


def tools_of(project: Project) -> BuilderTools:
    """What the project would be built with.

    Raises:
        ToolMissingError: the compiler is not installed.
    """
    compiler = find_compiler(project.board)
    return BuilderTools(name=str(compiler), identity=(compiler.banner, *compiler.command))


def compile_project(project: Project, directory: Path, key: str, progress: Progress) -> Built:
    """Build `project` in `directory`, leaving build.log there.

    Raises:
        ToolMissingError: CMake, Ninja or the compiler is not installed.
        BuildError: the toolchain refused it; it names the log, kept under `key`.
        DoesNotFitError: the linker ran out of one of the board's memories.
    """
    progress(f"building for {project.board.id}", 0, 0)
    compiler = find_compiler(project.board)
    configure = [
        program_of_package("cmake"),
        *("-G", "Ninja", "-S", str(project.directory), "-B", str(directory)),
        f"-DCMAKE_MAKE_PROGRAM={program_of_package('ninja')}",
        f"-DCMAKE_C_COMPILER={_single_program(compiler, directory)}",
        *("-DCMAKE_C_COMPILER_WORKS=TRUE", "-DCMAKE_C_COMPILER_FORCED=TRUE"),
        "-DCMAKE_COLOR_DIAGNOSTICS=OFF",
    ]
    toolchain_file = project.directory / TOOLCHAIN_FILE
    if toolchain_file.is_file():
        configure.append(f"-DCMAKE_TOOLCHAIN_FILE={toolchain_file.resolve()}")
    log = directory / "build.log"
    for command in (configure, [program_of_package("ninja"), "-v", "-C", str(directory)]):
        if _run(command, log) != 0:
            text = log.read_text(encoding="utf-8", errors="replace")
            raise build_log.explain(text, project.board, cache.keep_log(text, key))
    return Built(
        elf=directory / "firmware.elf",
        linker_map=directory / "firmware.map",
        model_objects=tuple(sorted((directory / "CMakeFiles" / "model.dir").rglob("*.o*"))),
        model_object=_MODEL_OBJECT,
        flash_parts=_flash_parts(project.board, directory),
    )


def _flash_parts(board: Board, directory: Path) -> tuple[FlashPart, ...]:
    """What a tool writes to the flash memory of a board that no framework builds for."""
    if board.esptool is None:
        return ()
    from edgekit.toolchain import direct_boot  # reading ELF is for those who build

    path = directory / f"{board.esptool.chip}.bin"
    direct_boot.write_image(directory / "firmware.elf", board, path)
    return (FlashPart(offset=0, path=path),)


def by_hand(project: Project) -> str:
    """The shell command that builds the project without edgekit."""
    file = project.directory / TOOLCHAIN_FILE
    toolchain = f" -DCMAKE_TOOLCHAIN_FILE={TOOLCHAIN_FILE}" if file.is_file() else ""
    return (
        f"cd {shlex.quote(str(project.directory))} && "
        f"cmake -G Ninja -S . -B build{toolchain} && cmake --build build"
    )


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
