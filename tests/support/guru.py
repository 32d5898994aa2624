"""A small model's code at the addresses of an ESP32, and panics as ESP-IDF prints them for it.

The formats are those of ESP-IDF's panic handler; the addresses are of the ELF that is built here,
as the toolchain's own disassembler gives them.
"""

from __future__ import annotations

import itertools
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from edgekit import resources

_FLAGS = {
    "xtensa-lx106-elf": ("-mtext-section-literals", "-mlongcalls"),
    "riscv64-unknown-elf": ("-march=rv32imc", "-mabi=ilp32", "-Wl,-melf32lriscv"),
}

#: Calls: app_main, ek_kws_invoke, step_3_conv_2d, ek_conv_2d_s8, use.
SOURCE = """\
#include "edgekit/ek_model.h"

volatile int32_t sink;
int8_t ek_inference_arena[256];

__attribute__((noinline)) void use(volatile int32_t *at)
{
    *at = sink; /* fault */
    sink++;
}

__attribute__((noinline)) void ek_conv_2d_s8(volatile int32_t *at)
{
    sink++;
    use(at); /* use */
    sink++;
}

__attribute__((noinline)) static void step_0_pad(volatile int32_t *at)
{
    ek_conv_2d_s8(at + 1);
    sink++;
}

__attribute__((noinline)) static void step_1_conv_2d(volatile int32_t *at)
{
    ek_conv_2d_s8(at); /* kernel */
    sink++;
}

__attribute__((noinline)) ek_status ek_kws_invoke(void)
{
    step_0_pad(&sink);
    step_1_conv_2d(0); /* step */
    sink++;
    return EK_OK;
}

int app_main(void)
{
    (void)ek_kws_invoke(); /* invoke */
    return (int)sink;
}

static const ek_step steps[] = {
    {"PAD", "ek_pad", 0, 0, 0, 16},
    {"CONV_2D", "ek_conv_2d_s8", 5, 1000, 16, 16},
};
extern const ek_model ek_kws;
const ek_model ek_kws = {
    .name = "kws", .engine = "aot", .step_count = 2, .steps = steps, .invoke = ek_kws_invoke};
"""


@dataclass(frozen=True)
class Guru:
    """The ELF, its source, and addresses in it."""

    elf: Path
    source: Path
    functions: dict[str, int]
    calls: dict[tuple[str, str], int]  # (caller, callee) -> return address
    store: int  # the instruction in `use` that stores

    def line(self, marker: str) -> int:
        lines = self.source.read_text().splitlines()
        (number,) = (i for i, line in enumerate(lines, 1) if line.endswith(f"/* {marker} */"))
        return number

    @property
    def chain(self) -> tuple[int, ...]:
        """Return addresses from `use` to the caller of invoke, innermost first."""
        names = ("use", "ek_conv_2d_s8", "step_1_conv_2d", "ek_kws_invoke", "app_main")
        return tuple(self.calls[caller, callee] for callee, caller in itertools.pairwise(names))


def build_guru(toolchain: str, start: int, folder: Path) -> Guru:
    """Compile and link the model's code at `start`."""
    gcc, objdump = (shutil.which(f"{toolchain}-{tool}") for tool in ("gcc", "objdump"))
    if gcc is None or objdump is None:
        pytest.skip(f"{toolchain}-gcc is not installed")
    source, elf = folder / "guru.c", folder / "firmware.elf"
    source.write_text(SOURCE)
    include = resources.tree("firmware") / "include"
    command = [gcc, "-O1", "-g", "-ffreestanding", "-nostdlib", "-fno-optimize-sibling-calls"]
    command += [*_FLAGS[toolchain], f"-I{include}", str(source), "-o", str(elf)]
    command += [f"-Wl,-Ttext={start:#x}", "-Wl,-eapp_main", "-Wl,-Tdata=0x3ffb0000"]
    subprocess.run(command, check=True, capture_output=True, text=True)
    text = subprocess.run(
        [objdump, "-d", str(elf)], check=True, capture_output=True, text=True
    ).stdout
    return Guru(elf, source, *_addresses(text))


