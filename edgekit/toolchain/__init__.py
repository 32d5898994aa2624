"""Generated sources + Board -> FirmwareImage: write the project, compile it, read its sizes."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgekit.boards import Board
from edgekit.codegen import GeneratedSources
from edgekit.errors import BuildError, UserError
from edgekit.progress import Progress, silent
from edgekit.project import Project, ProjectOptions, write_project
from edgekit.toolchain import cache as build_cache
from edgekit.toolchain.cmake import compile_project
from edgekit.toolchain.compiler import Compiler, find_compiler, find_cxx_compiler
from edgekit.toolchain.tools import Tool, missing_for, tools

__all__ = [
    "Compiler",
    "FirmwareImage",
    "FlashPart",
    "Tool",
    "build",
    "build_project",
    "find_compiler",
    "find_cxx_compiler",
    "missing_for",
    "tools",
]

_ELF, _LOG, _MAP, _FACTS = "firmware.elf", "build.log", "firmware.map", "image.json"
_CACHE_VERSION = "edgekit build cache 2"


@dataclass(frozen=True, slots=True, kw_only=True)
class FlashPart:
    """A file, and where in flash memory it belongs."""

    offset: int
    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class FirmwareImage:
    """What the toolchain made of a project."""

    elf: Path
    log: Path  # everything that CMake, Ninja and the compiler said
    board_id: str
    build_id: str  # what the firmware says of itself in HELLO
    toolchain: str  # e.g. "arm-none-eabi-gcc 12.2.1"
    flags: tuple[str, ...]
    sources_sha256: str
    flash_bytes: int  # the whole image: code, constants, initial values of variables
    static_ram_bytes: int  # the model library's variables and the arena; no buffers of the link
    inference_flash_bytes: int  # the model library: its code, kernels, constants, initial values
    flash_parts: tuple[FlashPart, ...] = ()  # for boards that a tool writes; in order, no overlap


def build(
    sources: GeneratedSources,
    board: Board,
    *,
    options: ProjectOptions,
    directory: Path | None = None,
    progress: Progress = silent,
) -> FirmwareImage:
    """Write the project of a model and compile it.

    Args:
        sources: the model library.
        board: the one it is for.
        options: how it is compiled.
        directory: where to keep the project, and the image in its build/; None: nowhere, only the
            image stays, in the cache.

    Raises: as write_project() and build_project() do.
    """
    with tempfile.TemporaryDirectory(prefix="edgekit-") as scratch:
        project = write_project(
            sources.files,
            model_name=sources.model_name,
            board=board,
            options=options,
            directory=directory or Path(scratch),
            tflm=sources.tflm,
        )
        image = build_project(project, progress=progress)
        return image if directory is None else _copied(image, directory / "build")


def _copied(image: FirmwareImage, directory: Path) -> FirmwareImage:
    """The image with its map and log, each file copied whole or not at all."""
    try:
        directory.mkdir(exist_ok=True)
        for name in (_LOG, _MAP, _ELF):
            source, beside = image.elf.with_name(name), directory / f".{name}.part"
            if source.is_file():
                try:
                    shutil.copy(source, beside)
                    beside.replace(directory / name)
                finally:
                    beside.unlink(missing_ok=True)
    except OSError as error:
        raise UserError(
            f"the image cannot be written to {directory}: {error.strerror}",
            hint="choose another directory",
        ) from error
    return dataclasses.replace(image, elf=directory / _ELF, log=directory / _LOG)


def build_project(
    project: Project, *, cache: bool = True, progress: Progress = silent
) -> FirmwareImage:
    """Compile and link `project`.

    Unchanged sources, flags and compiler give the image of last time, unless `cache` is false;
    then it is built again, in <project>/build.

    Raises:
        ToolMissingError: the compiler is not installed.
        BuildError: the toolchain refused the project.
        DoesNotFitError: the image is larger than one of the board's memories.
    """
    compilers = [find_compiler(project.board)]
    if project.library is not None:
        compilers.append(find_cxx_compiler(project.board))
    sources = _digest_of_sources(project)
    who = (word for compiler in compilers for word in (compiler.banner, *compiler.command))
    key = _digest(_CACHE_VERSION, sources, *who)
    finished = build_cache.find(key) if cache else None
    if finished is not None and _sizes(finished) is None:
        build_cache.forget(key)
        finished = None
    if finished is None:
        with build_cache.workshop() as workshop:
            built = _build(project, compilers, workshop, key, progress)
            finished = build_cache.store(built, key) if cache else _keep(built, project)
    return _image(finished, project, compilers[0], sources)


def _build(
    project: Project,
    compilers: Sequence[Compiler],
    workshop: Path,
    key: str,
    progress: Progress,
) -> Path:
    """Build, and gather what is worth keeping in one directory."""
    from edgekit.toolchain.sizes import measure  # reading ELF is for those who build

    work, kept = workshop / "building", workshop / "kept"
    work.mkdir()
    kept.mkdir()
    compile_project(project, compilers, work, key, progress)
    sizes = measure(
        work / _ELF,
        model_name=project.model_name,
        objects=sorted(
            path
            for target in ("model", "tflm")
            for path in (work / "CMakeFiles" / f"{target}.dir").rglob("*.o*")
        ),
        linker_map=work / _MAP,
    )
    for name in (_ELF, _LOG, _MAP):
        if (work / name).is_file():
            (work / name).rename(kept / name)
    facts = {_ELF: _digest_of(kept / _ELF), "sizes": dataclasses.asdict(sizes)}
    (kept / _FACTS).write_text(json.dumps(facts), encoding="utf-8")
    return kept


def _sizes(directory: Path) -> dict[str, int] | None:
    """What was measured of the image in `directory`; None if it is no longer whole."""
    try:
        facts = json.loads((directory / _FACTS).read_text(encoding="utf-8"))
        whole = facts[_ELF] == _digest_of(directory / _ELF)
        return dict(facts["sizes"]) if whole else None
    except (OSError, ValueError, LookupError, TypeError):
        return None  # whatever happened to it, it is built anew


def _digest_of(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _keep(built: Path, project: Project) -> Path:
    target = project.directory / "build"
    shutil.rmtree(target, ignore_errors=True)
    shutil.move(built, target)
    return target


def _image(directory: Path, project: Project, compiler: Compiler, sources: str) -> FirmwareImage:
    sizes = _sizes(directory)
    if sizes is None:
        raise BuildError(f"the image in {directory} was damaged", hint="build it again")
    return FirmwareImage(
        elf=directory / _ELF,
        log=directory / _LOG,
        board_id=project.board.id,
        build_id=project.build_id,
        toolchain=str(compiler),
        flags=project.flags,
        sources_sha256=sources,
        flash_bytes=sizes["flash_bytes"],
        static_ram_bytes=sizes["static_ram_bytes"],
        inference_flash_bytes=sizes["inference_flash_bytes"],
    )


def _digest_of_sources(project: Project) -> str:
    """Over the files as they now stand on disk, so that an edited project is built anew."""
    parts: list[str] = []
    for path in project.files:
        try:
            content = (project.directory / path).read_bytes()
        except OSError as error:
            raise BuildError(f"the project is no longer whole: {path}: {error.strerror}") from error
        parts += [path, hashlib.sha256(content).hexdigest()]
    return _digest(*parts)


def _digest(*parts: str) -> str:
    """Of all parts; no two different lists give the same text."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
