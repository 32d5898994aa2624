"""A crash while it is being read: what its lines said so far."""

from __future__ import annotations

from dataclasses import dataclass, field

from edgekit.crashes import causes
from edgekit.crashes.causes import Cause
from edgekit.crashes.crash import Architecture, Crash, CrashKind

_MAX_LINES = 400
_RISCV_ILLEGAL = 2
#: Causes that leave EXCVADDR as it was: no address had a part in them.
_WITHOUT_ADDRESS = frozenset({0, 1, 4, 5, 6, 8, *range(32, 40)})
#: What is announced first and then ends in abort() or in a fault, which then tells where.
_ANNOUNCED = frozenset(
    {
        CrashKind.ASSERT,
        CrashKind.STACK_OVERFLOW,
        CrashKind.TASK_WATCHDOG,
        CrashKind.MEMORY_CORRUPTION,
    }
)


@dataclass(slots=True)
class Draft:
    """All that lines can say; `crash` makes sense of it."""

    kind: CrashKind
    cause: str = ""
    architecture: Architecture | None = None
    cause_number: int | None = None
    pc: int | None = None
    addresses: list[int] = field(default_factory=list)  # of the first backtrace
    is_backtrace_whole: bool = True
    core: int | None = None
    task: str | None = None
    elf_sha256: str | None = None
    build_id: str | None = None
    fault_address: int | None = None
    stack_bounds: tuple[int, int] | None = None
    registers: dict[str, int] = field(default_factory=dict)
    stack: dict[int, int] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)  # a framework's own words for the cause
    needs_pc: bool = False  # a mere mention of a fault is none
    lines: list[str] = field(default_factory=list)
    foreign: int = 0  # lines since the last one that belonged to it

    def take(self, line: str) -> None:
        """Keep a line that belongs to the crash."""
        self.foreign = 0
        if len(self.lines) < _MAX_LINES:
            self.lines.append(line)

    def absorbs(self, later: Draft) -> bool:
        """True if `later` is how this one ended; then all that it says is taken over."""
        tells_where = self.pc is not None or bool(self.addresses)
        if self.kind not in _ANNOUNCED or tells_where:
            return False
        if later.kind not in (CrashKind.ABORT, CrashKind.FAULT):
            return False
        self.pc, self.architecture = later.pc, later.architecture or self.architecture
        self.core = later.core if self.core is None else self.core
        self.cause_number = later.cause_number
        for line in later.lines:
            self.take(line)
        return True

    @property
    def crash(self) -> Crash | None:
        """What it came to; None if it was only a mention."""
        architecture = self._architecture()
        pc = self.pc
        for name in ("PC", "MEPC"):
            pc = self.registers.get(name) if pc is None else pc
        if self.needs_pc and pc is None:
            return None
        if architecture is Architecture.ARM and pc is not None:
            pc &= ~1  # the Thumb bit
        cause = self._cause(architecture)
        return Crash(
            kind=self.kind,
            cause=cause.words,
            architecture=architecture,
            cause_number=self._number(architecture),
            access=cause.access,
            unaligned=cause.unaligned,
            pc=pc,
            backtrace=self._backtrace(pc),
            is_backtrace_whole=self.is_backtrace_whole,
            return_address=self._register("LR", "RA", "A0" if self._is_xtensa else "RA"),
            stack_pointer=self._register("SP", "A1" if self._is_xtensa else "SP"),
            stack_bounds=self.stack_bounds,
            fault_address=self._fault_address(architecture),
            core=self.core,
            task=self.task,
            elf_sha256=self.elf_sha256,
            build_id=self.build_id,
            registers=dict(self.registers),
            stack=dict(self.stack),
            lines=tuple(self.lines),
        )

    def _register(self, *names: str) -> int | None:
        return next((self.registers[name] for name in names if name in self.registers), None)

    @property
    def _is_xtensa(self) -> bool:
        return self._architecture() is Architecture.XTENSA

    def _architecture(self) -> Architecture | None:
        if self.architecture is not None:
            return self.architecture
        if "MEPC" in self.registers or "MCAUSE" in self.registers:
            return Architecture.RISCV
        if "EXCCAUSE" in self.registers or {"PC", "PS", "A15"} & self.registers.keys():
            return Architecture.XTENSA
        return None

    def _number(self, architecture: Architecture | None) -> int | None:
        if self.cause_number is not None:
            return self.cause_number
        name = "MCAUSE" if architecture is Architecture.RISCV else "EXCCAUSE"
        return self.registers.get(name)

    def _cause(self, architecture: Architecture | None) -> Cause:
        """The table's words and what follows from them, or what the board called it."""
        number = self._number(architecture)
        said = Cause(self.cause or "; ".join(self.words) or self.kind.value)
        if self.kind is not CrashKind.FAULT:
            return said
        if architecture is Architecture.ARM:
            known = causes.cortex(number, self._fault_status())
            if self.words:  # a framework that decoded the bits itself
                words = "; ".join((self.cause, *self.words) if self.cause else self.words)
                unaligned = known.unaligned or "naligned" in words
                return Cause(words, known.access, unaligned)
            return known
        if architecture is Architecture.RISCV and number in causes.MCAUSE:
            return causes.MCAUSE[number]
        if architecture is Architecture.XTENSA and number in causes.EXCCAUSE:
            return causes.EXCCAUSE[number]
        return said if self.cause or number is None else causes.numbered({}, number)

    def _fault_status(self) -> int:
        parts = (("CFSR", 0), ("MMFSR", 0), ("BFSR", 8), ("UFSR", 16))
        status = 0
        for name, shift in parts:
            status |= self.registers.get(name, 0) << shift
        return status

    def _fault_address(self, architecture: Architecture | None) -> int | None:
        if self.fault_address is not None:
            return self.fault_address
        number = self._number(architecture)
        if self.kind not in (CrashKind.FAULT, CrashKind.STACK_OVERFLOW):
            return None
        if architecture is Architecture.RISCV:
            known = number in causes.MCAUSE and number != _RISCV_ILLEGAL
            return self.registers.get("MTVAL") if known else None
        if architecture is Architecture.XTENSA:
            known = number in causes.EXCCAUSE and number not in _WITHOUT_ADDRESS
            return self.registers.get("EXCVADDR") if known else None
        return self._register("MMFAR", "BFAR") if self._fault_status() & 0x8080 else None

    def _backtrace(self, pc: int | None) -> tuple[int, ...]:
        """The calls, without the place itself.

        ESP-IDF prints addresses inside of the calling instructions: 3 less than the return address
        on Xtensa, 2 less on RISC-V; it does so with the first entry too, which is the pc itself.
        """
        if pc is None:
            return tuple(self.addresses)
        for i, address in enumerate(self.addresses):
            if 0 <= pc - address <= 3:
                return tuple(self.addresses[i + 1 :])
        return tuple(self.addresses)
