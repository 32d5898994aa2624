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
            metavar="[PROJECT|IMAGE]",
            help="A built project, an image of `edgekit merge`, a UF2, or a Pico's application.",
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
    drive: Annotated[
        Path | None,
        typer.Option(
            "--drive", metavar="DIR", help="Of a Pico: its drive, if there are several of them."
        ),
    ] = None,
    json: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write JSON; - is stdout.")
    ] = None,
) -> None:
    """Put a built image on a board, verify it, start it, and hear that it runs.

    An ESP32's chip and flash memory are checked before a byte is written; what is there already is
    not written again. A Pico is a USB drive while its button BOOTSEL is held as it is plugged in;
    one that runs arduino-pico is asked to become it.

    [bold]Examples[/bold]

        edgekit flash my-project

        edgekit flash my-project --port /dev/ttyUSB0 --baud 460800

        edgekit flash my-pico-application

        edgekit flash firmware.uf2 --drive /media/me/RPI-RP2

        edgekit flash factory.bin --port auto:0001 --erase --json flashed.json
    """
    from edgekit.errors import UserError
    from edgekit.flash import FlashOptions, is_uf2
    from edgekit.pipeline import application_image, flashing
    from edgekit.report import flashing as report

    if erase and verify_only:
        raise UserError(
            "--erase and --verify-only were both given",
            hint="give --verify-only to change nothing, --erase to write all anew",
        )
    console.refuse_unwritable(json)
    source = application_image.made_flashable(source)
    if is_uf2(source):
        if erase or verify_only or no_stub:
            raise UserError(
                "--erase, --verify-only and --no-stub are for boards that esptool writes",
                hint="a Pico's boot ROM writes what the image has, and tells nothing of the rest",
            )
        _to_pico(source, port, drive, json)
        return
    if drive is not None:
        raise UserError(f"--drive is for Picos, {source} is no UF2", hint="leave it out")
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


def _to_pico(source: Path, port: str, drive: Path | None, json: Path | None) -> None:
    from edgekit.pipeline import uf2_flashing
    from edgekit.report import flashing as report

    wait_s = _BUTTON_WAIT_S if sys.stderr.isatty() else 0.0
    with console.progress() as progress:
        done = uf2_flashing.flash_uf2(
            source, port, drive=drive, button_wait_s=wait_s, progress=progress
        )
    if json is not None:
        console.write_file(json, report.copied_json(done.image, done.how, done.port, done.hello))
    if str(json) != "-":
        for line in report.copied_lines(done.image, done.how, done.hello):
            typer.echo(line)
