"""`edgekit doctor`."""

from __future__ import annotations

import typer

from edgekit.cli import console


def doctor() -> None:
    """Say what is installed, which boards are ready, and what to install for the others.

    Exit code 1 if not even the board host is ready.
    """
    from edgekit import boards, toolchain
    from edgekit.report.tables import plain

    out = console.stdout()
    tools = plain("tool", "found", "version, or how to get it", title="tools")
    for tool in toolchain.tools():
        tools.add_row(tool.name, "yes" if tool.found else "no", tool.version or tool.remedy)
    out.print(tools)
    ready = plain("board", "ready", "missing", title="boards")
    host_ready = True
    for board in boards.all_boards():
        missing = toolchain.missing_for(board)
        ready.add_row(board.id, "no" if missing else "yes", ", ".join(missing))
        host_ready &= not (board.id == "host" and missing)
    out.print(ready)
    if not host_ready:
        raise typer.Exit(1)
