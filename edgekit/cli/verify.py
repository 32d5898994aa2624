"""`edgekit verify`."""

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
    InputsOption,
    LauncherOption,
    ModelArgument,
    PortOption,
    TflmLibraryOption,
    parse_inputs,
)
from edgekit.cli.reach import DeviceChoice, reach


def verify(
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
    inputs: InputsOption = "16",
) -> None:
    """Compare every output byte of the device with the reference; exit 1 if one differs.

    [bold]Examples[/bold]

        edgekit verify model.tflite --board qemu-cortex-m0plus --inputs 100

        edgekit verify model.tflite --port /dev/ttyACM0 --inputs test.npz
    """
    from edgekit import pipeline
    from edgekit.report import tables

    wanted = parse_inputs(inputs)
    place = DeviceChoice(
        board=board, framework=framework, port=port, baud=baud, host=host, launcher=launcher
    )
    choice = EngineChoice(engine=engine, tflm_library=tflm_library, arena=arena)
    with (
        console.progress() as progress,
        reach(model, place, progress, choice) as (device, compiled, _),
    ):
        verification = pipeline.verify(device, compiled, wanted, progress=progress)
    console.stdout().print(f"{compiled.board.id}: {tables.verification_text(verification)}")
