"""`edgekit doctor`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from edgekit.cli import console
from edgekit.cli.options import FrameworkOption
from edgekit.errors import UserError

if TYPE_CHECKING:
    from edgekit.toolchain import Tool


def doctor(
    board: Annotated[
        str | None,
        typer.Option("--board", "-b", metavar="ID", help="Say all that this board needs."),
    ] = None,
    framework: FrameworkOption = None,
    fetch: Annotated[
        bool,
        typer.Option("--fetch", help="Of --board: get what a registry has and edgekit may fetch."),
    ] = False,
) -> None:
    """Say what is installed, which boards are ready, and how to get what is missing.

    With --board: what this board needs, and the serial ports that it may be connected to.

    Exit code 1 if that board, or without one the board host, cannot be built for.

    [bold]Examples[/bold]

        edgekit doctor

        edgekit doctor --board esp32-s3

        edgekit doctor --board pico-emulated --fetch
    """
    if fetch:
        _fetch(board, framework)
    ready = _all() if board is None else _one(board, framework)
    if not ready:
        raise typer.Exit(1)


def _fetch(board_id: str | None, framework: str | None) -> None:
    from edgekit import boards, emulators

    if board_id is None:
        raise UserError("--fetch was given without --board", hint="name the board")
    with console.progress() as progress:
        emulators.prepare(boards.load(board_id, framework), progress)


def _all() -> bool:
    from edgekit import boards, toolchain
    from edgekit.report.tables import plain

    of_boards = toolchain.tools_of_boards(boards.all_boards())
    tools = toolchain.tools()
    _print_found("tools", tools)
    ready = plain("board", "ready", "missing", title="boards")
    for board_id, needed in of_boards.items():
        missing = [tool.name for tool in needed if not tool.found]
        ready.add_row(board_id, "no" if missing else "yes", ", ".join(missing))
    console.stdout().print(ready)
    _print_remedies([*tools, *(tool for needed in of_boards.values() for tool in needed)])
    return all(tool.found for tool in of_boards["host"])


def _one(board_id: str, framework: str | None) -> bool:
    from edgekit import boards, toolchain

    board = boards.load(board_id, framework)
    needed = toolchain.tools_for(board)
    with_framework = f", framework {board.framework}" if board.framework else ""
    _print_found(f"{board.id}: {board.name}{with_framework}", needed)
    ports: tuple[Tool, ...] = ()
    if board.reach.kind == "usb":
        ports = toolchain.serial_ports_for(board)
        if ports:
            _print_found("serial ports that it may be at", ports)
        else:
            console.stdout().print("no serial port that it may be at: is it connected?\n")
    _print_remedies([*needed, *ports])
    ready = all(tool.found for tool in needed)
    typer.echo(f"{board.id} is {'ready' if ready else 'not ready'} to be built for")
    return ready


def _print_found(title: str, tools: Iterable[Tool]) -> None:
    from edgekit.report.tables import plain

    console.stdout().print(title)
    table = plain("name", "found")
    for tool in tools:
        table.add_row(tool.name, tool.version if tool.found else "no")
    console.stdout().print(table)


def _print_remedies(tools: Iterable[Tool]) -> None:
    """Each once, on lines that are not broken, to be copied."""
    remedies = {tool.name: tool.remedy for tool in tools if not tool.found}
    if remedies:
        typer.echo("how to get what is missing:\n")
    for name, remedy in remedies.items():
        typer.echo(f"  {name}\n    {remedy}")
    if remedies:
        typer.echo()
