"""Generated model sources + Board -> Project: a source tree on disk that builds by itself."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgekit.boards import Board
from edgekit.codegen import TflmNeeds
from edgekit.errors import BoardError
from edgekit.ir import Tensor
from edgekit.project import application, cmake, firmware, placement, platformio, tflm_library
from edgekit.project.application import ApplicationFiles
from edgekit.project.context import ModelBytes, ProjectParts, compiler_flags
from edgekit.project.esp32 import USB_SERIAL_JTAG
from edgekit.project.options import Builder, Place, ProjectOptions
from edgekit.project.tflm_library import TflmSources
from edgekit.project.tree import write as write_tree

__all__ = [
    "ApplicationFiles",
    "Builder",
    "ModelBytes",
    "Place",
    "Project",
    "ProjectOptions",
    "ProjectParts",
    "TflmSources",
    "application_files",
    "write_project",
    "write_tree",
]

_BUILD_ID_DIGITS = 16
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_TREES: Mapping[Builder, Callable[[ProjectParts], dict[str, str]]] = {
    "cmake": cmake.files,
    "platformio": platformio.files,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A source tree on disk."""

    directory: Path
    board: Board
    model_name: str
    options: ProjectOptions
    builder: Builder
    files: tuple[str, ...]  # relative to the directory, sorted, as they were written
    flags: tuple[str, ...]  # of the compiler, for every C file
    build_id: str  # the firmware says it in HELLO: digest of all sources and flags, hexadecimal
    library: TflmSources | None = None  # TensorFlow Lite Micro, compiled with the project

    @property
    def weights_in(self) -> Place | None:
        """Where the model's constants lie; None if the board has no choice."""
        return placement.place(self.board, self.options, "weights")

    @property
    def kernels_in(self) -> Place | None:
        """Where the model's code lies; None if the board has no choice."""
        return placement.place(self.board, self.options, "kernels")


def write_project(
    files: Mapping[str, str],
    *,
    model_name: str,
    board: Board,
    options: ProjectOptions,
    directory: Path,
    tflm: TflmNeeds | None = None,
    model_bytes: ModelBytes | None = None,
) -> Project:
    """Write the firmware of one model for one board.

    Args:
        files: the model library, relative path -> text; it declares `ek_<model_name>` in
            `ek_<model_name>.h`.
        model_name: a C identifier in lower case.
        board: the one it is for; it names a builder.
        options: how it is compiled, perhaps by another builder than the board's.
        directory: made if missing; must be empty or hold an earlier project, which is replaced.
        tflm: what the model library needs of TensorFlow Lite Micro.
        model_bytes: how much memory it takes, where that decides about the project.

    Raises:
        BoardError: the board cannot be built like this.
        UserError: the directory holds something else, or cannot be written; the library that
            `tflm` asks for was not named, or lacks something; or the board has no such place for
            weights or kernels.
    """
    builder = options.builder or board.build
    _check(board, options, model_name)
    library = _library(tflm, board, options)
    parts = _parts(files, model_name, board, options, tflm, model_bytes, library)
    flags = compiler_flags(board, options, library)
    parts = dataclasses.replace(parts, build_id=_build_id(parts, flags, builder))
    tree = _TREES[builder](parts)
    write_tree(tree, directory)
    return Project(
        directory=directory,
        board=board,
        model_name=model_name,
        options=options,
        builder=builder,
        files=tuple(sorted(tree)),
        flags=flags,
        build_id=parts.build_id,
        library=parts.tflm_sources,
    )


def application_files(
    files: Mapping[str, str],
    *,
    model_name: str,
    board: Board,
    options: ProjectOptions,
    tflm: TflmNeeds | None,
    model_bytes: ModelBytes,
    title: str,
    engine: str,
    inputs: Sequence[Tensor],
    outputs: Sequence[Tensor],
    run: str,
) -> ApplicationFiles:
    """An application around a model library, for a person to keep.

    Args:
        files, model_name, board, options, tflm, model_bytes: as of write_project().
        title, engine, inputs, outputs, run: as of application.files().

    Raises:
        BoardError: the board cannot be built like this.
        UserError: it has no library for the engine.
        DoesNotFitError: the image does not fit into its flash memory.
    """
    _check(board, options, model_name)
    return application.files(
        _parts(files, model_name, board, options, tflm, model_bytes),
        title=title,
        engine=engine,
        inputs=inputs,
        outputs=outputs,
        run=run,
    )


def _parts(
    files: Mapping[str, str],
    model_name: str,
    board: Board,
    options: ProjectOptions,
    tflm: TflmNeeds | None,
    model_bytes: ModelBytes | None,
    library: TflmSources | None = None,
) -> ProjectParts:
    return ProjectParts(
        model_files=files,
        model_name=model_name,
        firmware_files=firmware.files(board, tflm=library is not None),
        board=board,
        options=options,
        tflm=tflm,
        tflm_sources=library,
        build_id="",
        model_bytes=model_bytes or ModelBytes(),
    )


def _library(tflm: TflmNeeds | None, board: Board, options: ProjectOptions) -> TflmSources | None:
    """The sources of TensorFlow Lite Micro that this project compiles itself."""
    if tflm is None or board.platformio is not None:
        return None  # a framework builds its libraries itself, whole
    return tflm_library.choose(options.tflm_library, tflm, board)


def _check(board: Board, options: ProjectOptions, model_name: str) -> None:
    if board.build == "platformio" and options.builder == "cmake":
        raise BoardError(
            f"{board.id} is built with PlatformIO, not with CMake", hint="leave the builder out"
        )
    if board.runs_linux and options.builder == "platformio":
        raise BoardError(
            f"{board.id} is built with CMake, not with PlatformIO", hint="leave the builder out"
        )
    if options.sanitize and board.toolchain != "host":
        raise BoardError(
            f"{board.id} has no sanitizers: they need an operating system",
            hint="use board host, or build without them",
        )
    if options.stack_bytes is not None and board.platformio is None:
        raise BoardError(
            f"{board.id} has no task whose stack could be set", hint="leave the stack out"
        )
    if options.link == "usb" and board.framework == "none":
        raise BoardError(
            f"{board.id} without a framework answers on UART and USB alike",
            hint="leave the link out",
        )
    if options.link == "usb" and board.link != "usb" and USB_SERIAL_JTAG not in board.reach.usb:
        raise BoardError(
            f"{board.id} has no USB of its own", hint="leave the link out: it is the serial port"
        )
    placement.check(board, options, options.builder or board.build)
    if not _NAME.fullmatch(model_name):
        raise ValueError(f"{model_name!r} is no C identifier in lower case")


def _build_id(parts: ProjectParts, flags: tuple[str, ...], builder: Builder) -> str:
    """What tells two builds apart: the digest of the sources and of how they are compiled.

    On boards without a framework every builder makes the same image, and so has the same id.
    """
    if parts.board.platformio is None:
        builder = "cmake"
    tree = _TREES[builder](parts)
    digest = hashlib.sha256(json.dumps([sorted(tree.items()), flags]).encode()).hexdigest()
    return digest[:_BUILD_ID_DIGITS]
