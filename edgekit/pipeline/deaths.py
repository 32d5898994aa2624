"""What an emulated board said when it died -> where in the firmware, and why."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from edgekit.emulators import EmulatedBoard
from edgekit.errors import EdgekitError, EmulatorError
from edgekit.ir import Graph

_MOST_CALLS = 6  # those of the model; who invoked it is known


@contextlib.contextmanager
def told(board: EmulatedBoard, elf: Path, graph: Graph) -> Iterator[None]:
    """Turn the death of `board` inside of the `with` into function, line, operator and cause.

    Raises:
        EmulatorError: the same that ended the block; in other words, if the board told of a crash.
    """
    try:
        yield
    except EmulatorError as error:
        if board.poll() is None:
            raise
        better = _explained(board, elf, graph)
        if better is None:
            raise
        raise better from error


def _explained(board: EmulatedBoard, elf: Path, graph: Graph) -> EmulatorError | None:
    """The last crash in the board's words, looked up; None if there is none."""
    from edgekit import crashes  # reading ELF is for boards that die

    found = crashes.parse(board.last_output())
    if not found:
        return None
    try:
        diagnosis = crashes.symbolize(found[-1], elf, graph)
    except EdgekitError:  # no ELF: then the board's own words are the best there is
        return None
    what = f"{board.board.id} crashed: {crashes.summary(diagnosis)}; {diagnosis.likely}"
    calls = "".join(f"\n  {call}" for call in crashes.calls(diagnosis, most=_MOST_CALLS))
    return EmulatorError(f"{what}:{calls}" if calls else what, hint=diagnosis.hint)
