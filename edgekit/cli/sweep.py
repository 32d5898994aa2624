"""`edgekit sweep`."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Annotated

import typer

from edgekit.cli import console, many
from edgekit.cli.options import (
    ArenaOption,
    BuilderOption,
    EngineChoice,
    FrameworkOption,
    InputsOption,
    JobsOption,
    JsonOption,
    RunsOption,
    TflmLibraryOption,
    WarmupOption,
    parse_inputs,
    parse_list,
)


def sweep(
    models: Annotated[
        list[Path],
        typer.Argument(metavar="MODELS…", help="INT8 .tflite files.", show_default=False),
    ],
    boards: Annotated[
        str,
        typer.Option(
            "--boards",
            "-b",
            metavar="A,B,…",
            help="Boards, with commas: ids, patterns as 'qemu-*', all (every emulated one), "
            "ID@PORT or ID@HOST.",
            show_default=False,
        ),
    ],
    engines: Annotated[
        str, typer.Option("--engines", metavar="E,…", help="aot, tflm, litert, with commas.")
    ] = "aot",
    jobs: JobsOption = None,
    inputs: InputsOption = "4",
    runs: RunsOption = None,
    warmup: WarmupOption = 1,
    profile: Annotated[bool, typer.Option("--profile", help="Measure each operator.")] = False,
    tflm_library: TflmLibraryOption = None,
    arena: ArenaOption = None,
    fit: Annotated[
        bool, typer.Option("--fit", help="Build again with the arena that engine tflm used.")
    ] = False,
    framework: FrameworkOption = None,
    builder: BuilderOption = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="DIR", help="Keep projects and images in DIR, one for each."
        ),
    ] = None,
    json: JsonOption = None,
) -> None:
    """Measure every model on every board with every engine, several at a time.

    Each run is an `edgekit run`: all outputs are proven first. A run that fails does not stop the
    others; the exit code is then 1, or 2 if all that failed could not be done as asked.

    [bold]Examples[/bold]

        edgekit sweep kws.tflite vww.tflite --boards 'qemu-*' --json sweep.json

        edgekit sweep kws.tflite --boards qemu-cortex-m4,qemu-riscv32 --engines aot,tflm \\
            --tflm-library tflite-micro

        edgekit sweep kws.tflite --boards esp32@/dev/ttyUSB0,esp32-c3@/dev/ttyUSB1
    """
    from edgekit import pipeline

    console.refuse_unwritable(json)
    chosen = parse_list(engines)
    # library and arena are for those runs whose engine takes them
    engine = "tflm" if "tflm" in chosen else engines
    choice = EngineChoice(engine=engine, tflm_library=tflm_library, arena=arena)
    carry_out = functools.partial(
        pipeline.sweep,
        models,
        pipeline.targets(parse_list(boards), framework),
        parse_inputs(inputs),
        engines=chosen,
        arena_bytes=choice.arena_bytes,
        fit=fit,
        options=choice.project_options(builder),
        runs=runs,
        warmup=warmup,
        profile=profile,
        directory=output,
        jobs=jobs,
    )
    many.show(lambda watch: carry_out(watch=watch), json, profile=profile)
