"""Text -> crashes, line by line. Lines may be cut, damaged, or have others in between.

Sources of the formats:
    Guru Meditations, abort(), register dumps, backtraces: ESP-IDF, components/esp_system
        (panic.c, port/panic_handler.c, port/arch/*/panic_arch.c, port/arch/xtensa/debug_helpers.c).
    Task watchdog: components/esp_system/task_wdt/task_wdt.c. Stack overflow: the FreeRTOS port's
        vApplicationStackOverflowHook. Assertions: components/newlib/assert.c.
    Zephyr: arch/arm/core/cortex_m/fault.c, arch/arm/core/fatal.c, kernel/fatal.c.
    Mbed OS: platform/source/TARGET_CORTEX_M/mbed_fault_handler.
    edgekit's own start-up code: firmware/startup/.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from edgekit.crashes import details
from edgekit.crashes.causes import EXCCAUSE_NAMES, MCAUSE_NAMES
from edgekit.crashes.crash import Architecture, Crash, CrashKind
from edgekit.crashes.draft import Draft

_FOREIGN_LINES = 12  # so many in a row that are not of the crash end it
_AFTERMATH_LINES = 12  # a reset so soon after a crash is the crash's

_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_LAST_LINE = re.compile(
    r"Rebooting\.\.\.|CPU halted\.|Entering gdb stub|-- MbedOS Fault Handler --|Halting system"
)
_BOOT = re.compile(r"^ets [A-Z][a-z]{2} |^ESP-ROM:|\brst:0x[0-9a-f]+ \(|\*\*\* Booting Zephyr")
_RESET = re.compile(r"\brst:0x[0-9a-f]+ \((\w+)\)")

Begin = Callable[[re.Match[str]], Draft]


def parse(text: str) -> tuple[Crash, ...]:
    """All crashes in a text, in order. Nothing that stands in it is an error."""
    reader = CrashReader()
    found = [crash for line in text.splitlines() for crash in reader.feed(line)]
    return (*found, *reader.finish())


class CrashReader:
    """Takes lines as they come, and returns the crashes that they end."""

    def __init__(self) -> None:
        self._draft: Draft | None = None
        self._since_crash = _AFTERMATH_LINES + 1

    @property
    def is_open(self) -> bool:
        """True in the middle of a crash; `finish` ends it, when nothing more comes."""
        return self._draft is not None

    def feed(self, line: str) -> tuple[Crash, ...]:
        """Take one line, with or without its end."""
        line = line.rstrip("\r\n")
        plain = _ANSI.sub("", line)
        ended: tuple[Crash, ...] = ()
        if _BOOT.search(plain):
            ended = self.finish()
        self._since_crash += 1
        begun = self._begun(plain)
        if begun is not None and not self._is_mention(begun):
            begun.take(line)
            if self._draft is None or not self._draft.absorbs(begun):
                ended += self.finish()
                self._draft = begun
            details.read(self._draft, plain)
        elif self._draft is not None:
            self._go_on(self._draft, line, plain)
        draft = self._draft
        if draft is not None and (_LAST_LINE.search(plain) or draft.foreign > _FOREIGN_LINES):
            ended += self.finish()
        return ended

    def finish(self) -> tuple[Crash, ...]:
        """End the crash that is open, if any."""
        draft, self._draft = self._draft, None
        crash = None if draft is None else draft.crash
        if crash is None:
            return ()
        self._since_crash = 0
        return (crash,)

    def _go_on(self, draft: Draft, line: str, plain: str) -> None:
        if details.read(draft, plain) or _LAST_LINE.search(plain):
            draft.take(line)
        elif plain.strip():
            draft.foreign += 1

    def _is_mention(self, begun: Draft) -> bool:
        """True for words such as "HardFault" inside of a report that has begun already."""
        draft = self._draft
        if draft is None or not begun.needs_pc:
            return False
        return not draft.needs_pc or "PC" not in draft.registers

    def _begun(self, line: str) -> Draft | None:
        for pattern, begin in _BEGINNINGS:
            found = pattern.search(line)
            if found is not None:
                return begin(found)
        reset = _RESET.search(line)
        if reset is not None and self._since_crash > _AFTERMATH_LINES:
            return _reset(reset[1])
        return None


def _guru(found: re.Match[str]) -> Draft:
    reason = found[2].strip()
    draft = Draft(CrashKind.FAULT, cause=reason, core=int(found[1]))
    watchdog = re.match(r"Interrupt wdt timeout on CPU ?(\d)", reason)
    if watchdog:
        draft.kind, draft.core = CrashKind.INTERRUPT_WATCHDOG, int(watchdog[1])
    elif reason.startswith("Stack protection fault"):
        draft.kind, draft.architecture = CrashKind.STACK_OVERFLOW, Architecture.RISCV
    elif reason in EXCCAUSE_NAMES:
        draft.architecture, draft.cause_number = Architecture.XTENSA, EXCCAUSE_NAMES[reason]
    elif reason.lower() in MCAUSE_NAMES:
        draft.architecture, draft.cause_number = Architecture.RISCV, MCAUSE_NAMES[reason.lower()]
    return draft


def _abort(found: re.Match[str]) -> Draft:
    core = found[2]
    return Draft(CrashKind.ABORT, pc=int(found[1], 16), core=None if core is None else int(core))


def _assert(found: re.Match[str]) -> Draft:
    return Draft(CrashKind.ASSERT, cause=found[1].strip())


def _stack_overflow(found: re.Match[str]) -> Draft:
    return Draft(CrashKind.STACK_OVERFLOW, task=found[1].strip())


def _task_watchdog(_: re.Match[str]) -> Draft:
    return Draft(CrashKind.TASK_WATCHDOG)


def _brown_out(_: re.Match[str]) -> Draft:
    return Draft(CrashKind.BROWN_OUT)


def _smashed(_: re.Match[str]) -> Draft:
    return Draft(
        CrashKind.MEMORY_CORRUPTION, cause="a local array was written past its end (stack canary)"
    )


def _heap(found: re.Match[str]) -> Draft:
    draft = Draft(CrashKind.MEMORY_CORRUPTION, cause="the heap's bookkeeping was overwritten")
    draft.fault_address = int(found[1], 16) if found[1] else None
    return draft


def _own(found: re.Match[str]) -> Draft:
    draft = Draft(CrashKind.FAULT, cause_number=int(found[2], 16))
    rest = found.string[found.end() :]
    if found[1] == "exception":
        draft.architecture = Architecture.ARM
    elif " value 0x" in rest:
        draft.architecture = Architecture.RISCV
    elif " address 0x" in rest:
        draft.architecture = Architecture.XTENSA
    details.read_own(draft, rest)
    return draft


def _cortex(found: re.Match[str]) -> Draft:
    words = re.sub(r"\W+", " ", found[0]).strip()
    return Draft(
        CrashKind.FAULT,
        cause=words,
        architecture=Architecture.ARM,
        cause_number=details.exception_named(words),
        needs_pc=True,
    )


def _mbed(_: re.Match[str]) -> Draft:
    return Draft(CrashKind.FAULT, architecture=Architecture.ARM, needs_pc=True)


def _reset(name: str) -> Draft | None:
    """A reset that nobody announced, by the name that the ROM gives its cause."""
    if "BROWN" in name:
        return Draft(CrashKind.BROWN_OUT, cause=f"the ROM says {name}")
    if "WDT" in name:
        return Draft(CrashKind.WATCHDOG_RESET, cause=f"the ROM says {name}")
    return None


_BEGINNINGS: tuple[tuple[re.Pattern[str], Begin], ...] = (
    (re.compile(r"Guru Meditation Error: *Core +(\d+) +panic'?ed +\(([^)\n]*)"), _guru),
    (re.compile(r"abort\(\) was called at PC 0x([0-9a-fA-F]{1,8})(?: on core (\d))?"), _abort),
    (re.compile(r"\bassert failed: (.*)"), _assert),
    (re.compile(r"\bassertion (\".*\" failed: file .*)"), _assert),
    (re.compile(r"A stack overflow in task (.*?) has been detected"), _stack_overflow),
    (re.compile(r"Task watchdog got triggered"), _task_watchdog),
    (re.compile(r"Brownout detector was triggered"), _brown_out),
    (re.compile(r"Stack smashing protect failure"), _smashed),
    (re.compile(r"CORRUPT HEAP: .*?(?:at 0x([0-9a-fA-F]{1,8}))?(?:\W|$)"), _heap),
    (re.compile(r"edgekit: fault, (exception|cause) 0x([0-9a-f]{1,8})"), _own),
    (re.compile(r"\+\+ MbedOS Fault Handler \+\+"), _mbed),
    (re.compile(r"\*{5} (?:MPU|BUS|USAGE|HARD|SECURE) FAULT \*{5}"), _cortex),
    (re.compile(r"\b(?:hard|mem ?manage|bus|usage|secure) ?fault\b", re.IGNORECASE), _cortex),
)
