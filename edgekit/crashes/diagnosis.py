"""A crash and an ELF -> where it happened, in which operator, and why."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgekit.crashes import advice
from edgekit.crashes.crash import Crash, CrashKind
from edgekit.crashes.debugging import Inlined
from edgekit.crashes.image import Image, open_image
from edgekit.crashes.operators import OperatorPlace, operator_of
from edgekit.crashes.unwinding import scan, unwind

if TYPE_CHECKING:
    from edgekit.ir import Graph

#: What a board calls once it has gone wrong: never the place where it did.
_AFTERWARDS = re.compile(
    r"panic_abort|esp_system_abort|abort|__assert(_func)?|vApplicationStackOverflowHook"
    r"|vTaskSwitchContext|_frxt_dispatch|__stack_chk_fail|task_wdt_\w+|esp_backtrace_\w+"
    r"|_xt_(low|med|high)int\d|xt_unhandled_exception|rtos_int_exit|esp_task_wdt_\w+"
    r"|heap_caps_\w+|multi_heap_\w+|panicHandler|xt_exception\w*"
)
#: Espressif's chips have a ROM there, which no ELF of a firmware knows.
_ROM = range(0x4000_0000, 0x4007_0000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A function that was running."""

    address: int  # where it stood; for all but the first, inside of the call that it had made
    function: str | None
    offset: int | None  # of the address from the start of the function that is not inlined
    file: str | None
    line: int | None
    inlined: bool = False  # into the frame after it

    def __str__(self) -> str:
        """As in "0x400d1234 step_3_conv_2d+0x24 (model/ek_kws.c:1203)"."""
        offset = "" if self.offset is None or self.inlined else f"+0x{self.offset:x}"
        place = "" if self.file is None else f" ({self.file}:{self.line})"
        inlined = ", inlined" if self.inlined else ""
        return f"0x{self.address:08x} {self.function or '?'}{offset}{place}{inlined}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """A crash, as far as it can be told."""

    crash: Crash
    elf: Path | None
    refusal: str | None  # why the ELF cannot be of this crash; then there are no frames
    frames: tuple[Frame, ...]  # innermost first
    is_guess: bool  # the frames are words of the stack that look like calls
    operator: OperatorPlace | None
    likely: str  # the cause, in one sentence
    hint: str  # what to try

    @property
    def place(self) -> Frame | None:
        """The function in which it happened."""
        return self.frames[0] if self.frames else None


def symbolize(crash: Crash, elf: Path | None, graph: Graph | None = None) -> Diagnosis:
    """Find the functions, the lines and the operator of a crash.

    Args:
        crash: what `parse` found.
        elf: of the firmware that crashed; None: the cause is told without a place.
        graph: the model's, for names of operators that the ELF does not have.

    Raises:
        UserError: the file is no ELF.

    An ELF of another build is not an error: `refusal` says why it cannot be the right one, and no
    line of it is shown.
    """
    image = None if elf is None else open_image(elf)
    refusal = None if image is None else _refusal(crash, image)
    usable = image if refusal is None else None
    frames: tuple[Frame, ...] = ()
    is_guess = False
    if usable is not None:
        calls, is_guess = _calls(crash, usable)
        frames = _told([frame for call in calls for frame in _frames(call, usable)], crash)
    names = [frame.function for frame in frames if frame.function is not None]
    operator = None if usable is None else operator_of(names, usable, graph)
    if usable is not None and operator is None and crash.kind is CrashKind.STACK_OVERFLOW:
        # the calls in between were too many to be told
        others = [frame.function for call in scan(crash, usable) for frame in _frames(call, usable)]
        operator = operator_of([name for name in others if name is not None], usable, graph)
    found = advice.on(crash, usable, names, is_guess=is_guess)
    return Diagnosis(
        crash=crash,
        elf=elf,
        refusal=refusal,
        frames=frames,
        is_guess=is_guess,
        operator=operator,
        likely=found.likely,
        hint=found.hint,
    )


def _refusal(crash: Crash, image: Image) -> str | None:
    """Why the ELF cannot be of the firmware that crashed; None if it can."""
    if crash.elf_sha256 and not image.sha256.startswith(crash.elf_sha256):
        return (
            f"the board runs the ELF with SHA-256 {crash.elf_sha256}…, "
            f"{image.path.name} has {image.sha256[:16]}…"
        )
    if crash.build_id and not image.contains(f"+{crash.build_id}".encode()):
        return f"the board runs build {crash.build_id}, {image.path.name} is another"
    told = crash.architecture
    if told is not None and image.architecture is not None and told is not image.architecture:
        return f"the crash is of a core {told.value}, {image.path.name} is for {image.machine[3:]}"
    addresses = [crash.pc] if crash.pc is not None else []
    addresses += crash.backtrace
    if crash.return_address is not None:
        addresses.append(image.call_before(crash.return_address, near=crash.pc))
    inside = [a for a in addresses if image.is_code(a)]
    elsewhere = [a for a in addresses if a not in inside and a not in _ROM]
    stack = scan(crash, image) if not inside and crash.stack else ()
    if elsewhere and not inside and not stack:
        return f"0x{elsewhere[0]:08x} lies outside of the code of {image.path.name}"
    calls = [call for call in crash.backtrace if image.is_code(call)]
    misses = sum(not image.follows_call(call) for call in calls)
    if len(calls) > 1 and misses > len(calls) // 2:
        return f"{misses} of {len(calls)} calls of the backtrace are no calls in {image.path.name}"
    return None


def _calls(crash: Crash, image: Image) -> tuple[tuple[int, ...], bool]:
    """Addresses innermost first, the place itself included; and whether they are only a guess."""
    start = () if crash.pc is None or not image.is_code(crash.pc) else (crash.pc,)
    if crash.backtrace:
        return (*start, *crash.backtrace), False
    if crash.stack:
        unwound = unwind(crash, image)
        if unwound:
            return (*start, *unwound), False
    scanned = scan(crash, image) if crash.kind is CrashKind.STACK_OVERFLOW else ()
    if scanned and not start:
        return scanned, True
    if crash.return_address is not None:
        caller = image.call_before(crash.return_address, near=crash.pc)
        if image.follows_call(caller):
            return (*start, caller), False
    return start, False


def _frames(address: int, image: Image) -> Iterator[Frame]:
    """The function at an address, before it those that were inlined there."""
    symbol = image.function_at(address)
    known = image.debugging.at(address)
    if not known and (symbol is not None or image.is_code(address)):
        known = (Inlined(None, None),)
    for i, function in enumerate(known):
        is_last = i == len(known) - 1
        # the symbol's name tells copies apart, such as step_0_conv_2d.constprop.0
        name = symbol.name if is_last and symbol is not None else function.name
        place = function.at
        yield Frame(
            address=address,
            function=None if name is None else advice.readable(name),
            offset=None if symbol is None else address - symbol.address,
            file=None if place is None else place.file.removeprefix("./"),
            line=None if place is None else place.line,
            inlined=not is_last,
        )


def _told(frames: Sequence[Frame], crash: Crash) -> tuple[Frame, ...]:
    """Without what the board did after it had gone wrong."""
    if crash.kind is CrashKind.FAULT:
        return tuple(frames)
    for i, frame in enumerate(frames):
        if frame.function is None or not _AFTERWARDS.fullmatch(frame.function):
            return tuple(frames[i:])
    return tuple(frames)
