"""`edgekit run`."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edgekit.cli import console, many
from edgekit.cli.options import (
    ArenaOption,
    BuilderOption,
    EngineChoice,
    FrameworkOption,
    HostOption,
    InputsOption,
    JobsOption,
    JsonOption,
    KernelsInOption,
    LauncherOption,
    LinkOption,
    ModelArgument,
    PythonOption,
    RunEngineOption,
    RunsOption,
    StackOption,
    TflmLibraryOption,
    ThreadsOption,
    WarmupOption,
    WeightsInOption,
    parse_inputs,
    parse_launcher,
)
from edgekit.errors import UserError

if TYPE_CHECKING:
    from edgekit.boards import Board


def run(
    model: ModelArgument,
    board: Annotated[
        list[str],
        typer.Option(
            "--board",
            "-b",
            metavar="ID",
            help="A board: see `edgekit boards`. Several, each with --board, are run side by "
            "side; write ID@PORT or ID@HOST for real ones.",
        ),
    ] = ["host"],  # noqa: B006 - typer copies it
    inputs: InputsOption = "4",
    runs: RunsOption = None,
    warmup: WarmupOption = 1,
    profile: Annotated[bool, typer.Option("--profile", help="Measure each operator.")] = False,
    engine: RunEngineOption = "aot",
    tflm_library: TflmLibraryOption = None,
    arena: ArenaOption = None,
    weights_in: WeightsInOption = "flash",
    kernels_in: KernelsInOption = "flash",
    fit: Annotated[
        bool, typer.Option("--fit", help="Build again with the arena that engine tflm used.")
    ] = False,
    port: Annotated[
        str,
        typer.Option(
            "--port",
            "-p",
            metavar="PORT",
            help="Serial port of a real board; auto finds it, auto:SERIAL by its serial number.",
        ),
    ] = "auto",
    host: HostOption = None,
    launcher: LauncherOption = "",
    virtual: Annotated[
        bool,
        typer.Option(
            "--virtual",
            help="Of an ESP32 board: flash and ask a chip that this computer plays.",
        ),
    ] = False,
    threads: ThreadsOption = 1,
    python: PythonOption = None,
    framework: FrameworkOption = None,
    builder: BuilderOption = None,
    link: LinkOption = None,
    stack: StackOption = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="DIR", help="Keep project and image in DIR."),
    ] = None,
    jobs: JobsOption = None,
    json: JsonOption = None,
) -> None:
    """Build the model for a board, start or flash it, prove its outputs and measure it.

    Every output byte is compared with the reference before any latency is shown.

    With --virtual this computer plays an ESP32: esptool flashes it, then the firmware, built for
    this computer, answers. Flashing and the link are as on the board, the latency is not.

    [bold]Examples[/bold]

        edgekit run model.tflite

        edgekit run model.tflite --board qemu-cortex-m4 --profile

        edgekit run model.tflite -b qemu-riscv32 --inputs test.npz --json result.json

        edgekit run model.tflite --board qemu-cortex-m4 --board qemu-riscv32 --json both.json

        edgekit run model.tflite --board esp32 --virtual

        edgekit run model.tflite --board esp32 --port /dev/ttyUSB0 -o firmware/

        edgekit run model.tflite --board rpi-4 --host pi@raspberrypi.local

        edgekit run model.tflite --board rpi-4 --host pi@raspberrypi.local --engine litert

        edgekit run model.tflite -b qemu-cortex-m4 --engine tflm --tflm-library tflite-micro --fit
    """
    from edgekit import pipeline

    console.refuse_unwritable(json)
    choice = EngineChoice(
        engine=engine,
        tflm_library=tflm_library,
        arena=arena,
        weights_in=weights_in,
        kernels_in=kernels_in,
    )
    options = choice.project_options(builder, link, stack)
    anywhere = pipeline.Where()
    where = pipeline.Where(port=port, host=host, launcher=parse_launcher(launcher))
    targets = pipeline.placed(pipeline.targets(board, framework), where)
    if virtual and (fit or any(target.where != anywhere for target in targets)):
        raise UserError(
            "--virtual was given with --port, --host, --launcher or --fit",
            hint="a virtual board has its own port, and the arena of this computer's pointers",
        )
    arguments: dict[str, Any] = {
        "inputs": parse_inputs(inputs),
        "arena_bytes": choice.arena_bytes,
        "options": options,
        "runs": runs,
        "warmup": warmup,
        "profile": profile,
        "directory": output,
    }
    if len(targets) == 1:
        arguments["engine"] = engine
        if not virtual:
            runtime = pipeline.RuntimeOptions(threads=threads, python=python)
            arguments |= {"fit": fit, "where": targets[0].where, "runtime": runtime}
        _one(model, targets[0].board, arguments, json, virtual=virtual)
        return
    several = functools.partial(
        pipeline.sweep,
        [model],
        targets,
        **arguments,
        engines=[engine],
        fit=fit,
        virtual=virtual,
        jobs=jobs,
    )
    many.show(lambda watch: several(watch=watch), json, profile=profile)


def _one(
    model: Path, board: Board, arguments: dict[str, Any], json: Path | None, *, virtual: bool
) -> None:
    from edgekit import pipeline, report
    from edgekit.report import tables

    run_it = pipeline.virtual.run if virtual else pipeline.run
    with console.progress() as progress:
        measurement = run_it(model, board, **arguments, progress=progress)
    if json is not None:
        console.write_file(json, report.to_json(measurement))
    if str(json) != "-":
        out = console.stdout()
        out.print(tables.summary(measurement))
        if arguments["profile"]:
            out.print(tables.operators(measurement))
