"""A board that computes wrong, dies, goes silent, or is another one: said so, and soon."""

from __future__ import annotations

import dataclasses
import functools
import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import serial
from support.command import Command
from support.firmware import is_running, ready
from support.pty_board import board_of, serial_port_of

import edgekit
from edgekit import emulators, link, toolchain
from edgekit.emulators import EmulatedBoard
from edgekit.errors import DeviceError, EmulatorError, LinkTimeoutError, VerificationError
from edgekit.link import Device, MemoryTransport, Status
from edgekit.pipeline import BuiltFirmware, CompiledModel
from edgekit.project import ProjectOptions, write_project


@pytest.fixture
def running(built: BuiltFirmware) -> Iterator[EmulatedBoard]:
    """The model on the board host."""
    with emulators.start(built.model.board, built.image) as board:
        yield board


# ---- wrong bytes -------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [0, 1])
def test_a_wrong_byte_is_counted_and_its_operator_named(compiled: CompiledModel, step: int):
    device = Device(MemoryTransport(board_of(compiled, wrong_step=step)))
    expected = (
        rf"of 24 output bytes differ from .*, first in input 0; the first to differ is "
        rf"step {step}, operator #{step} FULLY_CONNECTED"
    )
    with pytest.raises(VerificationError, match=expected) as caught:
        edgekit.measure(device, compiled, 3)
    assert "report it" in str(caught.value.hint)


@pytest.fixture
def interpreted(model: Path) -> CompiledModel:
    return edgekit.compile(model, "host", engine="tflm")


def shown(compiled: CompiledModel, *steps: int) -> CompiledModel:
    """The same model, of which only these steps show their outputs."""
    described = tuple(
        dataclasses.replace(step, shows_output=i in steps)
        for i, step in enumerate(compiled.sources.steps)
    )
    sources = dataclasses.replace(compiled.sources, steps=described)
    return dataclasses.replace(compiled, sources=sources)


@pytest.mark.parametrize(
    ("steps", "says"),
    [
        ((0, 1), "the first to differ is step 1, operator #1 FULLY_CONNECTED"),
        ((0,), "it lies in none of the operators whose outputs the engine shows"),
        ((), "the engine does not show what single operators computed"),
    ],
)
def test_of_an_interpreter_no_more_is_said_than_it_shows(
    interpreted: CompiledModel, steps: tuple[int, ...], says: str
):
    device = Device(MemoryTransport(board_of(interpreted, wrong_step=1)))
    with pytest.raises(VerificationError, match=says) as caught:
        edgekit.verify(device, shown(interpreted, *steps), 3)
    assert "library" in str(caught.value.hint)


def test_a_model_that_did_not_start_is_said_with_the_boards_last_words(interpreted: CompiledModel):
    board = board_of(interpreted)
    board.model_status = Status.ARENA
    board.log = "Failed to resize buffer. missing: 40\nthe model did not start: error 2\n"
    with pytest.raises(DeviceError, match="missing: 40\n") as caught:
        edgekit.verify(Device(MemoryTransport(board)), interpreted, 1)
    assert "status ARENA" in str(caught.value)
    assert "--arena" in str(caught.value.hint)


def test_a_board_that_is_right_is_measured(compiled: CompiledModel):
    measurement = edgekit.measure(Device(MemoryTransport(board_of(compiled))), compiled, 3)
    assert measurement.verify.mismatched_bytes == 0
    assert measurement.invoke.median > 0


