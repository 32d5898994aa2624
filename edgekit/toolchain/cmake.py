"""Run CMake and Ninja, both from their Python packages."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from edgekit import processes
from edgekit.boards import Board, all_boards
from edgekit.errors import BuildError, DoesNotFitError, EdgekitError, ToolMissingError
from edgekit.progress import Progress, silent
from edgekit.project import Project, TflmSources
from edgekit.toolchain import cache, object_cache
from edgekit.toolchain.compiler import Compiler

_OVERFLOW = re.compile(r"region [`'](?P<region>FLASH|RAM)' overflowed by (?P<bytes>\d+) bytes")
_ERROR = re.compile(r"error: |undefined reference|multiple definition|CMake Error|No space left")
_ERRORS_SHOWN = 3
_NINJA_COUNT = re.compile(rb"\[(\d+)/(\d+)\] ")


def compile_project(
    project: Project,
    compilers: Sequence[Compiler],
    directory: Path,
    key: str,
    progress: Progress = silent,
) -> None:
    """Build `project` in `directory`, leaving firmware.elf and build.log there.

    Args:
        compilers: for C; then for C++, if the project has any.

    Raises:
        BuildError: the toolchain refused it; it names the log, kept under `key`.
        DoesNotFitError: the linker ran out of one of the board's memories.
    """
    configure = [
        program_of_package("cmake"),
        *("-G", "Ninja", "-S", str(project.directory), "-B", str(directory)),
        f"-DCMAKE_MAKE_PROGRAM={program_of_package('ninja')}",
        "-DCMAKE_COLOR_DIAGNOSTICS=OFF",
    ]
    for language, compiler in zip(("C", "CXX"), compilers, strict=False):
        program = _single_program(compiler, directory / language.lower())
        configure += [
            f"-DCMAKE_{language}_COMPILER={program}",
            f"-DCMAKE_{language}_COMPILER_WORKS=TRUE",
            f"-DCMAKE_{language}_COMPILER_FORCED=TRUE",
        ]
    environment = {}
    if project.library is not None:
        launcher = f"{sys.executable};-I;{object_cache.__file__}"
        configure.append(f"-DEDGEKIT_LAUNCHER={launcher}")
        environment = _object_cache(project.library, compilers, directory)
    toolchain_file = project.directory / "toolchain.cmake"
    if toolchain_file.is_file():
        configure.append(f"-DCMAKE_TOOLCHAIN_FILE={toolchain_file.resolve()}")
    log = directory / "build.log"
    for command in (configure, [program_of_package("ninja"), "-v", "-C", str(directory)]):
        if _run(command, log, environment, _ninja_progress(project, progress)) != 0:
            text = log.read_text(encoding="utf-8", errors="replace")
            raise _explain(text, project, cache.keep_log(text, key))


def _object_cache(
    library: TflmSources, compilers: Sequence[Compiler], directory: Path
) -> dict[str, str]:
    """What the compiler's launcher has to know, as its environment."""
    who = "".join(compiler.banner for compiler in compilers)
    digests = {
        f"{library.directory.as_posix()}/{source}": f"{who} {library.digest_of(source)}"
        for source in library.sources
    }
    file = directory / "object_digests.json"
    file.write_text(json.dumps(digests), encoding="utf-8")
    return {object_cache.DIGESTS: str(file), object_cache.CACHE: str(cache.objects())}


def _ninja_progress(project: Project, progress: Progress) -> Callable[[bytes], None]:
    """What tells `progress` of each line of Ninja's that begins with [3/12]."""
    stage = f"building for {project.board.id}"

    def tell(line: bytes) -> None:
        count = _NINJA_COUNT.match(line)
        if count is not None:
            progress(stage, int(count[1]), int(count[2]))

    return tell


def _run(
    command: list[str],
    log: Path,
    environment: Mapping[str, str],
    on_line: Callable[[bytes], None],
) -> int:
    """Run in a process group of its own, which does not outlive this call."""
    environment = {**os.environ, "LC_ALL": "C", **environment}
    for inherited in ("CFLAGS", "CXXFLAGS", "LDFLAGS", "CPPFLAGS"):
        environment.pop(inherited, None)
    with log.open("ab") as output:
        output.write(f"$ {shlex.join(command)}\n".encode())
        output.flush()
        process = processes.start(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment,
        )
        try:
            assert process.stdout is not None
            for line in process.stdout:
                output.write(line)
                on_line(line)
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


def _single_program(compiler: Compiler, script: Path) -> str:
    """CMake wants one program: a compiler that is a command of several words gets a script."""
    if len(compiler.command) == 1:
        return compiler.command[0]
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
