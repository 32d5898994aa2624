"""Run PlatformIO: its own core directory for emulated boards, the user's for real ones."""

from __future__ import annotations

import importlib.metadata
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from edgekit import processes
from edgekit.progress import Progress
from edgekit.project import Project, library
from edgekit.toolchain import (
    build_log,
    cache,
    object_cache,
    platformio_core,
    platformio_packages,
    platformio_parts,
)
from edgekit.toolchain.artefacts import BuilderTools, Built
from edgekit.toolchain.cmake import compilers_of, flash_parts_of, object_cache_environment

_COMPILED = (".c", ".cc", ".cpp", ".S")


def tools_of(project: Project) -> BuilderTools:
    """What the project would be built with.

    Raises:
        ToolMissingError: PlatformIO, or what it needs for the board, is not installed; said at
            once, and with the command that gets it.
    """
    how = project.board.platformio
    if how is not None:
        packages = platformio_packages.installed(how, project=project.directory)
        platformio_packages.refuse_missing(packages, project.board.id)
        name = ", ".join(
            f"{package.plain_name} {package.version}"
            for package in packages
            if package.name.startswith(("platform", "framework-", "toolchain-"))
        )
        identity = [f"{package.wanted} {package.version}" for package in packages]
    else:
        compilers = compilers_of(project)
        name = str(compilers[0])
        identity = [platformio_core.seeded().name]
        identity += [word for one in compilers for word in (one.banner, *one.command)]
    version = importlib.metadata.version("platformio")
    return BuilderTools(name=name, identity=("platformio", version, *identity))


def environment_of(project: Project, workspace: Path) -> dict[str, str]:
    """The environment in which PlatformIO builds a project.

    For emulated boards it writes to `workspace` only, and has what it needs in a core directory of
    ours; real boards are built in the project, with what the user has installed.
    """
    environment = platformio_core.quiet_environment()
    if project.board.platformio is not None:
        return environment
    environment |= {
        "PLATFORMIO_CORE_DIR": str(platformio_core.seeded()),
        "PLATFORMIO_WORKSPACE_DIR": str(workspace.resolve()),
    }
    compilers = compilers_of(project)
    if project.board.toolchain == "host":
        for variable, compiler in zip(("CC", "CXX"), compilers, strict=False):
            environment[variable] = shlex.join(compiler.command)
    if project.library is not None:
        environment |= object_cache_environment(project.library, compilers, workspace)
        launcher = (sys.executable, "-I", object_cache.__file__)
        environment["EDGEKIT_LAUNCHER"] = shlex.join(launcher)
    return environment


def compile_project(project: Project, directory: Path, key: str, progress: Progress) -> Built:
    """Build `project`, leaving build.log in `directory`.

    Raises:
        ToolMissingError: PlatformIO, or what it needs for the board, is not installed.
        BuildError: it refused the project; it names the log, kept under `key`.
        DoesNotFitError: the linker ran out of one of the board's memories.
    """
    board = project.board
    environment = environment_of(project, directory)
    log = directory / "build.log"
    watcher = _Watcher(f"building for {board.id}", _steps(project), progress)
    _pio(["run"], project, environment, log, watcher.see, key)
    made = directory / "build" / board.id
    if board.platformio is not None:
        lines: list[str] = []
        _pio(["run", "--target", "idedata"], project, environment, log, lines.append, key)
        made, parts = platformio_parts.read(lines, uf2=board.uf2 is not None)
    else:
        parts = flash_parts_of(board, made)
    name = Path(library.folder(project.model_name)).name
    return Built(
        elf=made / "firmware.elf",
        linker_map=next(iter(sorted(made.glob("*.map"))), made / "firmware.map"),
        model_objects=tuple(
            path for path in sorted(made.rglob("*.o")) if {name, library.TFLM} & {*path.parts}
        ),
        # a library of PlatformIO's, object by object, or a component of ESP-IDF, an archive
        model_object=re.compile(rf"/lib[0-9a-f]{{3}}/{name}/|/lib(?:{name}|{library.TFLM})\.a\("),
        flash_parts=parts,
        warnings=watcher.warnings,
    )


def by_hand(project: Project) -> str:
    """The shell command that builds the project without edgekit."""
    command = f"pio run --project-dir {shlex.quote(str(project.directory))}"
    if project.board.platformio is not None:
        return command
    return f"PLATFORMIO_CORE_DIR={shlex.quote(str(platformio_core.seeded()))} {command}"


class _Watcher:
    """Reads along, line by line: tells of progress, counts warnings."""

    def __init__(self, stage: str, steps: int, progress: Progress) -> None:
        self.warnings = 0
        self._stage, self._steps, self._progress, self._done = stage, steps, progress, 0
        progress(stage, 0, steps)

    def see(self, line: str) -> None:
        self.warnings += build_log.is_warning(line)
        if build_log.is_step(line):
            self._done += 1
            total = max(self._done, self._steps) if self._steps else 0
            self._progress(self._stage, self._done, total)


def _steps(project: Project) -> int:
    """How many files PlatformIO will say that it makes: objects and the image; 0: unknown."""
    if project.board.platformio is not None:
        return 0  # those of the framework too
    objects = sum(path.endswith(_COMPILED) for path in project.files)
    if project.library is not None:
        objects += len(project.library.sources) + 2  # and their archive with its index
    return objects + 1


def _pio(
    words: Sequence[str],
    project: Project,
    environment: Mapping[str, str],
    log: Path,
    see: Callable[[str], None],
    key: str,
) -> None:
    """Run `pio <words>` for the project, its words added to the log and shown to `see`."""
    command = [
        *platformio_core.command(),
        *words,
        *("--project-dir", str(project.directory.resolve()), "--environment", project.board.id),
    ]
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
        assert process.stdout is not None
        try:
            with process.stdout:
                for line in process.stdout:
                    output.write(line)
                    see(line.decode(errors="replace").rstrip())
            code = process.wait()
        except BaseException:
            processes.end(process)  # with SCons and its compilers: they are in its group
            raise
    if code != 0:
        text = log.read_text(encoding="utf-8", errors="replace")
        raise build_log.explain(text, project.board, cache.keep_log(text, key))
