"""`edgekit flash`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from edgekit.cli import console

_BUTTON_WAIT_S = 30.0  # where a person may see what is asked of them


def flash(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="[PROJECT|IMAGE]", help="A built project, or an image of `edgekit merge`."
        ),
    ] = Path(),
    port: Annotated[
        str,
        typer.Option(
            "--port",
            "-p",
            metavar="PORT",
            help="Serial port or URL; auto finds it, auto:SERIAL by its serial number.",
        ),
    ] = "auto",
    baud: Annotated[
        int,
        typer.Option("--baud", min=9600, help="Speed to begin with; a noisy line is slowed down."),
    ] = 921600,
    erase: Annotated[
        bool, typer.Option("--erase", help="Erase all of the flash memory first.")
    ] = False,
    verify_only: Annotated[
        bool, typer.Option("--verify-only", help="Compare what is there; write nothing.")
    ] = False,
    no_stub: Annotated[
        bool, typer.Option("--no-stub", help="Use the chip's own loader: slower, needs no RAM.")
    ] = False,
    json: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write JSON; - is stdout.")
    ] = None,
) -> None:
    """Put a built image on an ESP32 board, verify it, start it, and hear that it runs.

    Chip and flash memory are checked before a byte is written. What is there already is not
    written again.

    [bold]Examples[/bold]

        edgekit flash my-project

        edgekit flash my-project --port /dev/ttyUSB0 --baud 460800

        edgekit flash factory.bin --port auto:0001 --erase --json flashed.json
    """
    from edgekit.errors import UserError
    from edgekit.flash import FlashOptions
    from edgekit.pipeline import flashing
    from edgekit.report import flashing as report

    if erase and verify_only:
        raise UserError(
            "--erase and --verify-only were both given",
            hint="give --verify-only to change nothing, --erase to write all anew",
        )
    console.refuse_unwritable(json)
    options = FlashOptions(
        baud=baud,
        erase=erase,
        stub=not no_stub,
        button_wait_s=_BUTTON_WAIT_S if sys.stderr.isatty() else 0.0,
    )
    with console.progress() as progress:
        done = flashing.flash_board(
            source, port, options=options, verify_only=verify_only, progress=progress
        )
    if json is not None:
        console.write_file(json, report.flashed_json(done.image, done.written, done.hello))
    if str(json) != "-":
        console.stdout().print(report.flashed_table(done.written))
        for line in report.flashed_lines(done.image, done.written, done.hello):
            typer.echo(line)
