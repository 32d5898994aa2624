"""`edgekit new`: an application around a model, and its model replaced later."""

from __future__ import annotations

import importlib.metadata
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgekit import boards, emulators, project
from edgekit.boards import Board
from edgekit.errors import UserError
from edgekit.pipeline import compiling
from edgekit.pipeline.compiling import CompiledModel
from edgekit.project import ApplicationFiles, ModelBytes, ProjectOptions

_LIBRARY = "lib"
_RECORD = "lib/edgekit.json"
_SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """An application on disk."""

    directory: Path
    board: Board
    engine: str
    model_name: str
    written: tuple[str, ...]  # relative to the directory, sorted


def new(
    directory: str | os.PathLike[str],
    model: str | os.PathLike[str],
    board: str,
    *,
    framework: str | None = None,
    engine: str = "aot",
    options: ProjectOptions | None = None,
) -> Application:
    """Write an application around `model`: all of it, or nothing.

    Args:
        directory: a new or an empty one.
        model: an INT8 .tflite file.
        board: the id of the board that it is for.
        framework: what it stands on there; None: the board's default.
        engine: what runs the model.
        options: how it is compiled.

    Raises:
        UserError: the directory is not empty or cannot be written, or the board has no library for
            the engine.
        ModelError: the model cannot be compiled.
        DoesNotFitError: it needs more memory than the board has.
    """
    target = Path(directory)
    _refuse_if_in_use(target)
    compiled = compiling.compile(model, boards.load(board, framework), engine=engine)
    options = options or ProjectOptions()
    files = _files(compiled, options, title=target.resolve().name)
    record = _record_of(compiled, options)
    written = {**files.own, **files.library, _RECORD: record}
    try:
        _write_new(target, files, record)
    except OSError as error:
        raise UserError(
            f"the application cannot be written to {target}: {error.strerror}",
            hint="choose another directory",
        ) from error
    return _application(target, compiled, written)


def update(directory: str | os.PathLike[str], model: str | os.PathLike[str]) -> Application:
    """Write lib/ of an application anew, for `model`; nothing else is touched.

    Raises:
        UserError: edgekit wrote no application there, or the model has another name.
        ModelError, DoesNotFitError: as of new().
    """
    target = Path(directory)
    record = _read_record(target)
    options = ProjectOptions(link=record["link"], tflm_library=record["tflm_library"])
    compiled = compiling.compile(model, board_of(target), engine=record["engine"])
    if compiled.sources.model_name != record["model_name"]:
        name = record["model_name"]
        raise UserError(
            f"the application calls model {name!r}, but {Path(model).name} is "
            f"{compiled.sources.model_name!r}",
            hint=f"name the file {name}.tflite, or make a new application",
        )
    files = _files(compiled, options, title=target.resolve().name)
    library = {**files.library, _RECORD: _record_of(compiled, options)}
    project.write_tree(_below(library), target / _LIBRARY)
    return _application(target, compiled, library)


def is_one(directory: Path) -> bool:
    """True if `edgekit new` wrote an application there."""
    return (directory / _RECORD).is_file()


def board_of(directory: Path) -> Board:
    """What the application there was made for.

    Raises:
        UserError: its record cannot be read.
        BoardError: this edgekit has no such board.
    """
    record = _read_record(directory)
    return boards.load(record["board"], record["framework"] or None)


def _files(compiled: CompiledModel, options: ProjectOptions, *, title: str) -> ApplicationFiles:
    board, sources = compiled.board, compiled.sources
    return project.application_files(
        sources.files,
        model_name=sources.model_name,
        board=board,
        options=options,
        tflm=sources.tflm,
        model_bytes=ModelBytes(
            arena=sources.arena_bytes,
            inputs=sources.input_bytes,
            constants=sources.constant_bytes,
        ),
        title=title,
        engine=sources.engine,
        inputs=compiled.graph.inputs,
        outputs=compiled.graph.outputs,
        run=emulators.command_line(board, "build/application.elf"),
    )


def _refuse_if_in_use(directory: Path) -> None:
    if directory.is_dir() and any(directory.iterdir()):
        mine = is_one(directory)
        raise UserError(
            f"{directory} is not empty" + (": it is an application already" if mine else ""),
            hint="give --update to replace its model, or choose a new directory"
            if mine
            else "choose a new or an empty directory",
        )
    if directory.exists() and not directory.is_dir():
        raise UserError(f"{directory} is no directory", hint="choose a new or an empty directory")


def _write_new(directory: Path, files: ApplicationFiles, record: str) -> None:
    """Write beside the directory, then put it in its place."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(dir=directory.parent, prefix=f".{directory.name}."))
    try:
        for path, text in files.own.items():
            (beside / path).parent.mkdir(parents=True, exist_ok=True)
            (beside / path).write_text(text, encoding="utf-8", newline="\n")
        project.write_tree(_below({**files.library, _RECORD: record}), beside / _LIBRARY)
        beside.chmod(0o755)
        beside.replace(directory)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _below(files: Mapping[str, str]) -> dict[str, str]:
    """The same files, by their paths in lib/."""
    return {path.removeprefix(f"{_LIBRARY}/"): text for path, text in files.items()}


def _record_of(compiled: CompiledModel, options: ProjectOptions) -> str:
    facts = {
        "schema": _SCHEMA,
        "edgekit": importlib.metadata.version("edgekit"),
        "board": compiled.board.id,
        "framework": compiled.board.framework,
        "engine": compiled.sources.engine,
        "link": options.link,
        "tflm_library": options.tflm_library,
        "model_name": compiled.sources.model_name,
        "model_sha256": compiled.graph.sha256,
    }
    return json.dumps(facts, indent=2) + "\n"


def _read_record(directory: Path) -> dict[str, Any]:
    path = directory / _RECORD
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(
            f"{directory} is no application that `edgekit new` wrote: it has no {_RECORD}",
            hint="leave --update out to write one in a new directory",
        ) from None
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read: {error}", hint="make a new application") from error
    wanted = {"board", "framework", "engine", "link", "tflm_library", "model_name"}
    if not isinstance(record, dict) or record.get("schema") != _SCHEMA or wanted - set(record):
        raise UserError(
            f"{path} is not of this edgekit's form",
            hint="use the edgekit that wrote it, or make a new application",
        )
    return record


def _application(directory: Path, compiled: CompiledModel, written: Iterable[str]) -> Application:
    return Application(
        directory=directory,
        board=compiled.board,
        engine=compiled.sources.engine,
        model_name=compiled.sources.model_name,
        written=tuple(sorted(written)),
    )
