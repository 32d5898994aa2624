"""A Linux board whose programs this computer runs, so that sshd on it plays the machine."""

from __future__ import annotations

import sys

from edgekit import boards, cli
from edgekit.boards import Board
from edgekit.boards.board import Reach
from support.sshd import HOST

#: What plays the board, which this computer is not: a launcher that changes nothing.
LAUNCHER = ("env",)


def linux_board() -> Board:
    """The board `host`, reached as a Raspberry Pi is."""
    changed = {
        "name": "Raspberry Pi X",
        "flash": "ssh",
        "emulator": None,
        "reach": Reach(kind="ssh", compatible="brcm,bcm9999", source="invented"),
    }
    return boards.load("host").model_copy(update=changed)


def main() -> None:
    """`edgekit run` there, for a long time: a process that tests end."""
    board = linux_board()
    boards.load = lambda board_id, framework=None: board
    model, *_ = sys.argv[1:]
    words = ("run", model, "--host", HOST, "--launcher", " ".join(LAUNCHER), "--runs", "1000000000")
    sys.argv = ["edgekit", *words]
    cli.main()


if __name__ == "__main__":
    main()
