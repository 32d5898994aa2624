"""`edgekit build`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgekit.cli import console
from edgekit.cli.options import (
    ArenaOption,
    BuilderOption,
    EngineChoice,
    EngineOption,
    FrameworkOption,
    KernelsInOption,
    LinkOption,
    ModelArgument,
    StackOption,
    TflmLibraryOption,
    WeightsInOption,
)
from edgekit.errors import UserError

if TYPE_CHECKING:
    from edgekit.pipeline import CompiledModel
    from edgekit.project import ProjectOptions
    from edgekit.toolchain import FirmwareImage


def build(
    model: ModelArgument,
    board: Annotated[
        str, typer.Option("--board", "-b", metavar="ID", help="A board: see `edgekit boards`.")
    ] = "host",
    engine: EngineOption = "aot",
    tflm_library: TflmLibraryOption = None,
    arena: ArenaOption = None,
    weights_in: WeightsInOption = "flash",
    kernels_in: KernelsInOption = "flash",
    framework: FrameworkOption = None,
    builder: BuilderOption = None,
    link: LinkOption = None,
    stack: StackOption = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="DIR", help="Keep project and image in DIR."),
    ] = None,
    project_only: Annotated[
        bool,
        typer.Option("--project-only", help="Write the project and stop before the compiler."),
    ] = False,
) -> None:
    """Write and compile the firmware of a model for a board; print the image and its sizes.

    DIR/build has the image. In a CMake project DIR/model, in a PlatformIO project DIR/lib has the
    model library: it can be dropped into any C project; with engine tflm, into any C++ project that
    has TensorFlow Lite Micro.

    [bold]Examples[/bold]

        edgekit build model.tflite --board qemu-cortex-m4

        edgekit build model.tflite --board host -o firmware/

        edgekit build model.tflite --board rpi-pico --framework none --weights-in ram

        edgekit build model.tflite --board esp32-s3 -o firmware/ --project-only
    """
    from edgekit import boards, pipeline

    choice = EngineChoice(
        engine=engine,
        tflm_library=tflm_library,
        arena=arena,
        weights_in=weights_in,
        kernels_in=kernels_in,
    )
    options = choice.project_options(builder, link, stack)
    if project_only and output is None:
        raise UserError("--project-only needs a place for the project", hint="add -o DIR")
    with console.progress() as progress:
        target = boards.load(board, framework)
        compiled = pipeline.compile(model, target, engine=engine, arena_bytes=choice.arena_bytes)
        if not project_only:
            built = pipeline.build(compiled, directory=output, options=options, progress=progress)
    if project_only:
        assert output is not None
        _write(compiled, output, options)
    else:
        _print(compiled, built.image, output)


def _write(compiled: CompiledModel, output: Path, options: ProjectOptions) -> None:
    from edgekit import pipeline, toolchain

    project = pipeline.write(compiled, output, options=options)
    typer.echo(f"project  {project.directory}")
    typer.echo(f"next     {toolchain.by_hand(project)}")


def _print(compiled: CompiledModel, image: FirmwareImage, output: Path | None) -> None:
    from rich.table import Table

    from edgekit.report.tables import copied_text

    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_row("arena       ", f"{compiled.sources.arena_bytes:,} bytes")
    table.add_row("static RAM", f"{image.static_ram_bytes:,} bytes with the arena")
    table.add_row("flash memory", f"{image.inference_flash_bytes:,} bytes for inference")
    table.add_row("", f"{image.flash_bytes:,} bytes the whole image")
    copied = copied_text(image.weights_in, image.kernels_in)
    if copied:
        table.add_row("in RAM", copied)
    for part in image.flash_parts:
        where = f"{part.offset:#x}" if compiled.board.uf2 is None else "UF2"
        table.add_row(where, f"{part.path.name}, {part.path.stat().st_size:,} bytes")
    if image.warnings:
        table.add_row("warnings", f"{image.warnings} in code that is not edgekit's: {image.log}")
    table.add_row("built with", f"{image.toolchain} {' '.join(image.flags)}")
    typer.echo(f"image         {image.elf}")  # however long, on one line, to be copied
    console.stdout().print(table)
    if output is not None and compiled.board.flash in ("esptool", "uf2"):
        typer.echo(f"next          edgekit flash {output}")
