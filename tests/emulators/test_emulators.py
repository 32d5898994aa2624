from __future__ import annotations

import contextlib
import os
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import serial
from support.firmware import DRILL, EVERY_BOARD, is_running, ready, tiny_project

from edgekit import boards, emulators, toolchain
from edgekit.boards import Board
from edgekit.emulators import EmulatedBoard
from edgekit.errors import BoardError, EmulatorError, LinkError, ToolMissingError
from edgekit.toolchain import FirmwareImage

TIMEOUT_S = 20.0
POWER_ON, SOFTWARE = 1, 2

#: Those that count instructions.
COUNTING = [param for param in EVERY_BOARD if param.values[0] != "host"]

Start = Callable[[str], "Drill"]


class Drill:
    """A running drill.c, and a serial port to it."""

    def __init__(self, board: Board, running: EmulatedBoard) -> None:
        self.board, self.running = board, running
        self.port = serial.Serial(running.serial_port, 115200, timeout=TIMEOUT_S)

    def read(self, size: int) -> bytes:
        got = self.port.read(size)
        assert len(got) == size, f"{len(got)} of {size} bytes; {self.running.last_output()}"
        return bytes(got)

    def numbers(self, count: int) -> tuple[int, ...]:
        return struct.unpack(f"<{count}Q", self.read(8 * count))

    def echo(self, content: bytes) -> bytes:
        self.port.write(b"E" + bytes([len(content)]) + content)
        return self.read(len(content))

    def invoke(self, inputs: bytes) -> tuple[float, bytes]:
        self.port.write(b"I" + inputs)
        ticks, ticks_hz = self.numbers(2)
        return self.board.count_of(ticks, ticks_hz), self.read(16)

    def death(self, command: bytes) -> str:
        self.port.write(command)
        deadline = time.monotonic() + TIMEOUT_S
        while self.running.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        with pytest.raises(EmulatorError) as caught:
            self.running.check_alive()
        return str(caught.value)


def is_program(board: Board) -> bool:
    """True where an operating system runs the firmware: it knows exit codes and signals."""
    return board.emulator is not None and board.emulator.kind in ("process", "qemu-user")


@pytest.fixture(scope="session")
def drill_image(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Board], FirmwareImage]:
    def build(board: Board) -> FirmwareImage:
        directory = tmp_path_factory.mktemp(board.id)
        return toolchain.build_project(tiny_project(board, directory, main=DRILL))

    return build


@pytest.fixture
def start(drill_image: Callable[[Board], FirmwareImage]) -> Iterator[Start]:
    with contextlib.ExitStack() as stack:

        def start_board(board_id: str) -> Drill:
            board = ready(board_id)
            running = stack.enter_context(emulators.start(board, drill_image(board)))
            drill = Drill(board, running)
            stack.callback(drill.port.close)
            return drill

        yield start_board


@pytest.mark.parametrize("board_id", EVERY_BOARD)
def test_a_board_answers_over_its_serial_port(board_id: str, start: Start):
    drill = start(board_id)
    content = bytes(range(256))[:255]
    assert drill.echo(content) == content
    assert drill.running.poll() is None
    assert drill.running.last_output() == ""
    drill.running.check_alive()
    drill.running.explain(LinkError("only a lost frame"))


@pytest.mark.parametrize("board_id", EVERY_BOARD)
def test_start_up_sets_variables_and_the_stack_and_a_reset_does_so_again(
    board_id: str, start: Start
):
    drill = start(board_id)
    for cause in (POWER_ON, SOFTWARE, SOFTWARE):
        drill.port.write(b"S")
        reset_cause, initialised, stack_bytes = drill.numbers(3)
        assert (reset_cause, initialised) == (cause, 1)
        assert 15 * 1024 < stack_bytes < 80 * 1024
        drill.port.write(b"R")
        time.sleep(0.3)  # bytes sent while a board resets may be lost
    assert drill.echo(b"still here") == b"still here"


@pytest.mark.parametrize("board_id", EVERY_BOARD)
def test_a_read_waits_as_long_as_it_was_told(board_id: str, start: Start):
    drill = start(board_id)
    drill.echo(b"x")
    before = time.monotonic()
    drill.port.write(b"W")  # 200 ms
    assert drill.numbers(1) == (1,)
    assert 0.15 < time.monotonic() - before < 5
    assert drill.echo(b"y") == b"y"


@pytest.mark.parametrize("board_id", EVERY_BOARD)
def test_the_model_computes_on_the_board(board_id: str, start: Start):
    inputs = bytes(range(100, 116))
    count, outputs = start(board_id).invoke(inputs)
    assert outputs == bytes((3 * x + i + 1) % 256 for i, x in enumerate(inputs))
    assert count > 0


@pytest.mark.parametrize("board_id", COUNTING)
def test_instructions_are_the_same_in_every_process(board_id: str, start: Start):
    counts = [start(board_id).invoke(bytes(16))[0] for _ in range(2)]
    board = start(board_id)
    counts += [board.invoke(bytes(16))[0] for _ in range(3)]
    assert len(set(counts)) == 1
    assert 50 < counts[0] < 500


