"""Real crashes of emulated boards: in the second layer's kernel, as its input tells it."""

from __future__ import annotations

import dataclasses
import random
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from support import faulty as ways
from support.faulty import Faulty

import edgekit
from edgekit import crashes
from edgekit.errors import EmulatorError
from edgekit.frontends import tflite_writer
from edgekit.pipeline import BuiltFirmware

pytestmark = pytest.mark.emulated

BOARDS = (
    *("qemu-cortex-m3", "qemu-cortex-m4", "qemu-cortex-m33"),
    *("qemu-riscv32", "qemu-xtensa", "pico-emulated"),
)
PREFIX = {
    "qemu-cortex-m3": "arm-none-eabi",
    "qemu-riscv32": "riscv64-unknown-elf",
    "qemu-xtensa": "xtensa-lx106-elf",
}
OPERATOR = "step 1, operator #1 FULLY_CONNECTED"

Firmware = Callable[[str], Faulty]


def death(built: BuiltFirmware, way: int) -> EmulatorError:
    """Of a board whose second layer goes wrong in that way."""

    def talk() -> None:
        with edgekit.connect(built) as device:
            device.write_input(0, bytes([way]) + bytes(7))
            device.invoke()

    with pytest.raises(EmulatorError) as caught:
        talk()
    return caught.value


@pytest.mark.parametrize(
    ("way", "function", "marker", "words"),
    [
        (ways.WILD, "go_wrong", "wild", "0xfffffff0 was "),
        (ways.UNALIGNED, "go_wrong", "unaligned", "no multiple of the size of what is there"),
        (ways.ILLEGAL, "go_wrong", "illegal", "built for another core"),
        (ways.JUMP, "go_wrong", "jump", "points to no code (pc 0xffffff00)"),
    ],
)
@pytest.mark.parametrize("board_id", BOARDS)
def test_a_fault_is_told_with_function_line_operator_and_cause(
    faulty: Firmware, board_id: str, way: int, function: str, marker: str, words: str
):
    firmware = faulty(board_id)
    error = death(firmware.built, way)
    place = f"in {function} at {ways.KERNEL}:{firmware.line(marker)} ({OPERATOR})"
    assert str(error).startswith(f"{board_id} crashed: ")
    assert place in str(error)
    if board_id == "pico-emulated" and way != ways.JUMP:
        words = "an Armv6-M core tells no more"
    assert words in str(error)
    assert re.search(r"from 0x[0-9a-f]{8} step_1_fully_connected", str(error))
    assert error.hint is not None
    assert isinstance(error.__cause__, EmulatorError)
    assert "edgekit: fault, " in str(error.__cause__)


@pytest.mark.parametrize("board_id", ["qemu-riscv32", "qemu-xtensa"])
def test_a_null_pointer_is_told(faulty: Firmware, board_id: str):
    """On the Cortex-M boards there is memory at address 0."""
    firmware = faulty(board_id)
    said = str(death(firmware.built, ways.NULL))
    assert f"in use_null at {ways.KERNEL}:{firmware.line('null')} ({OPERATOR})" in said
    assert "a null pointer was " in said


@pytest.mark.parametrize("board_id", BOARDS)
def test_a_recursion_without_an_end_is_told(faulty: Firmware, board_id: str):
    firmware = faulty(board_id)
    error = death(firmware.built, ways.RECURSION)
    first = str(error).splitlines()[0]
    assert "crashed: stack overflow, " in first
    assert " recurse at " in first and OPERATOR in first
    assert "the stack of 16,384 bytes" in first
    if board_id != "qemu-xtensa":  # which only faults far below its stack: few calls are known
        assert "calls itself" in first
        assert error.hint is not None and "end the recursion" in error.hint


@pytest.mark.parametrize("board_id", [b for b in BOARDS if b != "qemu-xtensa"])
def test_a_frame_that_is_too_large_is_told(faulty: Firmware, board_id: str):
    """On the LX60 there is memory below the stack: it survives."""
    error = death(faulty(board_id).built, ways.LARGE_FRAME)
    assert "crashed: stack overflow, " in str(error)
    assert OPERATOR in str(error)
    assert "32,768 bytes" in str(error.hint)
    if board_id == "qemu-riscv32":  # Cortex-M does not tell the pc
        line = faulty(board_id).line("large frame")
        assert f"in fill at {ways.KERNEL}:{line}" in str(error)


