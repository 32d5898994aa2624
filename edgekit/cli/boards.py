"""`edgekit boards`."""

from __future__ import annotations

from typing import Annotated

import typer

from edgekit.cli import console


def boards(
    board_id: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="Show one board.", show_default=False)
    ] = None,
) -> None:
    """List the boards, or show all that is known of one.

    [bold]Examples[/bold]

        edgekit boards

        edgekit boards qemu-cortex-m4
    """
    from edgekit import boards as known
    from edgekit.report import tables

    if board_id is None:
        console.stdout().print(tables.board_list(known.all_boards()))
    else:
        console.stdout().print(tables.board_facts(known.load(board_id)))
