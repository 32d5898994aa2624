"""`edgekit bench`."""

from __future__ import annotations

from edgekit.cli import console
from edgekit.cli.options import (
    BaudOption,
    BoardOption,
    JsonOption,
    ModelArgument,
    PortOption,
    RunsOption,
    WarmupOption,
    reach,
)


def bench(
    model: ModelArgument,
    board: BoardOption = None,
    port: PortOption = None,
    baud: BaudOption = 115200,
    runs: RunsOption = None,
    warmup: WarmupOption = 1,
    json: JsonOption = None,
) -> None:
    """Measure the latency of one invoke, after one input was proven.

    [bold]Examples[/bold]

        edgekit bench model.tflite --board qemu-cortex-m4

        edgekit bench model.tflite --port /dev/ttyACM0 --runs 200 --warmup 10
    """
    from edgekit import pipeline, report
    from edgekit.report import tables

    console.refuse_unwritable(json)
    with (
        console.progress() as progress,
        reach(model, board, port, baud, progress) as (device, compiled, image),
    ):
        measurement = pipeline.measure(
            device, compiled, 1, image=image, runs=runs, warmup=warmup, progress=progress
        )
    if json is not None:
        console.write_file(json, report.to_json(measurement))
    if str(json) != "-":
        console.stdout().print(tables.summary(measurement))
