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
from edgekit.boards import Board
from edgekit.errors import ToolMissingError
from edgekit.progress import Progress
from edgekit.project import Project, TflmSources
from edgekit.project.context import TOOLCHAIN_FILE
from edgekit.toolchain import build_log, cache, object_cache
from edgekit.toolchain.artefacts import BuilderTools, Built, FlashPart
from edgekit.toolchain.compiler import Compiler, find_compiler, find_cxx_compiler

#: Object files of the model library, and those of TensorFlow Lite Micro.
_MODEL_OBJECT = re.compile(r"/model\.dir/|\blibtflm\.a\(")
_NINJA_COUNT = re.compile(rb"\[(\d+)/(\d+)\] ")


def tools_of(project: Project) -> BuilderTools:
    """What the project would be built with.

    Raises:
        ToolMissingError: the compiler is not installed.
    """
    compilers = compilers_of(project)
    identity = tuple(word for one in compilers for word in (one.banner, *one.command))
    return BuilderTools(name=str(compilers[0]), identity=identity)


def compilers_of(project: Project) -> tuple[Compiler, ...]:
    """For C; then for C++, if the project has any."""
    c = find_compiler(project.board)
    return (c,) if project.library is None else (c, find_cxx_compiler(project.board))


def compile_project(project: Project, directory: Path, key: str, progress: Progress) -> Built:
    """Build `project` in `directory`, leaving build.log there.

    Raises:
        ToolMissingError: CMake, Ninja or the compiler is not installed.
        BuildError: the toolchain refused it; it names the log, kept under `key`.
        DoesNotFitError: the linker ran out of one of the board's memories.
    """
    progress(f"building for {project.board.id}", 0, 0)
    compilers = compilers_of(project)
    configure = [
        program_of_package("cmake"),
        *("-G", "Ninja", "-S", str(project.directory), "-B", str(directory)),
        f"-DCMAKE_MAKE_PROGRAM={program_of_package('ninja')}",
        "-DCMAKE_COLOR_DIAGNOSTICS=OFF",
    ]
    for language, compiler in zip(("C", "CXX"), compilers, strict=False):
        program = _single_program(compiler, directory / f"compiler_{language.lower()}")
        configure += [
            f"-DCMAKE_{language}_COMPILER={program}",
            f"-DCMAKE_{language}_COMPILER_WORKS=TRUE",
            f"-DCMAKE_{language}_COMPILER_FORCED=TRUE",
        ]
    environment: dict[str, str] = {}
    if project.library is not None:
        configure.append(f"-DEDGEKIT_LAUNCHER={sys.executable};-I;{object_cache.__file__}")
        environment = object_cache_environment(project.library, compilers, directory)
    toolchain_file = project.directory / TOOLCHAIN_FILE
    if toolchain_file.is_file():
        configure.append(f"-DCMAKE_TOOLCHAIN_FILE={toolchain_file.resolve()}")
    log = directory / "build.log"
    for command in (configure, [program_of_package("ninja"), "-v", "-C", str(directory)]):
        if _run(command, log, environment, _ninja_progress(project, progress)) != 0:
            text = log.read_text(encoding="utf-8", errors="replace")
            raise build_log.explain(text, project.board, cache.keep_log(text, key))
    return Built(
        elf=directory / "firmware.elf",
        linker_map=directory / "firmware.map",
        model_objects=tuple(
            path
            for target in ("model", "tflm")
            for path in sorted((directory / "CMakeFiles" / f"{target}.dir").rglob("*.o*"))
        ),
        model_object=_MODEL_OBJECT,
        flash_parts=flash_parts_of(project.board, directory),
    )


def flash_parts_of(board: Board, directory: Path) -> tuple[FlashPart, ...]:
    """What is written to the flash memory of a board that no framework builds for."""
    if board.esptool is None and board.uf2 is None:
        return ()
    from edgekit.toolchain import direct_boot, uf2  # reading ELF is for those who build

    elf = directory / "firmware.elf"
    if board.uf2 is not None:
        path = directory / uf2.NAME
        uf2.write_file(elf, board, path)
    else:
        assert board.esptool is not None
        path = directory / f"{board.esptool.chip}.bin"
        direct_boot.write_image(elf, board, path)
    return (FlashPart(offset=0, path=path),)


def by_hand(project: Project) -> str:
    """The shell command that builds the project without edgekit."""
    file = project.directory / TOOLCHAIN_FILE
    toolchain = f" -DCMAKE_TOOLCHAIN_FILE={TOOLCHAIN_FILE}" if file.is_file() else ""
    return (
        f"cd {shlex.quote(str(project.directory))} && "
        f"cmake -G Ninja -S . -B build{toolchain} && cmake --build build"
    )


def object_cache_environment(
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
        finally:
            if process.stdout is not None:
                process.stdout.close()


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
