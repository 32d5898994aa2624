"""Firmware around a model written by hand, so that nothing of the compiler is needed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edgekit import boards, resources, toolchain
from edgekit.boards import Board
from edgekit.project import Project, ProjectOptions, write_project

_TESTS = Path(__file__).parents[1]

DRILL = (_TESTS / "emulators" / "drill.c").read_text()

#: Builder -> where its projects have main.c.
MAINS = {"cmake": "app/main.c", "platformio": "src/main.c"}

#: Every board that this computer can play, those that need QEMU and a cross compiler marked so.
EVERY_BOARD = [
    pytest.param(board.id, marks=pytest.mark.emulated if board.emulated else ())
    for board in boards.all_boards()
    if board.emulator is not None
]


def tiny_files() -> dict[str, str]:
    """The model library `tiny`, with the headers that it includes."""
    headers = (resources.tree("firmware") / "include" / "edgekit").glob("*.h")
    files = {f"edgekit/{path.name}": path.read_text() for path in headers}
    return files | {path.name: path.read_text() for path in _TESTS.glob("toolchain/tiny/*.[ch]")}


def ready(board_id: str) -> Board:
    """The board, or a skip that says what is missing."""
    board = boards.load(board_id)
    missing = toolchain.missing_for(board)
    if missing:
        pytest.skip(f"{board_id} needs {', '.join(missing)}")
    return board


def tiny_project(
    board: Board,
    directory: Path,
    *,
    main: str | None = None,
    options: ProjectOptions | None = None,
    files: dict[str, str] | None = None,
) -> Project:
    """A project of the tiny model, with a main of one's own in place of the server's."""
    project = write_project(
        tiny_files() if files is None else files,
        model_name="tiny",
        board=board,
        options=options or ProjectOptions(),
        directory=directory,
    )
    if main is not None:
        (directory / MAINS[project.builder]).write_text(main)
    return project


def is_running(pid: int) -> bool:
    """False for a process that is gone, or that only waits to be reaped."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"
