"""Numbers that cores give to what went wrong, in words.

Sources:
    EXCCAUSE: Xtensa Instruction Set Architecture Reference Manual, table "Exception Causes"; the
        names are those that ESP-IDF's panic handler prints
        (components/esp_system/port/arch/xtensa/panic_arch.c).
    mcause: The RISC-V Instruction Set Manual, Volume II: Privileged Architecture 20211203, table
        3.6.
    Cortex-M: Armv7-M Architecture Reference Manual, B1.5.2 (exception numbers), B3.2.15 (CFSR);
        Armv8-M Architecture Reference Manual, CFSR.UFSR.STKOF.
"""

from __future__ import annotations

from dataclasses import dataclass

from edgekit.crashes.crash import Access


@dataclass(frozen=True, slots=True)
class Cause:
    """One number's meaning."""

    words: str
    access: Access = Access.TOUCH
    unaligned: bool = False


_READ, _WRITE, _FETCH = Access.READ, Access.WRITE, Access.FETCH

EXCCAUSE: dict[int, Cause] = {
    0: Cause("illegal instruction", _FETCH),
    1: Cause("system call"),
    2: Cause("instruction fetch error", _FETCH),
    3: Cause("load or store error"),
    4: Cause("level-1 interrupt"),
    5: Cause("alloca"),
    6: Cause("integer division by zero"),
    7: Cause("jump to an illegal address", _FETCH),
    8: Cause("privileged instruction", _FETCH),
    9: Cause("unaligned load or store", unaligned=True),
    12: Cause("bus data error in an instruction fetch", _FETCH),
    13: Cause("bus data error in a load or store"),
    14: Cause("bus address error in an instruction fetch", _FETCH),
    15: Cause("bus address error in a load or store"),
    16: Cause("instruction TLB miss", _FETCH),
    17: Cause("instruction TLB multiple hit", _FETCH),
    18: Cause("instruction fetch without privilege", _FETCH),
    20: Cause("instruction fetch prohibited", _FETCH),
    24: Cause("load or store TLB miss"),
    25: Cause("load or store TLB multiple hit"),
    26: Cause("load or store without privilege"),
    28: Cause("load prohibited", _READ),
    29: Cause("store prohibited", _WRITE),
    **{32 + n: Cause(f"coprocessor {n} is disabled") for n in range(8)},
}

#: As ESP-IDF names them in a Guru Meditation.
EXCCAUSE_NAMES: dict[str, int] = {
    "IllegalInstruction": 0,
    "Syscall": 1,
    "InstructionFetchError": 2,
    "LoadStoreError": 3,
    "Level1Interrupt": 4,
    "Alloca": 5,
    "IntegerDivideByZero": 6,
    "PCValue": 7,
    "Privileged": 8,
    "LoadStoreAlignment": 9,
    "InstrPDAddrError": 12,
    "LoadStorePIFDataError": 13,
    "InstrPIFAddrError": 14,
    "LoadStorePIFAddrError": 15,
    "InstTLBMiss": 16,
    "InstTLBMultiHit": 17,
    "InstFetchPrivilege": 18,
    "InstrFetchProhibited": 20,
    "LoadStoreTLBMiss": 24,
    "LoadStoreTLBMultihit": 25,
    "LoadStorePrivilege": 26,
    "LoadProhibited": 28,
    "StoreProhibited": 29,
    **{f"Cp{n}Dis": 32 + n for n in range(8)},
}

MCAUSE: dict[int, Cause] = {
    0: Cause("instruction address misaligned", _FETCH, unaligned=True),
    1: Cause("instruction access fault", _FETCH),
    2: Cause("illegal instruction", _FETCH),
    3: Cause("breakpoint"),
    4: Cause("load address misaligned", _READ, unaligned=True),
    5: Cause("load access fault", _READ),
    6: Cause("store address misaligned", _WRITE, unaligned=True),
    7: Cause("store access fault", _WRITE),
    8: Cause("environment call from U-mode"),
    9: Cause("environment call from S-mode"),
    11: Cause("environment call from M-mode"),
    12: Cause("instruction page fault", _FETCH),
    13: Cause("load page fault", _READ),
    15: Cause("store page fault", _WRITE),
}

#: As ESP-IDF names them (components/esp_system/port/arch/riscv/panic_arch.c), in lower case.
MCAUSE_NAMES: dict[str, int] = {cause.words.lower(): number for number, cause in MCAUSE.items()}

CORTEX_EXCEPTIONS: dict[int, str] = {
    2: "NMI",
    3: "HardFault",
    4: "MemManage fault",
    5: "BusFault",
    6: "UsageFault",
    7: "SecureFault",
}

#: Bits of the Configurable Fault Status Register, in the order in which they explain most.
CFSR: dict[int, Cause] = {
    1 << 20: Cause("stack overflow: below the stack limit"),
    1 << 4: Cause("the exception's registers could not be pushed: MPU violation", _WRITE),
    1 << 12: Cause("the exception's registers could not be pushed: bus error", _WRITE),
    1 << 24: Cause("unaligned access", unaligned=True),
    1 << 25: Cause("division by zero"),
    1 << 16: Cause("undefined instruction", _FETCH),
    1 << 17: Cause("jump to an address without the Thumb bit", _FETCH),
    1 << 18: Cause("corrupt return from an exception", _FETCH),
    1 << 19: Cause("coprocessor (floating-point unit) is disabled"),
    1 << 0: Cause("instruction fetch: MPU violation", _FETCH),
    1 << 8: Cause("instruction fetch: bus error", _FETCH),
    1 << 1: Cause("data access: MPU violation"),
    1 << 9: Cause("data access: bus error"),
    1 << 10: Cause("data access: bus error, reported late: pc is past the instruction"),
    1 << 3: Cause("the exception's registers could not be popped: MPU violation", _READ),
    1 << 11: Cause("the exception's registers could not be popped: bus error", _READ),
    1 << 5: Cause("floating-point registers could not be saved: MPU violation"),
    1 << 13: Cause("floating-point registers could not be saved: bus error"),
}
STACKING = 1 << 4 | 1 << 12 | 1 << 20  # bits of CFSR that mean that the stack was at its end


def cortex(exception: int | None, status: int | None) -> Cause:
    """The meaning of a Cortex-M exception with its CFSR; Armv6-M has only the exception."""
    name = CORTEX_EXCEPTIONS.get(exception or 3, f"exception {exception}")
    bits = [cause for bit, cause in CFSR.items() if (status or 0) & bit]
    if not bits:
        return Cause(name)
    access = next(
        (cause.access for cause in bits if cause.access is not Access.TOUCH), Access.TOUCH
    )
    words = "; ".join(cause.words for cause in bits)
    return Cause(f"{name}, {words}", access, any(cause.unaligned for cause in bits))


def numbered(table: dict[int, Cause], number: int) -> Cause:
    """The meaning of a number, known or not."""
    return table.get(number, Cause(f"unknown cause {number}"))