def _addresses(text: str) -> tuple[dict[str, int], dict[tuple[str, str], int], int]:
    functions: dict[str, int] = {}
    calls: dict[tuple[str, str], int] = {}
    store, caller, called = 0, "", ""
    for line in text.splitlines():
        head = re.match(r"([0-9a-f]{8}) <(\w+)>:", line)
        instruction = re.match(r"\s*([0-9a-f]{8}):\t[0-9a-f ]+\t(\S+)\s*(.*)", line)
        if head is not None:
            caller, called = head[2], ""
            functions[caller] = int(head[1], 16)
        elif instruction is not None:
            address, name, operands = int(instruction[1], 16), instruction[2], instruction[3]
            if called:
                calls[caller, called] = address
            target = re.search(r"<(\w+)>", operands)
            called = target[1] if target is not None and name in ("call0", "jal") else ""
            if caller == "use" and not store and name in ("s32i.n", "s32i", "sw"):
                store = address
    return functions, calls, store


def registers(names: Sequence[str], values: dict[str, int]) -> str:
    """A register dump of four a line; what is not given is 0."""
    cells = [f"{name:8}: 0x{values.get(name, 0):08x}  " for name in names]
    return "\r\n".join("".join(cells[i : i + 4]) for i in range(0, len(cells), 4))


_XTENSA = (
    *("PC", "PS", *(f"A{n}" for n in range(16)), "SAR", "EXCCAUSE", "EXCVADDR"),
    *("LBEG", "LEND", "LCOUNT"),
)
_RISCV = (
    *("MEPC", "RA", "SP", "GP", "TP", "T0", "T1", "T2", "S0/FP", "S1"),
    *(f"A{n}" for n in range(8)),
    *(f"S{n}" for n in range(2, 12)),
    *("T3", "T4", "T5", "T6", "MSTATUS", "MTVEC", "MCAUSE", "MTVAL", "MHARTID"),
)


def xtensa_panic(
    guru: Guru,
    *,
    reason: str = "StoreProhibited",
    cause: int = 29,
    address: int = 0,
    sha256: str = "",
    marker: str = "",
    details: str = "",
) -> str:
    """A panic of an ESP32 in `use`. Its backtrace has windowed return addresses put right."""
    pcs = [guru.store, *guru.chain]
    frames = " ".join(f"0x{pc - 3:08x}:0x{0x3FFB5030 + 32 * i:08x}" for i, pc in enumerate(pcs))
    a0 = guru.chain[0] & 0x3FFF_FFFF | 0x8000_0000
    values = {"PC": guru.store, "A0": a0, "A1": 0x3FFB5030, "EXCCAUSE": cause, "EXCVADDR": address}
    description = "Exception was unhandled." if cause < 64 else ""
    return (
        f"Guru Meditation Error: Core  0 panic'ed ({reason}). {description}\r\n{details}\r\n"
        f"Core  0 register dump:\r\n{registers(_XTENSA, values)}\r\n\r\n\r\n"
        f"Backtrace: {frames}{marker}\r\n\r\n\r\n\r\n\r\nELF file SHA256: {sha256}\r\n\r\n"
        "Rebooting...\r\n"
    )


def riscv_panic(
    guru: Guru, *, reason: str = "Store access fault", cause: int = 7, details: str = ""
) -> str:
    """A panic of an ESP32-C3 in `use`, with the stack that its callers left."""
    stack_pointer = 0x3FC8_F2F0
    words, frames = [0] * 256, (16, 16, 16, 16)
    at = 0
    for size, return_address in zip(frames, guru.chain[1:], strict=False):
        at += size // 4  # each function keeps ra in the highest word of its frame
        words[at - 1] = return_address
    lines = (
        f"{stack_pointer + 32 * i:08x}: "
        + " ".join(f"0x{word:08x}" for word in words[8 * i : 8 * i + 8])
        for i in range(32)
    )
    values = {"MEPC": guru.store, "RA": guru.chain[0], "SP": stack_pointer, "MCAUSE": cause}
    return (
        f"Guru Meditation Error: Core  0 panic'ed ({reason}). Exception was unhandled.\r\n"
        f"{details}\r\nCore  0 register dump:\r\n{registers(_RISCV, values)}\r\n\r\n"
        "Stack memory:\r\n" + "\r\n".join(lines) + "\r\n\r\n\r\n\r\nELF file SHA256: \r\n\r\n"
        "Rebooting...\r\n"
    )
