"""What an emulated board said when it died -> where in the firmware, and why."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from edgekit import crashes
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
        diagnosis = _diagnosis(board.last_output(), elf, graph)
        if diagnosis is None:
            raise
        what = f"{board.board.id} crashed: {crashes.summary(diagnosis)}; {diagnosis.likely}"
        calls = "".join(f"\n  {call}" for call in crashes.calls(diagnosis, most=_MOST_CALLS))
        raise EmulatorError(
            f"{what}:{calls}" if calls else what,
            hint=diagnosis.hint,
        ) from error


def _diagnosis(words: str, elf: Path, graph: Graph) -> crashes.Diagnosis | None:
    """Of the last crash in a board's words."""
    found = crashes.parse(words)
    if not found:
        return None
    try:
        return crashes.symbolize(found[-1], elf, graph)
    except EdgekitError:  # no ELF: then the board's own words are the best there is
        return None
