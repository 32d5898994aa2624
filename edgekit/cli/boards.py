"""`edgekit boards`."""

from __future__ import annotations

from typing import Annotated

import typer

from edgekit.cli import console
from edgekit.cli.options import FrameworkOption
from edgekit.errors import UserError


def boards(
    board_id: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="Show one board.", show_default=False)
    ] = None,
    framework: FrameworkOption = None,
) -> None:
    """List the boards, or show all that is known of one.

    [bold]Examples[/bold]

        edgekit boards

        edgekit boards qemu-cortex-m4

        edgekit boards esp32-c3 --framework none
    """
    from edgekit import boards as known
    from edgekit.report import tables

    if board_id is not None:
        console.stdout().print(tables.board_facts(known.load(board_id, framework)))
        return
    if framework is not None:
        raise UserError("--framework was given without a board", hint="name the board as well")
    shown = []
    for board in known.all_boards():
        others = [known.load(board.id, name) for name in board.frameworks]
        shown += [board, *(other for other in others if other.verified != board.verified)]
    console.stdout().print(tables.board_list(shown))