@pytest.mark.parametrize("board_id", EVERY_BOARD)
def test_a_fault_ends_the_board_with_its_last_words(board_id: str, start: Start):
    drill = start(board_id)
    words = drill.death(b"F")
    if is_program(drill.board):
        assert "ended with SIGSEGV" in words
    else:
        assert "ended with exit code 1" in words
        assert "edgekit: fault, " in words


@pytest.mark.parametrize("board_id", EVERY_BOARD)
def test_a_stack_overflow_ends_the_board(board_id: str, start: Start):
    words = start(board_id).death(b"O")
    assert "SIGSEGV" in words or "edgekit: fault, " in words


@pytest.mark.parametrize("board_id", EVERY_BOARD)
def test_a_firmware_that_ends_ends_the_board(board_id: str, start: Start):
    drill = start(board_id)
    words = drill.death(b"Q")
    assert f"ended with exit code {3 if is_program(drill.board) else 1}, without a word" in words


@pytest.mark.slow
@pytest.mark.emulated
def test_ticks_are_right_beyond_the_timers_32_bits(start: Start):
    drill = start("qemu-cortex-m4")
    counts = []
    for rounds in (1, 16):
        drill.port.write(b"L" + bytes([rounds]))
        ticks, ticks_hz = drill.numbers(2)
        counts.append(drill.board.count_of(ticks, ticks_hz))
    assert ticks > 2**32
    assert counts[1] - counts[0] == 15 * 3 * 2**24


def test_a_killed_board_is_an_emulator_error_that_names_the_signal(start: Start):
    drill = start("host")
    drill.echo(b"x")
    os.kill(drill.running.pid, signal.SIGKILL)
    with pytest.raises(EmulatorError, match="SIGKILL") as caught:
        drill.running.explain(LinkError("no answer"))
    assert isinstance(caught.value.__cause__, LinkError)


@pytest.mark.emulated
def test_a_killed_qemu_is_an_emulator_error(start: Start):
    drill = start("qemu-cortex-m3")
    drill.echo(b"x")
    os.kill(drill.running.pid, signal.SIGKILL)
    with pytest.raises(EmulatorError, match="qemu-system-arm ended with SIGKILL"):
        drill.running.explain(LinkError("no answer"))


@pytest.mark.parametrize(
    "board_id", ["host", pytest.param("qemu-riscv32", marks=pytest.mark.emulated)]
)
def test_closing_leaves_no_process_and_may_be_done_twice(board_id: str, start: Start):
    running = start(board_id).running
    assert is_running(running.pid)
    running.close()
    running.close()
    assert not is_running(running.pid)
    assert running.poll() is not None
    assert running.last_output() == ""


def test_a_stopped_board_is_killed(start: Start):
    """One that does not react to being asked."""
    running = start("host").running
    os.kill(running.pid, signal.SIGSTOP)
    running.close()
    assert not is_running(running.pid)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_no_board_outlives_the_python_that_started_it(
    number: signal.Signals, drill_image: Callable[[Board], FirmwareImage]
):
    elf = drill_image(ready("host")).elf
    program = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from edgekit import boards, emulators\n"
        "board = emulators.start(boards.load('host'), Path(sys.argv[1]))\n"
        "print(board.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(elf)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as python:
        assert python.stdout is not None
        pid = int(python.stdout.readline())
        assert is_running(pid)
        python.send_signal(number)
        python.wait(10)
    deadline = time.monotonic() + 10
    while is_running(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not is_running(pid)


def test_the_serial_port_can_be_opened_again(start: Start):
    drill = start("host")
    for _ in range(3):
        assert drill.echo(b"abc") == b"abc"
        drill.port.close()
        drill.port.open()


def test_a_missing_emulator_names_the_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolMissingError, match="qemu-system-xtensa") as caught:
        emulators.start(boards.load("qemu-xtensa"), tmp_path / "firmware.elf")
    assert "qemu-system-misc" in str(caught.value.hint)


def test_an_image_that_is_not_there_is_an_emulator_error(tmp_path: Path):
    with pytest.raises(EmulatorError, match="host does not start"):
        emulators.start(boards.load("host"), tmp_path / "firmware.elf")


@pytest.mark.emulated
def test_what_qemu_complains_about_is_in_the_error(tmp_path: Path):
    (tmp_path / "firmware.elf").write_bytes(b"no ELF")
    board = ready("qemu-riscv32").model_copy()
    assert board.emulator is not None
    broken = board.emulator.model_copy(update={"args": ("-M", "no-such-machine")})
    with emulators.start(
        board.model_copy(update={"emulator": broken}), tmp_path / "firmware.elf"
    ) as running:
        deadline = time.monotonic() + TIMEOUT_S
        while running.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        with pytest.raises(EmulatorError, match="unsupported machine type"):
            running.check_alive()


def test_a_real_board_cannot_be_started(tmp_path: Path):
    real = boards.load("host").model_copy(update={"emulator": None})
    with pytest.raises(BoardError, match="real board"):
        emulators.start(real, tmp_path / "firmware.elf")
