"""The whole road in one call: compile, build, put on a board, verify, measure."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from edgekit import boards, flash, link, measurement
from edgekit.boards import Board
from edgekit.errors import UserError
from edgekit.link import Device
from edgekit.measurement import Inputs, Measurement
from edgekit.pipeline import flashing
from edgekit.pipeline.compiling import compile, fitted
from edgekit.pipeline.firmware import BuiltFirmware, build, connect, measure
from edgekit.pipeline.verification import used_arena_bytes
from edgekit.progress import Progress, silent
from edgekit.project import ProjectOptions


def run(
    model: str | os.PathLike[str],
    board: str | Board = "host",
    inputs: Inputs = 4,
    *,
    engine: str = "aot",
    arena_bytes: int | None = None,
    fit: bool = False,
    options: ProjectOptions | None = None,
    port: str = flash.AUTO,
    runs: int | None = None,
    warmup: int = 1,
    profile: bool = False,
    directory: str | os.PathLike[str] | None = None,
    progress: Progress = silent,
) -> Measurement:
    """Compile, build, start (or flash), verify and measure: `edgekit run`.

    Args:
        fit: ask the board how much of its arena engine tflm used, and build again with that much.
        port: of a real board: a path or pyserial URL; "auto" or "auto:SERIAL" finds it by its USB
            id. Boards that edgekit starts need none.
        directory: where to keep project and image; default: only in edgekit's cache.

    Raises: as the stages do.
    """
    refuse_fit(fit, engine, arena_bytes)
    target = boards.load(board) if isinstance(board, str) else board
    progress(f"compiling for {target.id}", 0, 0)
    compiled = compile(model, target, engine=engine, arena_bytes=arena_bytes)
    samples = measurement.samples_for(
        compiled.source_graph, inputs
    )  # a bad file is said before a build
    with _kept_or_not(directory, target) as kept:
        built = build(compiled, directory=kept, options=options, progress=progress)
        if fit:
            with on_board(built, kept, port, progress) as device:
                used_bytes = used_arena_bytes(device, compiled)
            compiled = fitted(compiled, used_bytes)
            built = build(compiled, directory=kept, options=options, progress=progress)
        with on_board(built, kept, port, progress) as device:
            return measure(
                device,
                compiled,
                samples,
                image=built.image,
                runs=runs,
                warmup=warmup,
                profile=profile,
                progress=progress,
            )


def refuse_fit(fit: bool, engine: str, arena_bytes: int | None) -> None:
    """Raise UserError where an arena cannot be fitted."""
    if fit and (engine != "tflm" or arena_bytes is not None):
        raise UserError(
            "an arena can be fitted only for engine tflm, and where no size was given",
            hint="engine aot's arena is exact as it is",
        )


@contextlib.contextmanager
def _kept_or_not(
    directory: str | os.PathLike[str] | None, board: Board
) -> Iterator[str | os.PathLike[str] | None]:
    """Where the project goes; what is flashed has to lie somewhere until it is."""
    if directory is not None or board.flash != "esptool":
        yield directory
        return
    with tempfile.TemporaryDirectory(prefix="edgekit-") as scratch:
        yield scratch


@contextlib.contextmanager
def on_board(
    built: BuiltFirmware, directory: str | os.PathLike[str] | None, port: str, progress: Progress
) -> Iterator[Device]:
    """A conversation with the board that runs `built`: started if it is emulated, else flashed.

    Raises: as connect() and flash_board() do.
    """
    board = built.model.board
    if board.flash != "esptool":
        with connect(built) as device:
            yield device
        return
    assert directory is not None
    done = flashing.flash_board(Path(directory), port, progress=progress)
    baud = board.reach.baud or link.DEFAULT_BAUD
    with connect(done.written.port, baud=baud) as device:
        yield device
