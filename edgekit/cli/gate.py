"""`edgekit gate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgekit.cli import console
from edgekit.cli.options import (
    LimitOption,
    ModelArgument,
    PixelRangeOption,
    QuantizedAsOption,
    parse_preprocessing,
)


def gate(
    model: ModelArgument,
    data: Annotated[
        str,
        typer.Option(
            "--data",
            "-d",
            metavar="DATA",
            help="Samples with labels: .npz, .npy, a folder, or FILE.py:FUNCTION.",
            show_default=False,
        ),
    ],
    teacher: Annotated[
        Path | None,
        typer.Option("--teacher", "-t", metavar="MODEL", help="The float model to measure up to."),
    ] = None,
    student: Annotated[
        Path | None,
        typer.Option("--student", "-s", metavar="MODEL", help="What MODEL was converted from."),
    ] = None,
    board: Annotated[
        str | None,
        typer.Option("--board", "-b", metavar="ID", help="Run it there too: see `edgekit boards`."),
    ] = None,
    max_drop: Annotated[
        float | None,
        typer.Option(
            "--max-drop", metavar="POINTS", help="Accuracy that may be lost, first to last."
        ),
    ] = None,
    max_latency: Annotated[
        str | None,
        typer.Option(
            "--max-latency", metavar="TIME", help="As 12ms, 2e6instructions, 64000cycles."
        ),
    ] = None,
    max_arena: Annotated[
        str | None, typer.Option("--max-arena", metavar="SIZE", help="As 16384, 16k or 1M.")
    ] = None,
    max_flash: Annotated[
        str | None,
        typer.Option("--max-flash", metavar="SIZE", help="Of model and kernels, in flash memory."),
    ] = None,
    limit: LimitOption = None,
    device_limit: Annotated[
        int | None,
        typer.Option("--device-limit", min=1, metavar="N", help="Samples that the board answers."),
    ] = None,
    pixel_range: PixelRangeOption = None,
    quantized_as: QuantizedAsOption = None,
    json: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write JSON; - is stdout.")
    ] = None,
) -> None:
    """Compare teacher, student, INT8 and device on the same samples; fail over budget.

    Each step is compared with the one before it, in a paired 95 % interval.

    Exit code 1 means that a budget was exceeded.

    [bold]Examples[/bold]

        edgekit gate model.tflite -d test.npz -s model.keras --max-drop 0.5

        edgekit gate model.tflite -d test.npz -b qemu-cortex-m4 --max-arena 16k
    """
    from edgekit.errors import BudgetExceededError
    from edgekit.measurement.budgets import Budgets, parse_bytes, parse_latency
    from edgekit.pipeline import gate as pipeline
    from edgekit.report import comparison, tables

    console.refuse_unwritable(json)
    budgets = Budgets(
        accuracy_drop=None if max_drop is None else max_drop / 100,
        latency=None if max_latency is None else parse_latency(max_latency),
        arena_bytes=None if max_arena is None else parse_bytes(max_arena),
        flash_bytes=None if max_flash is None else parse_bytes(max_flash),
    )
    with console.progress() as progress:
        result = pipeline.gate(
            model,
            data,
            teacher=teacher,
            student=student,
            board=board,
            budgets=budgets,
            preprocessing=parse_preprocessing(pixel_range, quantized_as),
            limit=limit,
            device_limit=device_limit,
            progress=progress,
        )
    if json is not None:
        console.write_file(
            json,
            comparison.gate_json(result.chain, result.checks, result.measurement, result.oracle),
        )
    if str(json) != "-":
        out = console.stdout()
        out.print(comparison.chain_table(result.chain, title=f"{model.name}, each step of the way"))
        if result.measurement is not None:
            out.print(tables.summary(result.measurement))
        if result.checks:
            out.print(comparison.checks_table(result.checks))
    if not result.passed:
        raise BudgetExceededError(
            f"{model.name}: {comparison.violations(result.checks)}",
            hint="the table says which step caused the loss; loosen a budget only on purpose",
        )
