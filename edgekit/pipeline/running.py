"""The whole road in one call: compile, build, put on a board, verify, measure."""

from __future__ import annotations

import os

from edgekit import boards, measurement
from edgekit.boards import Board
from edgekit.errors import UserError
from edgekit.measurement import Inputs, Measurement
from edgekit.pipeline import runtimes
from edgekit.pipeline.compiling import compile, fitted
from edgekit.pipeline.firmware import build, measure
from edgekit.pipeline.model_serving import RUNTIMES, RuntimeOptions
from edgekit.pipeline.reaching import Where, kept_for, on_board
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
    where: Where | None = None,
    runs: int | None = None,
    warmup: int = 1,
    profile: bool = False,
    directory: str | os.PathLike[str] | None = None,
    runtime: RuntimeOptions | None = None,
    progress: Progress = silent,
) -> Measurement:
    """Compile, build, start (or flash), verify and measure: `edgekit run`.

    Args:
        fit: ask the board how much of its arena engine tflm used, and build again with that much.
        where: which board is meant, if it is a real one; default: the only one that is there.
        directory: where to keep project and image; default: only in edgekit's cache.
        runtime: how an interpreter is run, of engines litert and onnxruntime.

    Raises: as the stages do.
    """
    refuse_fit(fit, engine, arena_bytes)
    target = boards.load(board) if isinstance(board, str) else board
    where = where or Where()
    where.refuse_for(target)
    if engine in RUNTIMES:
        _refuse_what_is_built(engine, profile, options, arena_bytes, directory)
        return runtimes.run(
            os.fspath(model),
            target,
            inputs,
            engine=engine,
            options=runtime or RuntimeOptions(),
            where=where,
            runs=runs,
            warmup=warmup,
            progress=progress,
        )
    if runtime is not None and runtime != RuntimeOptions():
        raise UserError(
            f"threads or a Python were given, but engine {engine} has neither",
            hint="leave them out, or choose engine litert or onnxruntime",
        )
    progress(f"compiling for {target.id}", 0, 0)
    compiled = compile(model, target, engine=engine, arena_bytes=arena_bytes)
    samples = measurement.samples_for(
        compiled.source_graph, inputs
    )  # a bad file is said before a build
    with kept_for(directory, target) as kept:
        built = build(compiled, directory=kept, options=options, progress=progress)
        if fit:
            with on_board(built, kept, where, progress) as device:
                used_bytes = used_arena_bytes(device, compiled)
            compiled = fitted(compiled, used_bytes)
            built = build(compiled, directory=kept, options=options, progress=progress)
        with on_board(built, kept, where, progress) as device:
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


def _refuse_what_is_built(
    engine: str,
    profile: bool,
    options: ProjectOptions | None,
    arena_bytes: int | None,
    directory: str | os.PathLike[str] | None,
) -> None:
    """Raise UserError for what only engines that are built for a board have."""
    if profile:
        raise UserError(
            f"engine {engine} does not say how long its operators take",
            hint="profile engine aot",
        )
    if arena_bytes is not None or directory is not None or options not in (None, ProjectOptions()):
        raise UserError(
            f"engine {engine} is not built: it takes no arena, directory or compiler's options",
            hint="leave them out, or choose engine aot",
        )


def refuse_fit(fit: bool, engine: str, arena_bytes: int | None) -> None:
    """Raise UserError where an arena cannot be fitted."""
    if fit and (engine != "tflm" or arena_bytes is not None):
        raise UserError(
            "an arena can be fitted only for engine tflm, and where no size was given",
            hint="engine aot's arena is exact as it is",
        )
