"""Generated sources + Board -> FirmwareImage: write the project, compile it, read its sizes."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from edgekit.boards import Board
from edgekit.codegen import GeneratedSources
from edgekit.errors import BuildError, UserError
from edgekit.progress import Progress, silent
from edgekit.project import Builder, ModelBytes, Project, ProjectOptions, write_project
from edgekit.toolchain import cache as build_cache
from edgekit.toolchain import cmake, platformio
from edgekit.toolchain.artefacts import BuilderTools, Built, FirmwareImage, FlashPart
from edgekit.toolchain.compiler import Compiler, find_compiler, find_cxx_compiler
from edgekit.toolchain.flash_manifest import write as write_flash_manifest
from edgekit.toolchain.tools import (
    Tool,
    missing_for,
    serial_ports_for,
    tools,
    tools_for,
    tools_of_boards,
)

__all__ = [
    "Compiler",
    "FirmwareImage",
    "FlashPart",
    "Tool",
    "build",
    "build_project",
    "by_hand",
    "find_compiler",
    "find_cxx_compiler",
    "missing_for",
    "serial_ports_for",
    "tools",
    "tools_for",
    "tools_of_boards",
    "write",
    "write_flash_manifest",
]

_ELF, _LOG, _MAP, _FACTS = "firmware.elf", "build.log", "firmware.map", "image.json"
_CACHE_VERSION = "edgekit build cache 3"


class _BuilderModule(Protocol):
    """What a module that builds projects has."""

    def tools_of(self, project: Project) -> BuilderTools: ...

    def compile_project(
        self, project: Project, directory: Path, key: str, progress: Progress
    ) -> Built: ...

    def by_hand(self, project: Project) -> str: ...


_BUILDERS: Mapping[Builder, _BuilderModule] = {"cmake": cmake, "platformio": platformio}


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
        project = write(sources, board, options=options, directory=directory or Path(scratch))
        image = build_project(project, progress=progress)
        return image if directory is None else _copied(image, directory / "build")


def write(
    sources: GeneratedSources, board: Board, *, options: ProjectOptions, directory: Path
) -> Project:
    """Write the project of a model; raises what write_project() does."""
    return write_project(
        sources.files,
        model_name=sources.model_name,
        board=board,
        options=options,
        directory=directory,
        tflm=sources.tflm,
        model_bytes=ModelBytes(
            arena=sources.arena_bytes,
            inputs=sources.input_bytes,
            constants=sources.constant_bytes,
        ),
    )


def by_hand(project: Project) -> str:
    """The shell command that builds the project without edgekit."""
    return _BUILDERS[project.builder].by_hand(project)


def _copied(image: FirmwareImage, directory: Path) -> FirmwareImage:
    """The image with its map, log and parts, each file copied whole or not at all."""
    names = [_LOG, _MAP, *(part.path.name for part in image.flash_parts), _ELF]
    try:
        directory.mkdir(exist_ok=True)
        for name in names:
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
    return dataclasses.replace(
        image,
        elf=directory / _ELF,
        log=directory / _LOG,
        flash_parts=tuple(
            FlashPart(offset=part.offset, path=directory / part.path.name)
            for part in image.flash_parts
        ),
    )


def build_project(
    project: Project, *, cache: bool = True, progress: Progress = silent
) -> FirmwareImage:
    """Compile and link `project`.

    Unchanged sources, flags and compiler give the image of last time, unless `cache` is false;
    then it is built again, in <project>/build.

    Raises:
        ToolMissingError: the compiler, or what else builds for the board, is not installed.
        BuildError: the toolchain refused the project.
        DoesNotFitError: the image is larger than one of the board's memories.
    """
    tools = _BUILDERS[project.builder].tools_of(project)
    sources = _digest_of_sources(project)
    key = _digest(_CACHE_VERSION, sources, repr(project.board.uf2), *tools.identity)
    finished = build_cache.find(key) if cache else None
    if finished is not None and _facts(finished) is None:
        build_cache.forget(key)
        finished = None
    if finished is None:
        with build_cache.workshop() as workshop:
            built = _build(project, workshop, key, progress)
            finished = build_cache.store(built, key) if cache else _keep(built, project)
    return _image(finished, project, tools, sources)


def _build(project: Project, workshop: Path, key: str, progress: Progress) -> Path:
    """Build, and gather what is worth keeping in one directory."""
    from edgekit.toolchain.sizes import measure  # reading ELF is for those who build

    work, kept = workshop / "building", workshop / "kept"
    work.mkdir()
    kept.mkdir()
    built = _BUILDERS[project.builder].compile_project(project, work, key, progress)
    sizes = measure(built, model_name=project.model_name)
    kept_as = {
        built.elf: _ELF,
        work / _LOG: _LOG,
        built.linker_map: _MAP,
        **{part.path: part.path.name for part in built.flash_parts},
    }
    for path, name in kept_as.items():
        if path.is_file():
            shutil.copy(path, kept / name)
    facts = {
        "files": {path.name: _digest_of(path) for path in kept.iterdir() if path.name != _LOG},
        "sizes": dataclasses.asdict(sizes),
        "parts": [(part.offset, part.path.name) for part in built.flash_parts],
        "warnings": built.warnings,
    }
    (kept / _FACTS).write_text(json.dumps(facts), encoding="utf-8")
    return kept


def _facts(directory: Path) -> dict[str, Any] | None:
    """What was found out of the image in `directory`; None if it is no longer whole."""
    try:
        facts = json.loads((directory / _FACTS).read_text(encoding="utf-8"))
        whole = all(
            digest == _digest_of(directory / name) for name, digest in facts["files"].items()
        )
        return dict(facts) if whole else None
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None  # whatever happened to it, it is built anew


def _digest_of(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _keep(built: Path, project: Project) -> Path:
    target = project.directory / "build"
    shutil.rmtree(target, ignore_errors=True)
    shutil.move(built, target)
    return target


def _image(directory: Path, project: Project, tools: BuilderTools, sources: str) -> FirmwareImage:
    facts = _facts(directory)
    if facts is None:
        raise BuildError(f"the image in {directory} was damaged", hint="build it again")
    return FirmwareImage(
        elf=directory / _ELF,
        log=directory / _LOG,
        board_id=project.board.id,
        build_id=project.build_id,
        toolchain=tools.name,
        flags=project.flags,
        sources_sha256=sources,
        flash_parts=tuple(
            FlashPart(offset=offset, path=directory / name) for offset, name in facts["parts"]
        ),
        warnings=facts["warnings"],
        **facts["sizes"],
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
