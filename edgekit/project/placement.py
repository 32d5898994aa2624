"""Where the model library's constants and code lie: in flash memory, or copied from it to RAM.

A linker script that gives the choice puts the objects of targets that are named so into RAM.
"""

from __future__ import annotations

from typing import Literal

from edgekit import resources
from edgekit.boards import Board
from edgekit.errors import UserError
from edgekit.project.options import Builder, Place, ProjectOptions

Part = Literal["weights", "kernels"]


def place(board: Board, options: ProjectOptions, part: Part) -> Place | None:
    """Where that part lies; None if the board has no choice."""
    chosen: Place = options.weights_in if part == "weights" else options.kernels_in
    return chosen if _has_choice(board, part) else None


def target_suffix(options: ProjectOptions) -> str:
    """What the names of the model library's targets end in, for the linker script to see."""
    return _mark("kernels") * (options.kernels_in == "ram") + _mark("weights") * (
        options.weights_in == "ram"
    )


def check(board: Board, options: ProjectOptions, builder: Builder) -> None:
    """Refuse a place that the board or its builder cannot give.

    Raises:
        UserError: it cannot; the message says which part.
    """
    parts: tuple[tuple[Part, Place], ...] = (
        ("weights", options.weights_in),
        ("kernels", options.kernels_in),
    )
    for part, chosen in parts:
        if chosen == "flash":
            continue
        if not _has_choice(board, part):
            framework = f" with framework {board.framework}" if board.framework else ""
            raise UserError(
                f"{board.id}{framework} has no choice of where {part} lie",
                hint=f"leave --{part}-in out",
            )
        if builder == "platformio":
            raise UserError(
                f"{part} can be in RAM only where CMake builds", hint="leave the builder out"
            )


def _has_choice(board: Board, part: Part) -> bool:
    if not board.linker:
        return False
    script = resources.tree("firmware") / "startup" / f"{board.linker}.ld"
    return f"*{_mark(part)}*" in script.read_text(encoding="utf-8")


def _mark(part: Part) -> str:
    return f"_{part}_in_ram"