def test_a_crash_of_another_build_gets_no_lines(faulty: Firmware):
    """Its addresses alone would pass for this one's."""
    firmware = faulty("qemu-cortex-m4")
    said = str(death(firmware.built, ways.WILD).__cause__)
    build_id = firmware.built.image.build_id
    assert f"+{build_id}\n" in said
    (crash,) = crashes.parse(said)
    assert crash.build_id == build_id
    elf = firmware.built.image.elf
    assert crashes.symbolize(crash, elf).refusal is None
    (other,) = crashes.parse(said.replace(build_id, "0123456789abcdef"))
    diagnosis = crashes.symbolize(other, elf)
    assert diagnosis.refusal == f"the board runs build 0123456789abcdef, {elf.name} is another"
    assert diagnosis.frames == ()


def test_firmware_that_does_not_go_wrong_answers(faulty: Firmware):
    with edgekit.connect(faulty("qemu-cortex-m3").built) as device:
        device.write_input(0, bytes(8))
        assert len(device.invoke(2)) == 2


def test_words_that_are_no_crash_are_shown_as_they_are(faulty: Firmware, tmp_path: Path):
    host = edgekit.build(edgekit.compile(dense(tmp_path), "host"))
    elf = tmp_path / "firmware"
    elf.write_text("#!/bin/sh\nhead -c 5 >/dev/null; echo 'out of luck' >&2; exit 3\n")
    elf.chmod(0o755)
    dying = dataclasses.replace(host, image=dataclasses.replace(host.image, elf=elf))
    with pytest.raises(EmulatorError, match="out of luck"), edgekit.connect(dying) as device:
        _ = device.hello


def test_words_of_a_crash_without_an_elf_are_shown_as_they_are(faulty: Firmware, tmp_path: Path):
    host = edgekit.build(edgekit.compile(dense(tmp_path), "host"))
    elf = tmp_path / "firmware"
    elf.write_text(
        "#!/bin/sh\nhead -c 5 >/dev/null; echo 'edgekit: fault, cause 0x7 at pc 0x8' >&2; exit 3\n"
    )
    elf.chmod(0o755)
    dying = dataclasses.replace(host, image=dataclasses.replace(host.image, elf=elf))
    with pytest.raises(EmulatorError, match="fault, cause 0x7"), edgekit.connect(dying) as device:
        _ = device.hello


def dense(folder: Path) -> Path:
    path = folder / "dense.tflite"
    path.write_bytes(tflite_writer.write(ways.dense_graph(layers=2, size=8)))
    return path


@pytest.mark.parametrize("board_id", sorted(PREFIX))
def test_places_are_those_of_addr2line(faulty: Firmware, board_id: str):
    """Functions, inlined ones too, and lines, at addresses in all of the firmware's own code."""
    elf = faulty(board_id).built.image.elf
    image = crashes.open_image(elf)
    named = [s for s in image.functions if s.size_bytes and s.name.startswith(("ek_", "step_"))]
    every = sorted({a for s in named for a in range(s.address, s.address + s.size_bytes, 2)})
    chosen = random.Random(1).sample(every, 400)
    said = subprocess.run(
        [f"{PREFIX[board_id]}-addr2line", "-a", "-f", "-i", "-e", str(elf)],
        input="\n".join(map(hex, chosen)),
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    expected: dict[int, list[str]] = {}
    for line in said:
        if line.startswith("0x"):
            address = int(line, 16)
            expected[address] = []
        else:
            expected[address].append(line.split(" (discriminator")[0].rpartition("/")[2])
    for address in chosen:
        got: list[str] = []
        for function in image.debugging.at(address):
            assert function.at is not None
            # of two functions that the compiler found to be the same, one is only a symbol
            symbol = image.function_at(address)
            assert symbol is not None
            place = f"{function.at.file}:{function.at.line}".rpartition("/")[2]
            got += [function.name or symbol.name, place]
        assert got == expected[address], hex(address)
