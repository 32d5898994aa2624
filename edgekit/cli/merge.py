"""`edgekit merge`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgekit.cli import console


def merge(
    project: Annotated[
        Path, typer.Argument(metavar="PROJECT", help="A built project.", show_default=False)
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE.bin",
            help="The image; FILE.json beside it is its manifest.",
            show_default=False,
        ),
    ],
) -> None:
    """Merge a project's image into one file for a factory line, with a manifest of digests.

    The file is to be written at 0. Gaps are filled with 0xFF, as erased flash memory is.

    [bold]Examples[/bold]

        edgekit merge my-project -o factory.bin

        edgekit flash factory.bin --port auto
    """
    from edgekit import flash

    image = flash.read(project)
    manifest = flash.write_merged(image, output)
    typer.echo(f"image     {output}")  # however long, on one line, to be copied
    typer.echo(f"manifest  {manifest}")
    console.stdout().print(
        f"{image.end:,} bytes for {image.chip}, to be written at 0: "
        f"{', '.join(part.name for part in image.parts)}"
    )
