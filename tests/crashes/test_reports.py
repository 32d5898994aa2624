"""Reports that are no Guru Meditation: of edgekit's own start-up code, of Zephyr, of Mbed OS."""

from __future__ import annotations

import pytest

from edgekit import crashes
from edgekit.crashes import Access, Architecture, Crash, CrashKind, causes
from edgekit.crashes.advice import readable

ZEPHYR = """\
[00:00:05.979,000] <err> os: ***** BUS FAULT *****
[00:00:05.979,000] <err> os:   Precise data bus error
[00:00:05.979,000] <err> os:   BFAR Address: 0x24060000
[00:00:05.979,000] <err> os: r0/a1:  0x0002efe4  r1/a2:  0x00000008  r2/a3:  0x20061980
[00:00:05.979,000] <err> os: r3/a4:  0x24060000 r12/ip:  0x0003026a r14/lr:  0x000263eb
[00:00:05.979,000] <err> os:  xpsr:  0x21000000
[00:00:05.979,000] <err> os: Faulting instruction address (r15/pc): 0x00023c8a
[00:00:05.979,000] <err> os: >>> ZEPHYR FATAL ERROR 25: Unknown error on CPU 0
[00:00:05.979,000] <err> os: Current thread: 0x20060668 (shell_uart)
[00:00:06.048,000] <err> os: Halting system
"""

MBED = """\
++ MbedOS Fault Handler ++

FaultType: HardFault

Context:
R   0: 0000C158
R  12: FFFFFFFF
SP   : 20002E98
LR   : 00001799
PC   : 00001774
xPSR : 210F0000
HFSR : 40000000
MMFSR: 00000000
BFSR : 00000000
UFSR : 00000100
DFSR : 00000008

-- MbedOS Fault Handler --
"""


def only(text: str) -> Crash:
    (crash,) = crashes.parse(text)
    return crash


def test_a_fault_of_zephyr():
    crash = only(ZEPHYR)
    assert crash.architecture is Architecture.ARM
    assert crash.cause == "BUS FAULT; Precise data bus error"
    assert (crash.pc, crash.return_address) == (0x23C8A, 0x263EB)
    assert (crash.fault_address, crash.task) == (0x24060000, "shell_uart")


def test_a_stack_overflow_of_zephyr():
    crash = only(ZEPHYR.replace("25: Unknown error", "2: Stack overflow"))
    assert (crash.kind, crash.cause) == (CrashKind.STACK_OVERFLOW, "stack overflow")


def test_a_fault_of_mbed_os():
    crash = only(MBED)
    assert (crash.pc, crash.return_address, crash.stack_pointer) == (0x1774, 0x1799, 0x20002E98)
    assert crash.unaligned is True
    assert crash.cause == "HardFault, unaligned access"


def test_a_hard_fault_in_somebodys_own_words():
    crash = only(
        "*** HARD FAULT ***\r\nPC is at 0x10001235, LR is at 0x10000101\r\nCFSR: 0x8200\r\n"
    )
    assert (crash.pc, crash.return_address) == (0x10001234, 0x10000101)
    assert "data access: bus error" in crash.cause


def test_a_fault_of_an_own_cortex_m():
    crash = only(
        "edgekit: fault, exception 0x00000003 at pc 0x0000039e, lr 0x000002b9, sp 0x200043c8, "
        "address 0xfffffffc, fault status 0x00008200\n"
        "Stack memory:\n200043c8: 0x00000001 0x00460000\n200043d0: 0x0000090f\n"
    )
    assert crash.architecture is Architecture.ARM
    assert crash.cause == "HardFault, data access: bus error"
    assert (crash.pc, crash.return_address, crash.stack_pointer) == (0x39E, 0x2B9, 0x200043C8)
    assert crash.fault_address == 0xFFFFFFFC
    assert crash.stack == {0x200043C8: 1, 0x200043CC: 0x460000, 0x200043D0: 0x90F}


def test_a_fault_of_an_own_riscv_as_older_firmware_told_it():
    crash = only("edgekit: fault, cause 0x00000005 at pc 0x8000047e, value 0xfffffffc\n")
    assert crash.architecture is Architecture.RISCV
    assert (crash.cause, crash.access) == ("load access fault", Access.READ)
    assert (crash.pc, crash.fault_address) == (0x8000047E, 0xFFFFFFFC)
    assert (crash.return_address, crash.stack) == (None, {})


def test_the_bits_of_an_illegal_instruction_are_no_address():
    crash = only("edgekit: fault, cause 0x00000002 at pc 0x8000047e, value 0x00000000, ra 0x0\n")
    assert crash.fault_address is None


def test_a_fault_of_an_own_xtensa():
    crash = only(
        "edgekit: fault, cause 0x0000001c at pc 0x600005b4, address 0x00000010, a0 0x600002a8, "
        "a1 0x3ffc3fc0\n"
    )
    assert crash.architecture is Architecture.XTENSA
    assert (crash.cause, crash.fault_address) == ("load prohibited", 16)
    assert (crash.return_address, crash.stack_pointer) == (0x600002A8, 0x3FFC3FC0)


@pytest.mark.parametrize(
    "text",
    [
        "edgekit: fault, exception 0x00000003, stack overflow, fault status 0x00000092\n",
        "edgekit: fault, cause 0x7 at pc 0x80000198, value 0x804003ac, stack overflow\n",
    ],
)
def test_a_stack_overflow_of_an_own_board(text: str):
    assert only(text).kind is CrashKind.STACK_OVERFLOW


def test_a_mention_of_a_fault_without_a_place_is_none():
    assert crashes.parse("the board had a hard fault yesterday\nSystem is up\n") == ()


def test_esp_idf_names_every_cause_that_it_knows():
    assert set(causes.EXCCAUSE_NAMES.values()) <= causes.EXCCAUSE.keys()
    for name, number in causes.EXCCAUSE_NAMES.items():
        crash = only(f"Guru Meditation Error: Core  1 panic'ed ({name}). Exception was unhandled.")
        assert crash.cause == causes.EXCCAUSE[number].words
        assert crash.core == 1
    for number, cause in causes.MCAUSE.items():
        crash = only(f"Guru Meditation Error: Core  0 panic'ed ({cause.words.capitalize()}). ")
        assert (crash.cause_number, crash.cause) == (number, cause.words)


def test_every_bit_of_a_fault_status_is_told():
    every = causes.cortex(4, sum(causes.CFSR))
    assert every.unaligned
    assert every.words.startswith("MemManage fault, stack overflow: below the stack limit")
    assert all(cause.words in every.words for cause in causes.CFSR.values())
    assert causes.cortex(3, 0).words == "HardFault"
    assert causes.cortex(99, None).words == "exception 99"


def test_an_unknown_cause_has_its_number():
    crash = only("edgekit: fault, cause 0x0000003d at pc 0x600005b4, address 0x0\n")
    assert crash.cause == "unknown cause 61"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ek_conv_2d_s8", "ek_conv_2d_s8"),
        (
            "_ZN6tflite12_GLOBAL__N_18ConvEvalEP13TfLiteContext",
            "tflite::(anonymous namespace)::ConvEval",
        ),
        ("_Z4loopv", "loop"),
        ("_ZNK3Foo3barEv", "Foo::bar"),
        ("_Z", "_Z"),
        ("_ZN99999999999999", "_ZN99999999999999"),
    ],
)
def test_names_of_cpp_are_readable(name: str, expected: str):
    assert readable(name) == expected
