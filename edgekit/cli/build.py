"""`edgekit build`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgekit.cli import console
from edgekit.cli.options import (
    ArenaOption,
    EngineChoice,
    EngineOption,
    ModelArgument,
    TflmLibraryOption,
)


def build(
    model: ModelArgument,
    board: Annotated[
        str, typer.Option("--board", "-b", metavar="ID", help="A board: see `edgekit boards`.")
    ] = "host",
    engine: EngineOption = "aot",
    tflm_library: TflmLibraryOption = None,
    arena: ArenaOption = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="DIR", help="Keep project and image in DIR."),
    ] = None,
) -> None:
    """Write and compile the firmware of a model for a board; print the image and its sizes.

    DIR/model is the model library: it can be dropped into any C project (any C++ project, with
    engine tflm). DIR/build has the image.

    [bold]Examples[/bold]

        edgekit build model.tflite --board qemu-cortex-m4

        edgekit build model.tflite --board host -o firmware/
    """
    from rich.table import Table

    from edgekit import pipeline

    choice = EngineChoice(engine=engine, tflm_library=tflm_library, arena=arena)
    options = choice.project
    with console.progress() as progress:
        compiled = pipeline.compile(model, board, engine=engine, arena_bytes=choice.arena_bytes)
        built = pipeline.build(compiled, directory=output, options=options, progress=progress)
    image = built.image
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_row("arena       ", f"{compiled.sources.arena_bytes:,} bytes")
    table.add_row("static RAM", f"{image.static_ram_bytes:,} bytes with the arena")
    table.add_row("flash memory", f"{image.inference_flash_bytes:,} bytes for inference")
    table.add_row("", f"{image.flash_bytes:,} bytes the whole image")
    table.add_row("built with", f"{image.toolchain} {' '.join(image.flags)}")
    typer.echo(f"image         {image.elf}")  # however long, on one line, to be copied
    console.stdout().print(table)
