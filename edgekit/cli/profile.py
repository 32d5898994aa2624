"""`edgekit profile`."""

from __future__ import annotations

from edgekit.cli import console
from edgekit.cli.options import (
    ArenaOption,
    BaudOption,
    BoardOption,
    EngineChoice,
    EngineOption,
    FrameworkOption,
    HostOption,
    JsonOption,
    KernelsInOption,
    LauncherOption,
    ModelArgument,
    PortOption,
    RunsOption,
    TflmLibraryOption,
    WeightsInOption,
)
from edgekit.cli.reach import DeviceChoice, reach


def profile(
    model: ModelArgument,
    board: BoardOption = None,
    port: PortOption = None,
    baud: BaudOption = 115200,
    host: HostOption = None,
    launcher: LauncherOption = "",
    framework: FrameworkOption = None,
    engine: EngineOption = "aot",
    tflm_library: TflmLibraryOption = None,
    arena: ArenaOption = None,
    weights_in: WeightsInOption = "flash",
    kernels_in: KernelsInOption = "flash",
    runs: RunsOption = None,
    json: JsonOption = None,
) -> None:
    """Measure each operator, after one input was proven.

    [bold]Examples[/bold]

        edgekit profile model.tflite --board qemu-riscv32

        edgekit profile model.tflite --port /dev/ttyUSB0
    """
    from edgekit import pipeline, report
    from edgekit.report import tables

    console.refuse_unwritable(json)
    place = DeviceChoice(
        board=board, framework=framework, port=port, baud=baud, host=host, launcher=launcher
    )
    choice = EngineChoice(
        engine=engine,
        tflm_library=tflm_library,
        arena=arena,
        weights_in=weights_in,
        kernels_in=kernels_in,
    )
    with (
        console.progress() as progress,
        reach(model, place, progress, choice) as (device, compiled, image),
    ):
        measurement = pipeline.measure(
            device, compiled, 1, image=image, runs=runs, profile=True, progress=progress
        )
    if json is not None:
        console.write_file(json, report.to_json(measurement))
    if str(json) != "-":
        out = console.stdout()
        out.print(tables.operators(measurement))
        out.print(f"one invoke: {tables.latency_text(measurement.invoke)}")
