"""`edgekit run`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgekit.cli import console
from edgekit.cli.options import (
    BuilderOption,
    EngineOption,
    InputsOption,
    JsonOption,
    ModelArgument,
    RunsOption,
    WarmupOption,
    parse_inputs,
    project_options,
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
    virtual: Annotated[
        bool,
        typer.Option(
            "--virtual",
            help="Of an ESP32 board: flash and ask a chip that this computer plays.",
        ),
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

    With --virtual this computer plays an ESP32: esptool flashes it, then the firmware, built for
    this computer, answers. Flashing and the link are as on the board, the latency is not.

    [bold]Examples[/bold]

        edgekit run model.tflite

        edgekit run model.tflite --board qemu-cortex-m4 --profile

        edgekit run model.tflite -b qemu-riscv32 --inputs test.npz --json result.json

        edgekit run model.tflite --board esp32 --virtual
    """
    from edgekit import pipeline, report
    from edgekit.report import tables

    options = project_options(builder)
    console.refuse_unwritable(json)
    with console.progress() as progress:
        run_on_board = pipeline.virtual.run if virtual else pipeline.run
        measurement = run_on_board(
            model,
            board,
            parse_inputs(inputs),
            engine=engine,  # type: ignore[arg-type]  # the pipeline refuses any other
            runs=runs,
            warmup=warmup,
            profile=profile,
            directory=output,
            options=options,
            progress=progress,
        )
    if json is not None:
        console.write_file(json, report.to_json(measurement))
    if str(json) != "-":
        out = console.stdout()
        out.print(tables.summary(measurement))
        if profile:
            out.print(tables.operators(measurement))
