"""Stack memory -> the calls that led there."""

from __future__ import annotations

from edgekit.crashes.crash import Architecture, Crash
from edgekit.crashes.image import Image

_MAX_DEPTH = 32

_STACK_POINTER = {Architecture.ARM: 13, Architecture.RISCV: 2, Architecture.XTENSA: 1}
_RETURN_ADDRESS = {Architecture.ARM: 14, Architecture.RISCV: 1, Architecture.XTENSA: 0}
#: DWARF numbers of the registers that a report may have (DWARF for the Arm Architecture, RISC-V
#: ABIs Specification).
_REGISTERS = {
    Architecture.ARM: {f"R{n}": n for n in range(13)},
    Architecture.RISCV: {
        "GP": 3,
        "TP": 4,
        **{f"T{n}": n + (5 if n < 3 else 25) for n in range(7)},
        **{f"S{n}": n + (8 if n < 2 else 16) for n in range(12)},
        **{f"A{n}": n + 10 for n in range(8)},
    },
    Architecture.XTENSA: {f"A{n}": n for n in range(16)},
}


def unwind(crash: Crash, image: Image) -> tuple[int, ...]:
    """The calls to the place of the crash, innermost first, by the compiler's call frames.

    Each is an address inside of the calling instruction. It ends where the stack was not told.
    """
    architecture = image.architecture
    if architecture is None or crash.pc is None:
        return ()
    registers = _registers(crash, architecture)
    calls: list[int] = []
    pc = crash.pc
    if not image.is_code(pc) and crash.return_address is not None:  # a jump to nowhere
        pc = image.call_before(crash.return_address)
        if not image.follows_call(pc):
            return ()
        calls.append(pc)
    while len(calls) < _MAX_DEPTH:
        caller = _caller(pc, registers, crash, image, architecture)
        if caller is None:
            break
        calls.append(caller)
        pc = caller
    return tuple(calls)


def _registers(crash: Crash, architecture: Architecture) -> dict[int, int]:
    known = {
        number: crash.registers[name]
        for name, number in _REGISTERS[architecture].items()
        if name in crash.registers
    }
    if crash.stack_pointer is not None:
        known[_STACK_POINTER[architecture]] = crash.stack_pointer
    if crash.return_address is not None:
        known[_RETURN_ADDRESS[architecture]] = crash.return_address
    return known


def _caller(
    pc: int, registers: dict[int, int], crash: Crash, image: Image, architecture: Architecture
) -> int | None:
    """An address inside of the call to the function at `pc`; `registers` become its caller's."""
    rules = image.call_frames.rules_at(pc)
    if rules is None or rules.cfa_register not in registers:
        return None
    cfa = registers[rules.cfa_register] + rules.cfa_offset & 0xFFFF_FFFF
    back = rules.return_register
    for register, offset in rules.saved.items():
        word = crash.stack.get(cfa + offset & 0xFFFF_FFFF)
        if word is not None:
            registers[register] = word
        else:
            registers.pop(register, None)
    registers[_STACK_POINTER[architecture]] = cfa
    if back not in registers:
        return None
    caller = image.call_before(registers.pop(back), near=pc)
    return caller if image.follows_call(caller) else None


def scan(crash: Crash, image: Image) -> tuple[int, ...]:
    """Words of the stack that follow a call, the deepest first: perhaps of calls that are over."""
    calls = (image.call_before(word) for _, word in sorted(crash.stack.items()))
    return tuple(call for call in calls if image.follows_call(call))[:_MAX_DEPTH]
