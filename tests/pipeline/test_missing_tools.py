"""What is not installed is named, with the package that has it."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from support.command import Command

import edgekit
from edgekit import boards, toolchain
from edgekit.pipeline import BuiltFirmware


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No compiler and no emulator, and no package that brings a compiler."""
    find = importlib.util.find_spec
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "ziglang" else find(name)
    )


@pytest.mark.usefixtures("bare")
def test_a_host_without_any_compiler(command: Command, model: Path):
    command("run", model).said(1, "no C compiler", "edgekit[zig]", "gcc")


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize(
    ("board", "package"),
    [
        ("qemu-cortex-m4", "gcc-arm-none-eabi"),
        ("qemu-riscv32", "gcc-riscv64-unknown-elf"),
        ("qemu-xtensa", "gcc-xtensa-lx106"),
    ],
)
def test_a_missing_cross_compiler(command: Command, model: Path, board: str, package: str):
    command("build", model, "--board", board).said(1, board, package, "install-debian-packages")


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize(
    ("board", "package"),
    [("qemu-cortex-m4", "qemu-system-arm"), ("qemu-riscv32", "qemu-system-misc")],
)
def test_a_missing_emulator(built: BuiltFirmware, model: Path, board: str, package: str):
    """Where the image was built before, or comes from elsewhere."""
    compiled = edgekit.compile(model, board)
    with (
        pytest.raises(edgekit.EdgekitError, match=f"{board} needs qemu-system-") as caught,
        edgekit.connect(BuiltFirmware(model=compiled, image=built.image)),
    ):
        pass
    assert package in str(caught.value.hint)


@pytest.mark.usefixtures("bare")
def test_the_doctor_says_what_to_install(command: Command):
    done = command("doctor")
    assert done.code == 1  # not even the host
    for package in ("gcc-arm-none-eabi", "qemu-system-arm", "edgekit[zig]"):
        assert package in "".join(done.stdout.split())
    assert all(toolchain.missing_for(board) for board in boards.all_boards())


def test_a_compiler_that_does_not_run_is_named(
    command: Command, model: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("CC", "false")
    command("run", model).said(1, "false --version failed", "reinstall")
