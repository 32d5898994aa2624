"""`edgekit run`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgekit.cli import console
from edgekit.cli.options import (
    ArenaOption,
    BuilderOption,
    EngineChoice,
    EngineOption,
    InputsOption,
    JsonOption,
    ModelArgument,
    RunsOption,
    TflmLibraryOption,
    WarmupOption,
    parse_inputs,
)


def run(
    model: ModelArgument,
    board: Annotated[
        str, typer.Option("--board", "-b", metavar="ID", help="A board: see `edgekit boards`.")
    ] = "host",
    inputs: InputsOption = "4",
    runs: RunsOption = None,
    warmup: WarmupOption = 1,
    profile: Annotated[bool, typer.Option("--profile", help="Measure each operator.")] = False,
    engine: EngineOption = "aot",
    tflm_library: TflmLibraryOption = None,
    arena: ArenaOption = None,
    fit: Annotated[
        bool, typer.Option("--fit", help="Build again with the arena that engine tflm used.")
    ] = False,
    builder: BuilderOption = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="DIR", help="Keep project and image in DIR."),
    ] = None,
    json: JsonOption = None,
) -> None:
    """Build the model for a board, start it, prove its outputs and measure it.

    Every output byte is compared with the reference before any latency is shown.

    [bold]Examples[/bold]

        edgekit run model.tflite

        edgekit run model.tflite --board qemu-cortex-m4 --profile

        edgekit run model.tflite -b qemu-riscv32 --inputs test.npz --json result.json

        edgekit run model.tflite -b qemu-cortex-m4 --engine tflm --tflm-library tflite-micro --fit
    """
    from edgekit import pipeline, report
    from edgekit.report import tables

    console.refuse_unwritable(json)
    choice = EngineChoice(engine=engine, tflm_library=tflm_library, arena=arena)
    options = choice.project_options(builder)
    with console.progress() as progress:
        measurement = pipeline.run(
            model,
            board,
            parse_inputs(inputs),
            engine=engine,
            arena_bytes=choice.arena_bytes,
            fit=fit,
            options=options,
            runs=runs,
            warmup=warmup,
            profile=profile,
            directory=output,
            progress=progress,
        )
    if json is not None:
        console.write_file(json, report.to_json(measurement))
    if str(json) != "-":
        out = console.stdout()
        out.print(tables.summary(measurement))
        if profile:
            out.print(tables.operators(measurement))
