"""The package ziglang in the place of a RISC-V compiler that is missing."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest
from support.firmware import ready, tiny_project

from edgekit import boards, emulators, link, toolchain
from edgekit.errors import ToolMissingError
from edgekit.toolchain import zig_riscv
from edgekit.toolchain.direct_boot import MAGIC


@pytest.fixture
def without_riscv_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A PATH with all the programs that there are, but for RISC-V's compiler."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for directory in filter(None, os.environ["PATH"].split(os.pathsep)):
        for program in Path(directory).glob("*"):
            link = programs / program.name
            if not program.name.startswith("riscv64-unknown-elf") and not os.path.lexists(link):
                link.symlink_to(program)
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setenv("EDGEKIT_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def zig() -> Path:
    directory = zig_riscv.package()
    if directory is None:
        pytest.skip("the package ziglang is not installed")
    return directory


def test_flags_of_gcc_become_those_of_zig_and_the_rest_stays(tmp_path: Path):
    flags = ["--specs=picolibc.specs", "-march=rv32imc", "-mabi=ilp32", "-O2", "-c", "a b.c"]
    words = zig_riscv.arguments_for_zig(flags, zig=tmp_path / "zig", directory=tmp_path)
    assert words[:2] == ["-target", "riscv32-freestanding-none"]
    assert words[-5:] == ["-mcpu=generic_rv32+m+c", "-mabi=ilp32", "-O2", "-c", "a b.c"]
    assert "--specs=picolibc.specs" not in words


def test_symbols_and_the_entry_go_into_the_linker_script(tmp_path: Path):
    (tmp_path / "build").mkdir()
    script = tmp_path / "a script.ld"
    script.write_text("/* ENTRY(no) */\nENTRY(start)\nMEMORY { M : ORIGIN = at, LENGTH = size }\n")
    flags = [f"-T{script}", "-Wl,--defsym=at=0x42", "-Wl,--defsym=size=16", "-Wl,--gc-sections"]
    words = zig_riscv.arguments_for_zig(flags, zig=tmp_path, directory=tmp_path / "build")
    changed = tmp_path / "build" / "a script.ld"
    assert words[-3:] == [f"-T{changed}", "-Wl,--entry=start", "-Wl,--gc-sections"]
    assert changed.read_text() == "at = 0x42;\nsize = 16;\n" + script.read_text()


def test_zig_is_taken_only_where_the_compiler_is_missing(zig: Path, without_riscv_compiler: None):
    del zig, without_riscv_compiler
    for board in (boards.load("esp32-c3", "none"), boards.load("qemu-riscv32")):
        compiler = toolchain.find_compiler(board)
        assert compiler.name == "zig cc"
        assert compiler.command == (sys.executable, zig_riscv.__file__)
    tools = {tool.name: tool for tool in toolchain.tools()}
    assert tools["riscv64-unknown-elf-gcc"].found
    assert tools["riscv64-unknown-elf-gcc"].version.startswith("zig cc ")
    if shutil.which("arm-none-eabi-gcc") is None:
        with pytest.raises(ToolMissingError, match="qemu-cortex-m4 needs arm-none-eabi-gcc"):
            toolchain.find_compiler(boards.load("qemu-cortex-m4"))


@pytest.mark.emulated
def test_the_boards_own_compiler_comes_first():
    if shutil.which("riscv64-unknown-elf-gcc") is None:
        pytest.skip("there is no riscv64-unknown-elf-gcc")
    compiler = toolchain.find_compiler(boards.load("esp32-c3", "none"))
    assert compiler.name == "riscv64-unknown-elf-gcc"


@pytest.mark.slow
def test_zig_makes_an_image_that_the_rom_starts(
    zig: Path, without_riscv_compiler: None, tmp_path: Path
):
    del zig, without_riscv_compiler
    board = boards.load("esp32-c3", "none")
    image = toolchain.build_project(tiny_project(board, tmp_path / "project"))
    assert image.toolchain.startswith("zig cc ")
    content = image.flash_parts[0].path.read_bytes()
    assert content[:8] == 2 * MAGIC.to_bytes(4, "little")
    assert image.inference_flash_bytes < len(content) < 64 * 1024


@pytest.mark.slow
@pytest.mark.emulated
def test_what_zig_makes_computes_on_an_emulated_board(
    zig: Path, without_riscv_compiler: None, tmp_path: Path
):
    del zig, without_riscv_compiler
    board = ready("qemu-riscv32")
    image = toolchain.build_project(tiny_project(board, tmp_path / "project"))
    assert image.toolchain.startswith("zig cc ")
    with (
        emulators.start(board, image) as running,
        link.Device(link.SerialTransport(running.serial_port)) as device,
    ):
        assert device.hello.build_id == image.build_id
        device.write_input(0, bytes(range(16)))
        (instructions,) = device.invoke()
        outputs = device.read_output(0)
    assert instructions > 16
    assert outputs == bytes((3 * x + i + 1) % 256 for i, x in enumerate(range(16)))
