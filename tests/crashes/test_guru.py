"""What ESP-IDF prints, with the addresses of an ELF: function, line, operator, likely cause."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from support.guru import Guru, riscv_panic, xtensa_panic

from edgekit import crashes
from edgekit.crashes import Access, Architecture, Crash, CrashKind, Diagnosis
from edgekit.errors import UserError

CHAIN = ["use", "ek_conv_2d_s8", "step_1_conv_2d", "ek_kws_invoke", "app_main"]
MARKERS = ["fault", "use", "kernel", "step", "invoke"]


def only(text: str) -> Crash:
    (crash,) = crashes.parse(text)
    return crash


def told(text: str, guru: Guru) -> Diagnosis:
    return crashes.symbolize(only(text), guru.elf)


def functions(diagnosis: Diagnosis) -> list[str | None]:
    return [frame.function for frame in diagnosis.frames]


def assert_whole_chain(diagnosis: Diagnosis, guru: Guru) -> None:
    assert diagnosis.refusal is None and not diagnosis.is_guess
    assert functions(diagnosis) == CHAIN
    assert [frame.line for frame in diagnosis.frames] == [guru.line(m) for m in MARKERS]
    assert {frame.file for frame in diagnosis.frames} == {str(guru.source)}
    assert str(diagnosis.operator) == "step 1, operator #5 CONV_2D"
    assert diagnosis.operator is not None and diagnosis.operator.model == "kws"


def test_a_guru_meditation_of_an_esp32_is_told(xtensa: Guru):
    crash = only(xtensa_panic(xtensa))
    assert crash.kind is CrashKind.FAULT
    assert crash.architecture is Architecture.XTENSA
    assert (crash.cause, crash.cause_number) == ("store prohibited", 29)
    assert (crash.fault_address, crash.access, crash.core) == (0, Access.WRITE, 0)
    assert crash.pc == xtensa.store
    diagnosis = crashes.symbolize(crash, xtensa.elf)
    assert_whole_chain(diagnosis, xtensa)
    assert diagnosis.likely == "a null pointer was written"


def test_a_guru_meditation_of_an_esp32_c3_is_unwound_from_its_stack(riscv: Guru):
    crash = only(riscv_panic(riscv))
    assert crash.architecture is Architecture.RISCV
    assert (crash.cause, crash.cause_number) == ("store access fault", 7)
    assert crash.backtrace == ()
    diagnosis = crashes.symbolize(crash, riscv.elf)
    assert_whole_chain(diagnosis, riscv)
    assert diagnosis.likely == "a null pointer was written"


def test_without_an_elf_the_cause_is_told(xtensa: Guru):
    diagnosis = crashes.symbolize(only(xtensa_panic(xtensa)), None)
    assert diagnosis.frames == () and diagnosis.operator is None
    assert diagnosis.likely == "a null pointer was written"
    assert f"at   0x{xtensa.store:08x}" in list(crashes.lines(diagnosis))


def test_a_corrupted_backtrace_is_said_to_be_so(xtensa: Guru):
    diagnosis = told(xtensa_panic(xtensa, marker=" |<-CORRUPTED"), xtensa)
    assert not diagnosis.crash.is_backtrace_whole
    assert any("stack corrupted" in line for line in crashes.lines(diagnosis))
    assert functions(diagnosis) == CHAIN


def test_the_link_register_names_the_caller_where_there_is_no_backtrace(xtensa: Guru):
    """It holds the size of a windowed call in its two top bits."""
    text = xtensa_panic(xtensa).partition("Backtrace")[0]
    diagnosis = told(text, xtensa)
    assert diagnosis.crash.return_address == xtensa.chain[0] & 0x3FFFFFFF | 0x80000000
    assert functions(diagnosis) == CHAIN[:2]
    assert [frame.line for frame in diagnosis.frames] == [xtensa.line(m) for m in MARKERS[:2]]


@pytest.mark.parametrize(
    ("reason", "cause", "address", "words"),
    [
        ("LoadProhibited", 28, 8, "a null pointer + 8 was read"),
        ("LoadStoreAlignment", 9, 0x3FFB0001, "0x3ffb0001 was used that is no multiple"),
        ("IllegalInstruction", 0, 0, "built for another core, or it was overwritten"),
        ("IntegerDivideByZero", 6, 0, "division by zero"),
        ("LoadProhibited", 28, 0xDEADBEEF, "0xdeadbeef was read, where there is no memory"),
        ("Cp0Dis", 32, 0, "floating-point unit is used while off"),
        ("Cache disabled but cached memory region accessed", 67, 0, "flash memory were used"),
    ],
)
def test_the_likely_cause_of_a_fault(
    xtensa: Guru, reason: str, cause: int, address: int, words: str
):
    text = xtensa_panic(xtensa, reason=reason, cause=cause, address=address)
    assert words in told(text, xtensa).likely


def test_an_address_right_behind_the_arena_is_an_overrun(xtensa: Guru):
    arena = crashes.open_image(xtensa.elf).objects["ek_inference_arena"]
    end = arena.address + arena.size_bytes
    late = told(xtensa_panic(xtensa, address=end + 12), xtensa)
    assert "the arena was overrun" in late.likely and "12 bytes behind its end" in late.likely
    inside = told(xtensa_panic(xtensa, address=end - 4), xtensa)
    assert "overrun" not in inside.likely


def test_a_jump_to_nowhere_names_its_caller(xtensa: Guru):
    text = xtensa_panic(xtensa, reason="InstrFetchProhibited", cause=20)
    text = text.replace(f"PC      : 0x{xtensa.store:08x}", "PC      : 0x00000000")
    text = text.replace(f"Backtrace: 0x{xtensa.store - 3:08x}", "Backtrace: 0x00000000")
    diagnosis = told(text, xtensa)
    assert "points to no code (pc 0x00000000)" in diagnosis.likely
    assert "ek_conv_2d_s8" in functions(diagnosis)


# ---- what is announced in words ----------------------------------------------------------------


def backtrace(guru: Guru) -> str:
    pairs = (f"0x{pc - 3:08X}:0x3FFB5030" for pc in guru.chain)
    return "\r\n\r\nBacktrace: " + " ".join(pairs) + "\r\n\r\n"


def test_a_stack_canary_is_a_stack_overflow_of_its_task(xtensa: Guru):
    text = xtensa_panic(
        xtensa,
        reason="Unhandled debug exception",
        cause=1,
        details="Debug exception reason: Stack canary watchpoint triggered (main) ",
    )
    diagnosis = told(text, xtensa)
    assert diagnosis.crash.kind is CrashKind.STACK_OVERFLOW
    assert diagnosis.crash.task == "main"
    assert "the stack of task 'main' ran out, when it was in use" in diagnosis.likely
    assert "CONFIG_ESP_MAIN_TASK_STACK_SIZE" in diagnosis.hint and "7,168" in diagnosis.hint


def test_a_stack_protection_fault_has_the_size_of_the_stack(riscv: Guru):
    text = riscv_panic(
        riscv,
        reason="Stack protection fault",
        cause=27,
        details='\r\nDetected in task "loopTask" at 0x42000008\r\nStack pointer: 0x3fc92150\r\n'
        "Stack bounds: 0x3fc92160 - 0x3fc94160\r\n\r\n",
    )
    diagnosis = told(text, riscv)
    assert diagnosis.crash.kind is CrashKind.STACK_OVERFLOW
    assert diagnosis.crash.stack_bounds == (0x3FC92160, 0x3FC94160)
    assert "the stack of 8,192 bytes of task 'loopTask'" in diagnosis.likely
    assert "SET_LOOP_TASK_STACK_SIZE(16384)" in diagnosis.hint
    assert functions(diagnosis) == CHAIN


def test_an_overflow_that_freertos_found_names_the_task(xtensa: Guru):
    text = "\r\n***ERROR*** A stack overflow in task worker has been detected.\r\n"
    crash = only(text + backtrace(xtensa) + "Rebooting...\r\n")
    assert (crash.kind, crash.task) == (CrashKind.STACK_OVERFLOW, "worker")
    diagnosis = crashes.symbolize(crash, xtensa.elf)
    assert functions(diagnosis) == CHAIN[1:]
    assert "where it is created" in diagnosis.hint


def test_a_task_watchdog_names_task_and_operator(xtensa: Guru):
    text = (
        "E (5316) task_wdt: Task watchdog got triggered. The following tasks/users did not reset "
        "the watchdog in time:\r\n"
        "E (5316) task_wdt:  - IDLE1 (CPU 1)\r\n"
        "E (5316) task_wdt: Tasks currently running:\r\n"
        "E (5316) task_wdt: CPU 0: IDLE0\r\n"
        "E (5316) task_wdt: CPU 1: main\r\n"
        "E (5316) task_wdt: Print CPU 1 (current core) backtrace\r\n"
    )
    diagnosis = told(f"\x1b[0;31m{text}\x1b[0m" + backtrace(xtensa), xtensa)
    crash = diagnosis.crash
    assert (crash.kind, crash.core, crash.task) == (CrashKind.TASK_WATCHDOG, 1, "main")
    assert str(diagnosis.operator) == "step 1, operator #5 CONV_2D"
    assert "the invoke takes longer than its limit" in diagnosis.likely
    assert "vTaskDelay(1)" in diagnosis.hint


def test_an_interrupt_watchdog_is_told_with_its_core(xtensa: Guru):
    text = xtensa_panic(xtensa, reason="Interrupt wdt timeout on CPU1", cause=6)
    diagnosis = told(text, xtensa)
    assert diagnosis.crash.kind is CrashKind.INTERRUPT_WATCHDOG
    assert diagnosis.crash.core == 1
    assert "interrupts were off" in diagnosis.likely
    assert_whole_chain(diagnosis, xtensa)


def test_the_first_dump_of_two_cores_counts(xtensa: Guru):
    first = xtensa_panic(xtensa, reason="Interrupt wdt timeout on CPU0", cause=5)
    second = (
        "Core  1 register dump:\r\nPC      : 0x400d0004  PS      : 0x00060030\r\n\r\n"
        "Backtrace: 0x400d0001:0x3ffb0000\r\n\r\nRebooting...\r\n"
    )
    crash = only(first.replace("Rebooting...\r\n", second))
    assert crash.pc == xtensa.store
    assert len(crash.backtrace) == len(xtensa.chain)


def test_abort_is_where_it_was_called(xtensa: Guru):
    pc = xtensa.chain[1] - 3
    text = f"\r\nabort() was called at PC 0x{pc:08x} on core 0\r\n" + backtrace(xtensa)
    diagnosis = told(text, xtensa)
    assert diagnosis.crash.kind is CrashKind.ABORT
    assert functions(diagnosis) == CHAIN[2:]


def test_an_assertion_is_quoted_and_ends_in_one_crash(xtensa: Guru):
    text = "\r\nassert failed: ek_init guru.c:15 (size >= 256)\r\n" + backtrace(xtensa)
    diagnosis = told(text, xtensa)
    assert diagnosis.crash.kind is CrashKind.ASSERT
    assert "ek_init guru.c:15 (size >= 256)" in diagnosis.likely
    assert functions(diagnosis) == CHAIN[1:]
    old = (
        'assertion "size" failed: file "guru.c", line 15, function: f\r\nabort() was called at PC '
    )
    assert only(f"{old}0x{xtensa.chain[1] - 3:08x} on core 0\r\n").kind is CrashKind.ASSERT


@pytest.mark.parametrize(
    ("text", "kind", "words", "hint"),
    [
        ("Brownout detector was triggered", CrashKind.BROWN_OUT, "voltage fell", "cable"),
        (
            "rst:0xf (RTCWDT_BROWN_OUT_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)",
            CrashKind.BROWN_OUT,
            "voltage fell",
            "cable",
        ),
        (
            "rst:0x7 (TG0WDT_SYS_RST),boot:0xc (SPI_FAST_FLASH_BOOT)",
            CrashKind.WATCHDOG_RESET,
            "TG0WDT_SYS_RST",
            "feed the watchdog",
        ),
        ("Stack smashing protect failure!", CrashKind.MEMORY_CORRUPTION, "canary", "arena"),
        (
            "CORRUPT HEAP: Bad head at 0x3ffb5030. Expected 0xabba1234 got 0x00000000",
            CrashKind.MEMORY_CORRUPTION,
            "heap",
            "buffer",
        ),
    ],
)
def test_one_line_is_enough(text: str, kind: CrashKind, words: str, hint: str):
    diagnosis = crashes.symbolize(only(f"I (300) app: hello\r\n{text}\r\n"), None)
    assert diagnosis.crash.kind is kind
    assert words in diagnosis.likely and hint in diagnosis.hint


@pytest.mark.parametrize(
    "text",
    [
        "",
        "rst:0x1 (POWERON_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)\nI (29) boot: ESP-IDF v5.5\n",
        "I (300) app: HardFault handler installed, watchdog off\n",
        "A2: 0x00000001\nBacktrace:\n3fc8f2f0: 0x00000000\nELF file SHA256: 0123456789abcdef\n",
    ],
)
def test_an_ordinary_log_has_no_crash(text: str):
    assert crashes.parse(text) == ()


def test_the_reset_after_a_crash_is_no_other_crash(xtensa: Guru):
    text = xtensa_panic(xtensa) + (
        "ets Jul 29 2019 12:21:46\r\n\r\nrst:0x8 (TG1WDT_SYS_RESET),boot:0x13 (SPI_FAST)\r\n"
    )
    assert len(crashes.parse(text)) == 1


def test_several_crashes_are_told_in_order(xtensa: Guru):
    text = xtensa_panic(xtensa) + "hello\r\n" * 20 + "Brownout detector was triggered\r\n" * 1
    assert [c.kind for c in crashes.parse(text)] == [CrashKind.FAULT, CrashKind.BROWN_OUT]


# ---- the wrong ELF -----------------------------------------------------------------------------


def refused(text: str, guru: Guru) -> str:
    diagnosis = told(text, guru)
    assert diagnosis.frames == () and diagnosis.operator is None
    assert diagnosis.refusal is not None
    shown = "\n".join(crashes.lines(diagnosis))
    assert f"wrong ELF: {diagnosis.refusal}; no line of it is shown" in shown
    assert guru.source.name not in shown
    return diagnosis.refusal


def test_the_digest_that_the_board_says_must_be_the_elfs(xtensa: Guru):
    digest = hashlib.sha256(xtensa.elf.read_bytes()).hexdigest()
    assert_whole_chain(told(xtensa_panic(xtensa, sha256=digest[:9]), xtensa), xtensa)
    assert "runs the ELF with SHA-256 0123456789abcdef" in refused(
        xtensa_panic(xtensa, sha256="0123456789abcdef"), xtensa
    )


def test_addresses_outside_of_the_elf_refuse_it(xtensa: Guru):
    text = xtensa_panic(xtensa).replace("0x400d", "0x4208").replace("0x800d", "0x8208")
    assert "0x4208000f lies outside of the code of firmware.elf" in refused(text, xtensa)


def test_an_elf_of_another_core_is_refused(riscv: Guru, xtensa: Guru):
    assert "the crash is of a core Xtensa" in refused(xtensa_panic(xtensa), riscv)


def test_calls_that_are_none_refuse_an_elf_of_another_build(xtensa: Guru):
    text = xtensa_panic(xtensa)
    for pc in xtensa.chain[:3]:
        text = text.replace(f"0x{pc - 3:08x}:", f"0x{pc:08x}:")
    assert "are no calls" in refused(text, xtensa)


def test_addresses_in_the_rom_are_no_reason_to_refuse(xtensa: Guru):
    text = xtensa_panic(xtensa).replace(f"0x{xtensa.chain[3] - 3:08x}:", "0x40007ceb:")
    assert functions(told(text, xtensa))[:4] == CHAIN[:4]


def test_what_is_no_elf_is_a_users_mistake(xtensa: Guru, tmp_path: Path):
    crash = only(xtensa_panic(xtensa))
    for name, content in (("text", b"hello"), ("cut", xtensa.elf.read_bytes()[:300])):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(UserError, match=f"{name} is no ELF") as caught:
            crashes.symbolize(crash, path)
        assert "firmware.elf" in str(caught.value.hint)
    with pytest.raises(UserError, match="cannot be read: No such file"):
        crashes.symbolize(crash, tmp_path / "nothing")
