"""Firmware of a small model whose second layer goes wrong, in a way that the input chooses."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import edgekit
from edgekit import toolchain
from edgekit.frontends import tflite_writer
from edgekit.pipeline import BuiltFirmware
from edgekit.project import ProjectOptions, write_project
from support.dense import dense_graph

KERNEL = "model/fully_connected_s8.c"

#: One letter for each way; the model's first input byte chooses.
NULL, WILD, UNALIGNED, ILLEGAL, RECURSION, LARGE_FRAME, JUMP = b"nwuirlj"

_UNALIGNED = {
    "arm-none-eabi": '__asm__ volatile("mov r2, %0\\n\\tldmia r2!, {r0, r3}" ::"r"(odd)'
    ' : "r0", "r2", "r3");',
    "riscv64-unknown-elf": '__asm__ volatile(".option push\\n\\t.option arch, +a\\n\\t"'
    ' "lr.w t0, (%0)\\n\\t.option pop" ::"r"(odd) : "t0");',
    "xtensa-lx106-elf": '__asm__ volatile("l32i a7, %0, 0" ::"r"(odd) : "a7");',
}
_ILLEGAL = {
    "arm-none-eabi": '__asm__ volatile("udf #0");',
    "riscv64-unknown-elf": '__asm__ volatile("unimp");',
    "xtensa-lx106-elf": '__asm__ volatile("ill");',
}

_WRONG = """
static volatile uintptr_t nothing;
static volatile uint8_t chosen;
static volatile uint32_t calls;

__attribute__((noinline)) static void use_null(void)
{
    *(volatile uint32_t *)nothing = 1u; /* null */
}

__attribute__((noinline)) static uint32_t recurse(uint32_t depth)
{
    volatile uint8_t frame[64];
    frame[depth % sizeof frame] = (uint8_t)depth;
    const uint32_t below = nothing == 0 ? recurse(depth + 1) : 0; /* recursion */
    return below + frame[depth % sizeof frame];
}

__attribute__((noinline)) static void fill(void)
{
    volatile uint8_t large[100000];
    for (uint32_t i = 0; i < sizeof large; i++) {
        large[sizeof large - 1 - i] = (uint8_t)i; /* large frame */
    }
}

static void go_wrong(const int8_t *in)
{
    if (++calls % 2 == 1) { /* the first layer has the model's input */
        chosen = (uint8_t)in[0];
        return;
    }
    const uintptr_t odd = (uintptr_t)&calls + 1;
    switch (chosen) {
    case 'n':
        use_null();
        break;
    case 'w':
        *(volatile uint32_t *)(nothing + 0xFFFFFFF0u) = 1u; /* wild */
        break;
    case 'u':
        UNALIGNED /* unaligned */
        break;
    case 'i':
        ILLEGAL /* illegal */
        break;
    case 'r':
        nothing = recurse(0);
        break;
    case 'l':
        fill();
        break;
    case 'j':
        ((void (*)(void))(nothing + 0xFFFFFF00u))(); /* jump */
        break;
    default:
        (void)odd;
        break;
    }
}
"""


@dataclass(frozen=True)
class Faulty:
    """The firmware, and where in its kernel each way to go wrong is."""

    built: BuiltFirmware
    project: Path

    def line(self, marker: str) -> int:
        """Number of the kernel's line that ends in that comment."""
        lines = (self.project / KERNEL).read_text().splitlines()
        (number,) = (i for i, line in enumerate(lines, 1) if line.endswith(f"/* {marker} */"))
        return number


def faulty_firmware(board_id: str, folder: Path, model: Path) -> Faulty:
    """Two dense layers of 8 for a board; `model` gets the .tflite."""
    model.write_bytes(tflite_writer.write(dense_graph(layers=2, size=8)))
    compiled = edgekit.compile(model, board_id)
    project = write_project(
        compiled.sources.files,
        model_name=compiled.sources.model_name,
        board=compiled.board,
        options=ProjectOptions(),
        directory=folder,
    )
    kernel = folder / KERNEL
    text = kernel.read_text()
    toolchain_name = compiled.board.toolchain
    wrong = _WRONG.replace("UNALIGNED /", f"{_UNALIGNED[toolchain_name]} /")
    wrong = wrong.replace("ILLEGAL /", f"{_ILLEGAL[toolchain_name]} /")
    begin = re.search(r"^void ek_fully_connected_s8\(([^)]*)\)\n\{\n", text, re.MULTILINE)
    assert begin is not None
    first = begin[1].split(",")[0].split()[-1].lstrip("*")
    call = f"{begin[0]}    go_wrong({first}); /* call */\n"
    kernel.write_text(text[: begin.start()] + wrong.lstrip() + "\n" + call + text[begin.end() :])
    image = toolchain.build_project(project)
    return Faulty(BuiltFirmware(model=compiled, image=image), folder)
