"""Lines inside of a crash: registers, backtraces, stack memory, names of tasks."""

from __future__ import annotations

import re
from collections.abc import Callable

from edgekit.crashes.causes import CORTEX_EXCEPTIONS
from edgekit.crashes.crash import Architecture, CrashKind
from edgekit.crashes.draft import Draft

_HEX = r"0x([0-9a-fA-F]{1,8})\b"

#: Of the register dumps of ESP-IDF: "A2      : 0x3ffb1f90".
_REGISTER = re.compile(
    r"\b(PC|PS|SAR|EXCCAUSE|EXCVADDR|LBEG|LEND|LCOUNT|EPC\d|MEPC|RA|SP|GP|TP|S0/FP|MSTATUS|MTVEC"
    rf"|MCAUSE|MTVAL|MHARTID|[ATS]\d{{1,2}}) *: *{_HEX}"
)
_FRAME = re.compile(r"0x([0-9a-fA-F]{8}):0x[0-9a-fA-F]{8}\b")
_STACK_LINE = re.compile(r"^\s*([0-9a-fA-F]{8}):((?: +0x[0-9a-fA-F]{8}\b)+)")

#: Of our own reports: "at pc 0x0000039e, lr 0x000002b9".
_OWN = re.compile(rf"\b(pc|lr|ra|a0|a1|sp|value|address|fault status) {_HEX}")
_OWN_VERSION = re.compile(r", firmware [^\s+]+\+([0-9a-f]{16})\b")
_OWN_REGISTERS = {
    "lr": "LR",
    "ra": "RA",
    "a0": "A0",
    "a1": "A1",
    "sp": "SP",
    "value": "MTVAL",
    "fault status": "CFSR",
}

#: Of Mbed OS, in hexadecimal without a prefix: "PC   : 00001774".
_MBED = re.compile(
    r"^\s*(R *\d{1,2}|SP|LR|PC|xPSR|PSP|MSP|HFSR|CFSR|MMFSR|BFSR|UFSR|MMFAR|BFAR) *: *"
    r"(?:0x)?([0-9a-fA-F]{8})\b"
)
#: Of Zephyr and of many hard fault handlers: "(r15/pc): 0x000004a2", "PC is at 0x…", "lr = 0x…".
_PC = re.compile(rf"(?:\bPC is at|\(r15/pc\)|\bpc)\)?\s*[:=]?\s*{_HEX}", re.IGNORECASE)
_LR = re.compile(rf"(?:\bLR is at|\br14/lr|\blr)\)?\s*[:=]?\s*{_HEX}", re.IGNORECASE)
_FAULT_REGISTER = re.compile(rf"\b(CFSR|MMFSR|BFSR|UFSR|MMFAR|BFAR)\b[^0-9\n]{{0,12}}{_HEX}")
_ZEPHYR_WORDS = re.compile(
    r"(Data Access Violation|Instruction Access Violation|(?:Imp|P)recise data bus error"
    r"|Attempt to execute undefined instruction|Unaligned memory access|Division by zero"
    r"|Illegal use of the EPSR|Illegal load of EXC_RETURN into PC|Instruction bus error"
    r"|No coprocessor instructions|(?:Uns|S)tacking error)"
)
_ZEPHYR_ADDRESS = re.compile(rf"\b(?:MMFAR|BFAR) Address: {_HEX}")

_CANARY = re.compile(r"Stack canary watchpoint triggered \(([^)\n]*)")
_GUARD = re.compile(r'Detected in task "([^"\n]*)"?')
_GUARD_BOUNDS = re.compile(rf"Stack bounds: {_HEX} - {_HEX}")
_ZEPHYR_OVERFLOW = re.compile(r"ZEPHYR FATAL ERROR \d+: Stack overflow")
_ZEPHYR_THREAD = re.compile(r"Current thread: 0x[0-9a-fA-F]+ \(([^)\n]*)")
_STARVED = re.compile(r"task_wdt: +- ([^\n(]+?) *\(CPUs? (\d)")
_RUNNING = re.compile(r"\bCPU (\d): (\S[^\n]*)")
_ELF = re.compile(r"ELF file SHA256: *([0-9a-fA-F]{8,64})")
_MBED_FAULT = re.compile(r"FaultType: (\w+)")
_OTHER = re.compile(
    r"register dump:|^Stack memory:|Memory dump at 0x|Debug exception reason|Stack pointer: 0x"
    r"|Tasks currently running|Print CPU \d|task_wdt: Aborting|^\s*xPSR|xpsr:|ZEPHYR FATAL ERROR"
    r"|^Context:|was running in ISR context"
)


def read(draft: Draft, line: str) -> bool:
    """Take what a line says of the crash; False if it says nothing of it."""
    said = [detail(draft, line) for detail in _DETAILS]
    return any(said) or _OTHER.search(line) is not None


