"""What a crash most likely comes from, in one sentence, and what to try."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from edgekit.crashes.crash import Access, Architecture, Crash, CrashKind
from edgekit.crashes.image import Image, Symbol

ARENA = "ek_inference_arena"  # templates/project/main.c.j2

_NULL_BYTES = 4096  # a null pointer to a large thing reaches so far
_BEHIND_BYTES = 65536  # how far behind the arena an overrun is still told as one
_STACK_LIMIT, _STACK_TOP, _STACK_GUARD = "ek_stack_limit", "ek_stack_top", "ek_stack_guard"
_ESP_MAIN_STACK_BYTES = 3584  # ESP-IDF's default of CONFIG_ESP_MAIN_TASK_STACK_SIZE


@dataclass(frozen=True, slots=True)
class Advice:
    """The likely cause in one sentence, and what to try."""

    likely: str
    hint: str


def on(crash: Crash, image: Image | None, functions: Sequence[str], *, is_guess: bool) -> Advice:
    """Judge a crash by what is known of it.

    Args:
        image: None if it is not known, or not the right one.
        functions: that led there, innermost first.
        is_guess: they are only what the stack looks like.
    """
    if crash.kind is CrashKind.STACK_OVERFLOW or _is_beyond_stack(crash, image):
        return _stack_overflow(crash, image, functions, is_guess)
    simple = _BY_KIND.get(crash.kind)
    if simple is not None:
        return simple(crash)
    return _fault(crash, image)


def _is_beyond_stack(crash: Crash, image: Image | None) -> bool:
    """The board's stack pointer, or what it touched, is below the stack."""
    if image is None or _STACK_LIMIT not in image.labels:
        return False
    limit = image.labels[_STACK_LIMIT]
    guard = image.labels.get(_STACK_GUARD, limit)
    address, pointer = crash.fault_address, crash.stack_pointer
    in_guard = address is not None and guard <= address < limit
    return in_guard or (pointer is not None and pointer < limit)


def _stack_overflow(
    crash: Crash, image: Image | None, functions: Sequence[str], is_guess: bool
) -> Advice:
    task = f"task {crash.task!r}" if crash.task else "the firmware"
    about = "about " if is_guess else ""
    deepest = f", {about}when it was in {functions[0]}" if functions else ""
    size = _stack_bytes(crash, image)
    has = "" if size is None else f" of {size:,} bytes"
    if functions and functions.count(functions[0]) > 1:
        return Advice(
            f"the stack{has} of {task} ran out{deepest}, which calls itself",
            "end the recursion, or make it a loop",
        )
    likely = f"the stack{has} of {task} ran out{deepest}"
    if image is not None and _STACK_LIMIT in image.labels:
        return Advice(likely, f"raise stack_bytes in the board's file{_to(size)}; {_MEASURE}")
    if crash.task == "main":
        raised = _to(size or _ESP_MAIN_STACK_BYTES)
        hint = f"raise CONFIG_ESP_MAIN_TASK_STACK_SIZE in sdkconfig.defaults{raised}; {_MEASURE}"
    elif crash.task == "loopTask":
        hint = f"put SET_LOOP_TASK_STACK_SIZE({_larger(size or 8192)}) into the sketch; {_MEASURE}"
    else:
        hint = f"give the task a larger stack where it is created{_to(size)}; {_MEASURE}"
    return Advice(likely, hint)


_MEASURE = "`edgekit run` measures what the model needs"


def _larger(size: int) -> int:
    """Twice as much, in whole KiB."""
    return (2 * size + 1023) // 1024 * 1024


def _to(size: int | None) -> str:
    return "" if size is None else f", to {_larger(size):,} bytes say"


def _stack_bytes(crash: Crash, image: Image | None) -> int | None:
    if crash.stack_bounds is not None:
        return crash.stack_bounds[1] - crash.stack_bounds[0]
    if image is not None and {_STACK_LIMIT, _STACK_TOP} <= image.labels.keys():
        return image.labels[_STACK_TOP] - image.labels[_STACK_LIMIT]
    return None


def _fault(crash: Crash, image: Image | None) -> Advice:
    """A fault of the core."""
    address = crash.fault_address
    if crash.unaligned:
        at = "" if address is None else f" 0x{address:08x}"
        return Advice(
            f"an address{at} was used that is no multiple of the size of what is there",
            "declare the arena EK_ALIGNED(EK_ARENA_ALIGNMENT), and cast no byte pointer to wider",
        )
    if _is_wild_jump(crash, image):
        return Advice(
            f"a call through a pointer that points to no code (pc 0x{crash.pc or 0:08x})",
            "look at the caller: a function pointer is null or was overwritten, or its stack was",
        )
    arena = None if image is None else image.objects.get(ARENA)
    if address is not None and arena is not None and (late := _behind(arena, address)) is not None:
        return Advice(
            f"the arena was overrun: 0x{address:08x} is {late:,} bytes behind its end",
            "give the model's init the size that its header names (…_ARENA_BYTES), not less",
        )
    if address is not None and address < _NULL_BYTES and _is_data(crash):
        what = "a null pointer" if address == 0 else f"a null pointer + {address}"
        return Advice(
            f"{what} was {crash.access.value}",
            "check that the model's init returned EK_OK, and what `input` and `output` returned",
        )
    return _other_fault(crash)


