"""`edgekit monitor`."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgekit.cli import console
from edgekit.cli.options import BaudOption
from edgekit.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edgekit.pipeline.monitoring import Chunks, Seen


def monitor(
    port: Annotated[
        str | None,
        typer.Option(
            "--port",
            "-p",
            metavar="PORT|auto",
            help="Serial port (or pyserial URL); auto is the one board that is connected, and "
            "the default.",
        ),
    ] = None,
    elf: Annotated[
        Path | None,
        typer.Option(
            "--elf",
            metavar="FILE|PROJECT",
            help="The firmware's ELF, or the project that it was built in: to decode crashes.",
        ),
    ] = None,
    baud: BaudOption = 115200,
    input_file: Annotated[
        Path | None,
        typer.Option("--input", metavar="FILE", help="Read a log, not a port; - is stdin."),
    ] = None,
    timestamps: Annotated[
        bool, typer.Option("--timestamps", help="Say when each line began.")
    ] = False,
    once: Annotated[bool, typer.Option("--once", help="End after the first crash.")] = False,
    for_s: Annotated[
        float | None,
        typer.Option("--for", min=0.0, metavar="SECONDS", help="End after so many seconds."),
    ] = None,
) -> None:
    """Show what a board says, and decode its crashes: function, line, operator, likely cause.

    Frames of edgekit's link are shown by their names. A port that vanishes is waited for.

    [bold]Examples[/bold]

        edgekit monitor --elf firmware/

        edgekit monitor --port /dev/ttyACM0 --elf firmware.elf --timestamps

        edgekit monitor --input crash.log --elf firmware.elf

        edgekit monitor --port auto --elf firmware.elf --once --for 60
    """
    from edgekit.pipeline import monitoring

    if port is not None and input_file is not None:
        raise UserError("--port and --input were both given", hint="give one of them")
    file = None if elf is None else monitoring.find_elf(elf)
    chunks: Chunks
    if input_file is None:
        chunks = monitoring.serial_chunks(port or "auto", baud=baud)
    elif str(input_file) == "-":
        chunks = monitoring.stream_chunks(sys.stdin.fileno())
    else:
        chunks = monitoring.file_chunks(input_file)
    with console.ended_by_ctrl_c():
        _show(monitoring.monitor(chunks, elf=file, once=once, for_s=for_s), timestamps)


def _show(all_seen: Iterable[Seen], timestamps: bool) -> None:
    out, is_line_open = sys.stdout, False
    for seen in all_seen:
        lines = seen.text if seen.kind == "text" else seen.text + "\n"
        if is_line_open and seen.kind != "text":
            out.write("\n")
            is_line_open = False
        for line in lines.splitlines(keepends=True) if seen.kind != "text" else [lines]:
            stamp = datetime.fromtimestamp(seen.at_s).isoformat(" ", "milliseconds")
            prefix = f"{stamp}  " if timestamps and not is_line_open else ""
            out.write(f"{prefix}{_MARKS[seen.kind]}{line}")
        is_line_open = not lines.endswith("\n")
        out.flush()
    if is_line_open:
        out.write("\n")


_MARKS = {"text": "", "frame": "", "note": "--- ", "crash": "  | "}