@pytest.fixture(scope="session")
def wrong_port(compiled: CompiledModel, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A serial port to the firmware as it is built, but for one bit of one kernel's output."""
    folder = tmp_path_factory.mktemp("wrong")
    project = write_project(
        compiled.sources.files,
        model_name=compiled.sources.model_name,
        board=compiled.board,
        options=ProjectOptions(),
        directory=folder,
    )
    kernel = folder / "model" / "fully_connected_s8.c"
    text = kernel.read_text()
    parameters = re.findall(r"void ek_fully_connected_s8\(([^)]*)\)", text)[0]
    *_, out = names = [words.split()[-1].lstrip("*") for words in parameters.split(",")]
    kernel.write_text(
        text.replace("void ek_fully_connected_s8(", "static void right(")
        + f"void ek_fully_connected_s8({parameters})\n"
        + f"{{ right({', '.join(names)}); {out}[0] = (int8_t)({out}[0] ^ 1); }}\n"
    )
    image = toolchain.build_project(project)
    with emulators.start(compiled.board, image) as board:
        yield board.serial_port


@pytest.mark.parametrize("verb", ["verify", "bench", "profile"])
def test_a_wrong_kernel_gives_no_latency_and_no_file(
    command: Command, model: Path, wrong_port: str, tmp_path: Path, verb: str
):
    json = [] if verb == "verify" else ["--json", tmp_path / "m.json"]
    done = command(verb, model, "--port", wrong_port, *json)
    done.said(1, "output bytes differ from", "step 0, operator #0 FULLY_CONNECTED", "report it")
    assert list(tmp_path.iterdir()) == []


# ---- boards that die or go silent --------------------------------------------------------------


@pytest.fixture
def pids(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Of the boards that were started in the test."""
    found: list[int] = []
    start = emulators.start

    def recording(*arguments: Any) -> EmulatedBoard:
        board = start(*arguments)
        found.append(board.pid)
        return board

    monkeypatch.setattr(emulators, "start", recording)
    return found


def said_of(built: BuiltFirmware, talk: Callable[[Device], object]) -> tuple[str, float]:
    """The EmulatorError that ends a conversation, and how many seconds after its start."""
    began = time.monotonic()
    with pytest.raises(EmulatorError) as caught, edgekit.connect(built) as device:
        talk(device)
    return str(caught.value), time.monotonic() - began


def running_instead(built: BuiltFirmware, folder: Path, script: str) -> BuiltFirmware:
    """A shell script in place of the firmware."""
    elf = folder / "firmware"
    elf.write_text(f"#!/bin/sh\n{script}\n")
    elf.chmod(0o755)
    return dataclasses.replace(built, image=dataclasses.replace(built.image, elf=elf))


TWO_BOARDS = pytest.mark.parametrize(
    "board_id", ["host", pytest.param("qemu-cortex-m4", marks=pytest.mark.emulated)]
)


@TWO_BOARDS
@pytest.mark.parametrize("stage_to_die_in", ["verifying", "measuring"])
def test_a_board_that_is_killed_in_the_middle(
    model: Path, board_id: str, stage_to_die_in: str, pids: list[int]
):
    ready(board_id)
    built = edgekit.build(edgekit.compile(model, board_id))

    def talk(device: Device) -> None:
        assert device.hello.model_name == "dense"

        def kill(stage: str, done: int, total: int) -> None:
            if stage.startswith(stage_to_die_in) and done > 2:
                os.kill(pids[0], signal.SIGKILL)

        edgekit.measure(device, built.model, 16, runs=100_000_000, progress=kill)

    said, seconds = said_of(built, talk)
    assert f"{board_id}: " in said
    assert "ended with SIGKILL" in said
    assert seconds < 15  # of which the reference may take most
    assert not is_running(pids[0])


def test_the_last_words_of_a_board_are_shown(built: BuiltFirmware, tmp_path: Path):
    script = "head -c 5 >/dev/null; echo 'fault at 0x1234' >&2; exit 3"
    dying = running_instead(built, tmp_path, script)
    said, seconds = said_of(dying, lambda device: device.hello)
    assert "ended with exit code 3:\nfault at 0x1234" in said
    assert seconds < 5


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """As edgekit is, but in a fifth of the time."""
    monkeypatch.setattr(emulators, "_SILENT_S", 1.0)
    monkeypatch.setattr(link, "Device", functools.partial(Device, timeout_s=0.4))


@TWO_BOARDS
@pytest.mark.usefixtures("impatient")
def test_a_board_that_is_stopped_is_given_up_in_seconds(
    model: Path, board_id: str, pids: list[int]
):
    ready(board_id)
    built = edgekit.build(edgekit.compile(model, board_id))

    def talk(device: Device) -> None:
        assert device.hello.model_name == "dense"
        os.kill(pids[0], signal.SIGSTOP)
        device.invoke(1000)

    said, seconds = said_of(built, talk)
    assert f"{board_id} went silent: " in said
    assert f"{pids[0]}" in said
    assert 1 < seconds < 10
    assert not is_running(pids[0])


@pytest.mark.usefixtures("impatient")
def test_a_board_that_fell_asleep_with_a_word_shows_it(built: BuiltFirmware, tmp_path: Path):
    asleep = running_instead(built, tmp_path, "echo 'waiting for a clock' >&2; exec sleep 60")
    said, _ = said_of(asleep, lambda device: device.hello)
    assert "went silent" in said
    assert said.endswith("it last said:\nwaiting for a clock")


@pytest.mark.slow
def test_a_board_that_computes_is_waited_for(built: BuiltFirmware, tmp_path: Path):
    """The link's own patience decides, which is longer."""
    busy = running_instead(built, tmp_path, "while :; do :; done")
    with (
        pytest.raises(LinkTimeoutError, match="asked 5 times for HELLO"),
        edgekit.connect(busy) as device,
    ):
        _ = device.hello


# ---- boards behind a serial port ---------------------------------------------------------------


@pytest.mark.parametrize("verb", ["verify", "bench", "profile"])
def test_a_board_that_runs_already_is_left_running(
    command: Command, model: Path, running: EmulatedBoard, verb: str
):
    for _ in range(2):
        done = command(verb, model, "--port", running.serial_port)
        assert done.code == 0, done.stderr
        assert done.stdout
        running.check_alive()


def test_another_model_on_the_board_is_named(
    command: Command, other_model: Path, running: EmulatedBoard
):
    done = command("bench", other_model, "--port", running.serial_port)
    done.said(2, "the board runs model 'dense'", "not 'other'", "flash")
    running.check_alive()


def test_a_port_that_another_program_holds_is_named(
    command: Command, model: Path, running: EmulatedBoard
):
    with serial.Serial(running.serial_port, exclusive=True):
        done = command("verify", model, "--port", running.serial_port)
    done.said(2, running.serial_port, "in use by another program", "close")


def test_another_protocol_version_is_named(command: Command, model: Path, compiled: CompiledModel):
    board = board_of(compiled)
    board.version = 99
    with serial_port_of(board) as port:
        done = command("verify", model, "--port", port)
    done.said(1, port, "protocol 99", "flash the firmware")


def test_a_board_that_edgekit_does_not_know_is_named(
    command: Command, model: Path, compiled: CompiledModel
):
    board = board_of(compiled)
    board.board_id = "abacus"
    with serial_port_of(board) as port:
        command("verify", model, "--port", port).said(2, "'abacus'", port)


@pytest.mark.parametrize("after_requests", [1, 4, 9])
def test_a_port_that_vanishes_is_said_so(
    command: Command, model: Path, compiled: CompiledModel, after_requests: int
):
    board, left = board_of(compiled), iter(range(after_requests))

    def answer(sent: bytes) -> bytes | None:
        return None if next(left, None) is None else board(sent)

    with serial_port_of(answer) as port:
        done = command("verify", model, "--port", port)
    done.said(1, f"{port} vanished", "cable")


@pytest.mark.usefixtures("impatient")
def test_a_board_without_our_firmware_is_said_so(command: Command, model: Path):
    with serial_port_of(lambda _: b"login: ") as port:
        done = command("verify", model, "--port", port)
    done.said(1, f"{port}: asked 5 times for HELLO", "text that ends: login:", "flash the board")
