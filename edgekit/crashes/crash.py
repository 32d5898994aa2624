"""What a board said when it crashed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


class CrashKind(Enum):
    """What kind of end it was; the value is how it is said."""

    FAULT = "fault"
    ABORT = "abort()"
    ASSERT = "failed assertion"
    TASK_WATCHDOG = "task watchdog"
    INTERRUPT_WATCHDOG = "interrupt watchdog"
    WATCHDOG_RESET = "reset by a watchdog"
    BROWN_OUT = "brown-out"
    STACK_OVERFLOW = "stack overflow"
    MEMORY_CORRUPTION = "memory corruption"


class Architecture(Enum):
    """Of the core that crashed."""

    ARM = "Arm Cortex-M"
    RISCV = "RISC-V"
    XTENSA = "Xtensa"


class Access(Enum):
    """What the core did with the fault address."""

    READ = "read"
    WRITE = "written"
    FETCH = "executed"
    TOUCH = "accessed"  # not said which


@dataclass(frozen=True, slots=True, kw_only=True)
class Crash:
    """One crash as the board reported it, in numbers; nothing here needs an ELF.

    What the board did not say is None or empty.
    """

    kind: CrashKind
    cause: str  # in words
    architecture: Architecture | None = None
    cause_number: int | None = None  # EXCCAUSE, mcause, or the number of a Cortex-M exception
    access: Access = Access.TOUCH
    unaligned: bool = False
    pc: int | None = None  # where it happened
    #: The calls that led there, innermost first: each an address inside of the calling instruction.
    backtrace: tuple[int, ...] = ()
    is_backtrace_whole: bool = True  # False: the board found its stack corrupted
    return_address: int | None = None  # of the link register, as it was: perhaps stale
    stack_pointer: int | None = None
    stack_bounds: tuple[int, int] | None = None  # of the task's stack
    fault_address: int | None = None  # whose use was the fault
    core: int | None = None
    task: str | None = None
    elf_sha256: str | None = None  # the first digits of what the board says is its ELF's digest
    build_id: str | None = None  # of edgekit's own firmware
    registers: Mapping[str, int] = field(default_factory=dict)
    stack: Mapping[int, int] = field(default_factory=dict)  # address -> word
    lines: tuple[str, ...] = ()  # as they were
