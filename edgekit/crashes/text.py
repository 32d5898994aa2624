"""A diagnosis as lines for people."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from edgekit.crashes.crash import Crash
from edgekit.crashes.diagnosis import Diagnosis, Frame

_MAX_FRAMES = 16


def title(crash: Crash) -> str:
    """What happened, without an ELF: "fault: load prohibited, core 0, task main"."""
    words = [crash.kind.value]
    if crash.cause and crash.cause != crash.kind.value:
        words.append(f": {crash.cause}")
    if crash.core is not None:
        words.append(f", core {crash.core}")
    if crash.task:
        words.append(f", task {crash.task}")
    return "".join(words)


def summary(diagnosis: Diagnosis) -> str:
    """What happened and where, in one line."""
    place, operator = diagnosis.place, diagnosis.operator
    said = title(diagnosis.crash)
    if place is not None:
        at = "" if place.file is None else f" at {place.file}:{place.line}"
        near = "near " if diagnosis.is_guess else "in "
        said += f", {near}{place.function or hex(place.address)}{at}"
    elif diagnosis.crash.pc is not None:
        said += f", at pc 0x{diagnosis.crash.pc:08x}"
    return said if operator is None else f"{said} ({operator})"


def calls(diagnosis: Diagnosis, *, most: int = _MAX_FRAMES) -> Iterator[str]:
    """The functions that led there, one a line, innermost first.

    The same call over and over is shown once.
    """
    told = 0
    for i, (frame, count) in enumerate(_counted(diagnosis.frames)):
        if i == most:
            yield f"and {len(diagnosis.frames) - told} more calls"
            break
        word = "near" if diagnosis.is_guess else "from" if i else "at  "
        yield f"{word} {frame}" if count == 1 else f"{word} {frame}, {count} times"
        told += count
    if not diagnosis.frames and diagnosis.crash.pc is not None:
        yield f"at   0x{diagnosis.crash.pc:08x}"


def _counted(frames: Sequence[Frame]) -> Iterator[tuple[Frame, int]]:
    for frame, same in itertools.groupby(frames):
        yield frame, len(list(same))


def lines(diagnosis: Diagnosis) -> Iterator[str]:
    """All of a diagnosis, line by line."""
    crash = diagnosis.crash
    yield title(crash)
    if diagnosis.refusal is not None:
        yield f"wrong ELF: {diagnosis.refusal}; no line of it is shown"
    yield from calls(diagnosis)
    if diagnosis.operator is not None:
        yield f"operator: {diagnosis.operator}"
    if not crash.is_backtrace_whole:
        yield "the board found its stack corrupted: the last calls may be wrong"
    yield f"likely: {diagnosis.likely}"
    yield f"hint: {diagnosis.hint}"
