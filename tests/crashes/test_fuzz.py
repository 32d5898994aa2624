"""Lines that are cut, damaged, doubled or mixed never raise, and crashes are still found."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.guru import Guru, riscv_panic, xtensa_panic

from edgekit import crashes
from edgekit.crashes import CrashKind
from edgekit.errors import UserError

FRAGMENTS = (
    "Guru Meditation Error: Core  0 panic'ed (",
    "LoadProhibited",
    "). Exception was unhandled.",
    "Backtrace:",
    " 0x400d0004:0x3ffb5030",
    "PC      : 0x400d0004  ",
    "MEPC    : 0x42000008  RA      : 0x4200002c  SP      : 0x3fc8f2f0",
    "EXCCAUSE: 0xffffffff",
    "3fc8f2f0: 0x42000060 0x42000088",
    "edgekit: fault, cause 0x",
    " at pc 0x400d0004, sp 0xffffffff",
    "edgekit: fault, exception 0x3",
    "abort() was called at PC 0x",
    "***ERROR*** A stack overflow in task ",
    " has been detected.",
    "Task watchdog got triggered",
    "task_wdt:  - IDLE (CPU 0)",
    "CPU 0: main",
    "***** BUS FAULT *****",
    "(r15/pc): 0x00023c8a",
    "++ MbedOS Fault Handler ++",
    "PC   : 00001774",
    "rst:0xf (RTCWDT_BROWN_OUT_RESET)",
    "CORRUPT HEAP: ",
    "Stack bounds: 0x3fc92160 - 0x3fc94160",
    "ELF file SHA256: 0123456789",
    "Rebooting...",
    "\x1b[0;31m",
    "\r\n",
    "\n",
    "\0",
)

texts = st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=8), max_size=40).map("".join)


@settings(deadline=None)
@given(text=texts)
def test_no_text_is_an_error(text: str, xtensa: Guru, riscv: Guru):
    for crash in crashes.parse(text):
        for elf in (None, xtensa.elf, riscv.elf):
            diagnosis = crashes.symbolize(crash, elf)
            assert diagnosis.likely and diagnosis.hint
            assert crashes.summary(diagnosis)
            assert all(isinstance(line, str) for line in crashes.lines(diagnosis))


@pytest.mark.parametrize("panic", [xtensa_panic, riscv_panic])
def test_a_panic_cut_at_any_character_is_one_crash_or_none(panic, xtensa: Guru, riscv: Guru):
    guru = xtensa if panic is xtensa_panic else riscv
    text = panic(guru)
    for cut in range(0, len(text), 7):
        found = crashes.parse(text[:cut])
        assert len(found) <= 1
        for crash in found:
            diagnosis = crashes.symbolize(crash, guru.elf)
            assert diagnosis.refusal is None or cut < len(text) // 2
            wrong = {f.function for f in diagnosis.frames} - guru.functions.keys()
            assert not wrong
    assert len(crashes.parse(text)) == 1


def test_lines_of_others_in_between_do_not_hide_a_crash(xtensa: Guru):
    noise = random.Random(2)
    for _ in range(20):
        lines = []
        for line in xtensa_panic(xtensa).splitlines():
            lines.append(line)
            lines += ["I (5000) wifi: connected"] * noise.randrange(4)
        (crash,) = crashes.parse("\n".join(lines))
        assert crash.pc == xtensa.store
        assert crash.fault_address == 0
        assert len(crash.backtrace) == 4


def test_damaged_digits_never_give_a_place_outside_of_the_elf(xtensa: Guru):
    noise = random.Random(3)
    text = xtensa_panic(xtensa)
    for _ in range(200):
        damaged = bytearray(text.encode())
        for _ in range(6):
            damaged[noise.randrange(len(damaged))] = noise.randrange(256)
        for crash in crashes.parse(damaged.decode(errors="replace")):
            diagnosis = crashes.symbolize(crash, xtensa.elf)
            image = crashes.open_image(xtensa.elf)
            assert all(image.is_code(frame.address) for frame in diagnosis.frames)


def test_a_damaged_elf_says_so_or_gives_less_but_never_raises_anything_else(xtensa: Guru, tmp_path):
    noise = random.Random(4)
    (crash,) = crashes.parse(xtensa_panic(xtensa))
    whole = xtensa.elf.read_bytes()
    outcomes = set()
    for i in range(150):
        damaged = bytearray(whole)
        for _ in range(i % 30):
            damaged[noise.randrange(len(damaged))] = noise.randrange(256)
        path = tmp_path / f"{i}.elf"
        path.write_bytes(damaged[: -noise.randrange(1, 5000)] if i % 5 == 4 else damaged)
        try:
            diagnosis = crashes.symbolize(crash, path)
            outcomes.add("some" if diagnosis.frames else "none")
        except UserError:
            outcomes.add("refused")
    assert outcomes >= {"some", "refused"}
    assert crash.kind is CrashKind.FAULT
