"""The plugin that counts instructions in QEMU's user mode, and what is said without it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from support.firmware import ready

from edgekit.boards import load
from edgekit.errors import ToolMissingError
from edgekit.toolchain import find_compiler, qemu_plugin

#: Shows what the counter says before and after 1000 rounds of two instructions.
PROGRAM = """
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>

__attribute__((noinline)) static uint64_t rounds(const volatile uint64_t *executed, uint64_t count)
{
    const uint64_t start = *executed;
    __asm__ volatile("1: subs %0, %0, #1\\n\\tb.ne 1b" : "+r"(count) : : "cc");
    return *executed - start;
}

int main(void)
{
    const uint64_t *executed = mmap(NULL, 8, PROT_READ, MAP_SHARED, 7, 0);
    if (executed == MAP_FAILED) {
        return 1;
    }
    const uint64_t few = rounds(executed, 1000), many = rounds(executed, 5000);
    printf("%u", (unsigned)(many - few));
    return 0;
}
"""


@pytest.fixture
def board():
    return ready("qemu-cortex-a53")


@pytest.mark.emulated
def test_every_instruction_is_counted_once(board, tmp_path: Path):
    source, program = tmp_path / "rounds.c", tmp_path / "rounds"
    source.write_text(PROGRAM.replace("\\\\", "\\"))
    compiler = find_compiler(board)
    subprocess.run([*compiler.command, "-O2", "-static", source, "-o", program], check=True)
    plugin = qemu_plugin.instruction_counter("qemu-aarch64")
    command = ["qemu-aarch64", "-plugin", f"{plugin},fd=7", program]
    for _ in range(2):
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
        assert int(done.stdout) == 2 * 4000


@pytest.mark.emulated
def test_it_is_compiled_once(board):
    first = qemu_plugin.instruction_counter("qemu-aarch64")
    made_at = first.stat().st_mtime_ns
    qemu_plugin._compiled.cache_clear()
    assert qemu_plugin.instruction_counter("qemu-aarch64") == first
    assert first.stat().st_mtime_ns == made_at
    assert [path for path in first.parent.iterdir() if path.is_dir()] == []


@pytest.mark.emulated
def test_a_wrong_argument_is_said(board):
    plugin = qemu_plugin.instruction_counter("qemu-aarch64")
    command = ["qemu-aarch64", "-plugin", str(plugin), "/nowhere"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode != 0
    assert "instruction_counter: give fd=N" in done.stderr


@pytest.mark.emulated
def test_a_compiler_that_makes_no_plugins_is_said(
    board, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    compiler = tmp_path / "cc"
    compiler.write_text(
        '#!/bin/sh\n[ "$1" != --version ] || exec echo no-cc 1.0\necho out of luck >&2\nexit 1\n'
    )
    compiler.chmod(0o755)
    monkeypatch.setenv("CC", str(compiler))
    monkeypatch.setenv("EDGEKIT_CACHE", str(tmp_path / "cache"))
    with pytest.raises(ToolMissingError, match="counter: out of luck"):
        qemu_plugin.instruction_counter("qemu-aarch64")


@pytest.mark.parametrize(("version", "interface"), [("7.2.22", 1), ("9.0.0", 2), ("10.1.2", 2)])
def test_newer_qemu_wants_a_newer_interface(version: str, interface: int, tmp_path: Path):
    qemu = tmp_path / "qemu-aarch64"
    qemu.write_text(f"#!/bin/sh\necho qemu-aarch64 version {version}\n")
    qemu.chmod(0o755)
    assert qemu_plugin._interface_of(str(qemu)) == interface


@pytest.mark.parametrize(
    ("board_id", "framework"),
    [
        *(
            (pi, framework)
            for pi in ("rpi-zero2w", "rpi-3", "rpi-4", "rpi-5")
            for framework in ("linux64", "linux32")
        ),
        ("rpi-zero", None),
    ],
)
def test_a_pis_program_is_that_of_an_emulated_cpu(board_id: str, framework: str | None):
    """So what is proven on the one holds for the other."""
    pi = load(board_id, framework)
    emulated = {
        "rpi-zero": "qemu-arm1176",
        "rpi-zero2w": "qemu-cortex-a53",
        "rpi-3": "qemu-cortex-a53",
        "rpi-4": "qemu-cortex-a53",  # whose instructions the A72 has, and no others
        "rpi-5": "qemu-cortex-a76",
    }
    cpu = load("qemu-cortex-a7" if framework == "linux32" else emulated[board_id])
    assert (pi.toolchain, pi.isa, pi.port) == (cpu.toolchain, cpu.isa, cpu.port)
    if board_id != "rpi-4" or framework == "linux32":
        assert pi.isa_flags == cpu.isa_flags