def read_own(draft: Draft, text: str) -> None:
    """The rest of a report of edgekit's own start-up code."""
    for name, digits in _OWN.findall(text):
        value = int(digits, 16)
        if name == "pc":
            draft.pc = value
        elif name == "address":
            draft.registers["EXCVADDR"] = value
            if draft.architecture is Architecture.ARM:
                draft.fault_address = value
        else:
            draft.registers[_OWN_REGISTERS[name]] = value
    version = _OWN_VERSION.search(text)
    if version is not None:
        draft.build_id = version[1]
    if "stack overflow" in text:
        draft.kind, draft.cause = CrashKind.STACK_OVERFLOW, ""


def _registers(draft: Draft, line: str) -> bool:
    found = _REGISTER.findall(line)
    for name, digits in found:
        # the first dump is that of the core that crashed
        draft.registers.setdefault(name.removesuffix("/FP"), int(digits, 16))
    return bool(found)


def _backtrace(draft: Draft, line: str) -> bool:
    _, marker, rest = line.partition("Backtrace:")
    frames = [int(digits, 16) for digits in _FRAME.findall(rest)]
    if marker and not draft.addresses:
        draft.addresses = frames
        draft.is_backtrace_whole = "CORRUPT" not in rest
    return bool(marker)


def _stack_memory(draft: Draft, line: str) -> bool:
    found = _STACK_LINE.match(line)
    if found is None:
        return False
    start = int(found[1], 16)
    for i, word in enumerate(found[2].split()):
        draft.stack.setdefault(start + 4 * i, int(word, 16))
    return True


def _cortex_registers(draft: Draft, line: str) -> bool:
    """Only where the crash is a Cortex-M's: elsewhere these names mean other things."""
    if not draft.needs_pc:
        return False
    found = _MBED.findall(line)
    for name, digits in found:
        draft.registers.setdefault(name.replace(" ", ""), int(digits, 16))
    for name, digits in _FAULT_REGISTER.findall(line):
        draft.registers.setdefault(name, int(digits, 16))
        found.append((name, digits))
    for name, pattern in (("PC", _PC), ("LR", _LR)):
        match = pattern.search(line)
        if match is not None:
            draft.registers.setdefault(name, int(match[1], 16))
            found.append((name, match[1]))
    return bool(found)


def _cortex_words(draft: Draft, line: str) -> bool:
    if not draft.needs_pc:
        return False
    words, address = _ZEPHYR_WORDS.search(line), _ZEPHYR_ADDRESS.search(line)
    if words is not None:
        draft.words.append(words[1])
    if address is not None:
        draft.fault_address = int(address[1], 16)
    fault = _MBED_FAULT.search(line)
    if fault is not None:
        draft.cause, draft.cause_number = fault[1], exception_named(fault[1])
    return words is not None or address is not None or fault is not None


def exception_named(words: str) -> int | None:
    """The number of a Cortex-M exception, however its name is spelt: "BUS FAULT", "BusFault"."""
    squeezed = re.sub(r"\W", "", words).lower()
    names = ((n, name.split()[0].lower()) for n, name in CORTEX_EXCEPTIONS.items())
    return next((n for n, name in names if name.removesuffix("fault") in squeezed), None)


def _overflow(draft: Draft, line: str) -> bool:
    """What shows only later that the stack overflowed."""
    canary, guard = _CANARY.search(line), _GUARD.search(line)
    found = canary or guard
    if found is not None:
        draft.kind, draft.cause, draft.task = CrashKind.STACK_OVERFLOW, "", found[1]
    bounds = _GUARD_BOUNDS.search(line)
    if bounds is not None:
        draft.stack_bounds = int(bounds[1], 16), int(bounds[2], 16)
    if _ZEPHYR_OVERFLOW.search(line):
        draft.kind, draft.cause, draft.words = CrashKind.STACK_OVERFLOW, "", []
        return True
    return found is not None or bounds is not None


def _names(draft: Draft, line: str) -> bool:
    """Tasks, and the digest of the ELF."""
    digest = _ELF.search(line)
    if digest is not None:
        draft.elf_sha256 = digest[1].lower()
    thread = _ZEPHYR_THREAD.search(line)
    if thread is not None:
        draft.task = thread[1]
    said = digest is not None or thread is not None
    if draft.kind is CrashKind.TASK_WATCHDOG:
        said |= _watchdog(draft, line)
    return said


def _watchdog(draft: Draft, line: str) -> bool:
    """Who did not feed the watchdog, and who ran instead on that core: the latter is to blame."""
    starved, running = _STARVED.search(line), _RUNNING.search(line)
    if starved is not None and draft.core is None:
        draft.cause, draft.core = f"{starved[1]} did not get to run", int(starved[2])
    elif running is not None and (draft.task is None or int(running[1]) == draft.core):
        draft.task = running[2].strip()
    return starved is not None or running is not None


_DETAILS: tuple[Callable[[Draft, str], bool], ...] = (
    _registers,
    _backtrace,
    _stack_memory,
    _cortex_registers,
    _cortex_words,
    _overflow,
    _names,
)