def _other_fault(crash: Crash) -> Advice:
    words = crash.cause.lower()
    if "illegal" in words or "undefined" in words or "thumb bit" in words:
        return Advice(
            f"{crash.cause}: the code was built for another core, or it was overwritten",
            "compare the compiler's -mcpu or -march with the chip; else look for a wild pointer",
        )
    if "zero" in words:
        return Advice(f"{crash.cause}", "check the divisor before the division")
    if "disabled" in words and "cache" not in words:
        return Advice(
            f"{crash.cause}: a coprocessor or the floating-point unit is used while off",
            "switch it on at start-up, or build with -mfloat-abi=soft",
        )
    if "cache" in words:
        return Advice(
            f"{crash.cause}: code or constants in flash memory were used while it was busy",
            "place what runs in interrupts into IRAM, or do not write flash memory meanwhile",
        )
    if crash.fault_address is not None and _is_data(crash):
        return Advice(
            f"0x{crash.fault_address:08x} was {crash.access.value}, "
            "where there is no memory for that: a wild pointer",
            "look at what the line computes its address from: an index, or an overwritten pointer",
        )
    if _is_untold(crash):
        return Advice(
            "an Armv6-M core tells no more: no memory at an address, an unaligned address, or "
            "an instruction that it does not have",
            "look at the line: what does it access, and is the code built for this core (-mcpu)?",
        )
    return Advice(f"{crash.cause}", "look at the line, and at who called it")


def _is_untold(crash: Crash) -> bool:
    """True if the core has no register that says why, as Armv6-M, whose read as zero."""
    return crash.architecture is Architecture.ARM and crash.registers.get("CFSR") == 0


def _is_data(crash: Crash) -> bool:
    return crash.access is not Access.FETCH


def _is_wild_jump(crash: Crash, image: Image | None) -> bool:
    if crash.pc is None or not (crash.access is Access.FETCH or _is_untold(crash)):
        return False
    nowhere = crash.pc < _NULL_BYTES if image is None else not image.is_code(crash.pc)
    return nowhere and crash.architecture is not None


def _behind(arena: Symbol, address: int) -> int | None:
    """Bytes from the arena's end to an address that is not far behind it."""
    late = address - arena.address - arena.size_bytes
    return late if 0 <= late < _BEHIND_BYTES else None


def _task_watchdog(crash: Crash) -> Advice:
    who = f"task {crash.task!r}" if crash.task else "a task"
    return Advice(
        f"{who} ran longer without a pause than the watchdog allows: "
        "the invoke takes longer than its limit (5 s by default)",
        "pause between operators (vTaskDelay(1)), or raise CONFIG_ESP_TASK_WDT_TIMEOUT_S",
    )


def _interrupt_watchdog(_: Crash) -> Advice:
    return Advice(
        "interrupts were off, or one ran, for longer than the watchdog allows (300 ms by default)",
        "do not invoke the model in an interrupt or a critical section; "
        "CONFIG_ESP_INT_WDT_TIMEOUT_MS is the limit",
    )


def _watchdog_reset(crash: Crash) -> Advice:
    return Advice(
        f"a watchdog reset the chip: nothing fed it in time ({crash.cause})",
        "a long invoke must feed the watchdog; at power-on it can also mean that the flash memory "
        "cannot be read: check flash mode and wiring",
    )


def _brown_out(_: Crash) -> Advice:
    return Advice(
        "the supply voltage fell too low",
        "use another USB port or cable, or a supply of 500 mA or more; put a capacitor beside the "
        "board",
    )


def _abort(_: Crash) -> Advice:
    return Advice("the program called abort()", "read the lines before: a check failed")


def _assert(crash: Crash) -> Advice:
    return Advice(f"a check in the program failed: {crash.cause}", "look at that line")


def _corruption(crash: Crash) -> Advice:
    return Advice(
        f"{crash.cause}",
        "something wrote past the end of a buffer: check the arena's size, and arrays in the "
        "functions that ran before",
    )


_BY_KIND = {
    CrashKind.TASK_WATCHDOG: _task_watchdog,
    CrashKind.INTERRUPT_WATCHDOG: _interrupt_watchdog,
    CrashKind.WATCHDOG_RESET: _watchdog_reset,
    CrashKind.BROWN_OUT: _brown_out,
    CrashKind.ABORT: _abort,
    CrashKind.ASSERT: _assert,
    CrashKind.MEMORY_CORRUPTION: _corruption,
}


def readable(name: str) -> str:
    """A C++ name as people write it, without its parameters; other names as they are.

    Only what a nested name needs of the Itanium C++ ABI, 5.1: enough for TFLite Micro's kernels.
    """
    found = re.match(r"_Z(N[KVr]*)?", name)
    if found is None:
        return name
    rest, parts = name[found.end() :], []
    while (size := re.match(r"L?(\d+)", rest)) is not None:
        end = size.end() + int(size[1])
        part, rest = rest[size.end() : end], rest[end:]
        parts.append("(anonymous namespace)" if part == "_GLOBAL__N_1" else part)
        if not found[1]:
            break
    return "::".join(parts) or name
