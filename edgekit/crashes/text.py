"""A diagnosis as lines for people."""

from __future__ import annotations

from collections.abc import Iterator

from edgekit.crashes.crash import Crash
from edgekit.crashes.diagnosis import Diagnosis

_MAX_FRAMES = 16


def title(crash: Crash) -> str:
    """What happened, without an ELF: "stack overflow", "fault: load prohibited, core 0"."""
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
        about = "about " if diagnosis.is_guess else ""
        said += f", {about}in {place.function or hex(place.address)}{at}"
    elif diagnosis.crash.pc is not None:
        said += f", at pc 0x{diagnosis.crash.pc:08x}"
    return said if operator is None else f"{said} ({operator})"


def lines(diagnosis: Diagnosis) -> Iterator[str]:
    """All of a diagnosis, line by line."""
    crash = diagnosis.crash
    yield title(crash)
    if diagnosis.refusal is not None:
        yield f"wrong ELF: {diagnosis.refusal}; no line of it is shown"
    frames = diagnosis.frames
    for i, frame in enumerate(frames[:_MAX_FRAMES]):
        word = ("at  " if i == 0 else "from") if not diagnosis.is_guess else "near"
        yield f"{word} {frame}"
    if len(frames) > _MAX_FRAMES:
        yield f"and {len(frames) - _MAX_FRAMES} more calls"
    if not frames and crash.pc is not None:
        yield f"at   0x{crash.pc:08x}"
    if diagnosis.operator is not None:
        yield f"operator: {diagnosis.operator}"
    if not crash.is_backtrace_whole:
        yield "the board found its stack corrupted: the last calls may be wrong"
    yield f"likely: {diagnosis.likely}"
    yield f"hint: {diagnosis.hint}"
