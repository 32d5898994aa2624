"""A Linux board behind a real sshd: measured, refused, lost and killed, and nothing left there."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import venv
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from support.command import Command
from support.linux_board import LAUNCHER, linux_board
from support.sshd import HOST, Sshd

from edgekit import boards, pipeline, toolchain
from edgekit.errors import RemoteError, UserError, WrongBoardError
from edgekit.link import Device
from edgekit.pipeline import BuiltFirmware, Where, linux, on_board
from edgekit.progress import silent
from edgekit.remote import ThisMachine

AARCH64, ARM, X86_64 = 183, 40, 62
THERE = Where(host=HOST, launcher=LAUNCHER)


@pytest.fixture
def on_linux(built: BuiltFirmware) -> BuiltFirmware:
    """The model, built for a Linux board."""
    model = dataclasses.replace(built.model, board=linux_board())
    return dataclasses.replace(built, model=model)


def test_a_model_is_measured_behind_ssh(server: Sshd, on_linux: BuiltFirmware):
    with on_board(on_linux, None, THERE, silent) as device:
        done = pipeline.measure(device, on_linux.model, 3, image=on_linux.image, runs=5)
    assert done.verify.mismatched_bytes == 0 < done.verify.compared_bytes
    assert done.invoke.unit == "us" and done.invoke.count == 5
    assert done.emulated  # this computer is no such board
    assert done.system is not None
    assert done.system.kernel == f"{os.uname().release} {os.uname().machine}"
    assert done.system.launcher == "env"


def test_a_model_is_measured_on_this_computer(on_linux: BuiltFirmware):
    with on_board(on_linux, None, Where(launcher=LAUNCHER), silent) as device:
        done = pipeline.measure(device, on_linux.model, 1, runs=2)
    assert done.verify.mismatched_bytes == 0
    assert done.system is not None


@pytest.mark.emulated
@pytest.mark.parametrize(
    ("board", "framework", "launcher"),
    [
        ("rpi-4", "linux64", "qemu-aarch64 -cpu cortex-a72"),
        ("rpi-4", "linux32", "qemu-arm -cpu cortex-a7"),
        ("rpi-zero", None, "qemu-arm -cpu arm1176"),
    ],
)
def test_a_pi_is_measured_behind_ssh(
    server: Sshd,
    command: Command,
    model: Path,
    tmp_path: Path,
    board: str,
    framework: str | None,
    launcher: str,
):
    """Its own program, from the command line; the emulator on the other side plays its CPU."""
    missing = toolchain.missing_for(boards.load(board, framework))
    if missing or shutil.which(launcher.split()[0]) is None:
        pytest.skip(f"needs {', '.join(missing) or launcher}")
    words = () if framework is None else ("--framework", framework)
    there = ("--board", board, *words, "--host", HOST, "--launcher", launcher)
    done = command("run", model, *there, "--runs", 3, "--json", tmp_path / "m.json")
    assert done.code == 0, done.stderr
    assert f"{board} (emulated)" in done.stdout
    assert f"{launcher}: what it costs is in the latency" in done.stdout
    document = json.loads((tmp_path / "m.json").read_text())
    assert document["verify"]["mismatched_bytes"] == 0 < document["verify"]["compared_bytes"]
    assert document["system"]["launcher"] == launcher


def test_a_model_is_measured_in_litert_behind_ssh(server: Sshd, command: Command, model: Path):
    pytest.importorskip("ai_edge_litert")
    there = ("--board", "rpi-4", "--host", HOST, "--launcher", "env")
    done = command(
        "run", model, *there, "--engine", "litert", "--python", sys.executable, "--json", "-"
    )
    assert done.code == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["engine_version"].startswith("ai-edge-litert ")
    assert document["system"]["launcher"] == "env"
    assert document["verify"]["compared_bytes"] > 0


def test_a_python_without_litert_behind_ssh_is_told_how_to_get_it(
    server: Sshd, command: Command, model: Path, tmp_path: Path
):
    venv.create(tmp_path / "bare", with_pip=False)
    python = str(tmp_path / "bare" / "bin" / "python")
    there = ("--board", "rpi-4", "--host", HOST, "--launcher", "env", "--python", python)
    done = command("run", model, *there, "--engine", "litert")
    done.said(1, f"{HOST}: {python} has no numpy", "pip install ai-edge-litert")


# ---- machines that are not the board ------------------------------------------------------------


def test_without_a_host_this_computer_must_be_the_board(on_linux: BuiltFirmware):
    with (
        pytest.raises(UserError, match="this computer is no Raspberry Pi X") as caught,
        on_board(on_linux, None, Where(), silent),
    ):
        pass
    assert "--host" in str(caught.value.hint)


def test_another_computer_behind_ssh_is_refused_before_anything_is_put(
    server: Sshd, on_linux: BuiltFirmware
):
    with (
        pytest.raises(WrongBoardError, match="pi is no Raspberry Pi X: it is ") as caught,
        on_board(on_linux, None, Where(host=HOST), silent),
    ):
        pass
    assert "--board" in str(caught.value.hint)


class Pi(ThisMachine):
    """A machine that says of itself what it is told to."""

    name = "pi"

    def __init__(self, kind: str, chip: str) -> None:
        self._kind, self._chip = kind, chip

    def run(self, command: Sequence[str], *, timeout_s: float = 30.0) -> str:
        assert list(command) == ["uname", "-m"]
        return f"{self._kind}\n"

    def read(self, path: str) -> str | None:
        if path == "/proc/device-tree/model":
            return "Raspberry Pi Y Rev 1.0\0"
        return f"raspberrypi,y\0{self._chip}\0" if self._chip else None


def program_for(machine: int) -> bytes:
    return b"\x7fELF".ljust(18, b"\0") + machine.to_bytes(2, "little")


@pytest.mark.parametrize(
    ("kind", "program", "frameworks", "isa", "said", "hint"),
    [
        ("armv7l", AARCH64, ("linux64", "linux32"), (), "a 32-bit armv7l system", "linux32"),
        ("armv7l", AARCH64, (), (), "a 32-bit armv7l system", "--board"),
        ("armv6l", ARM, ("linux64", "linux32"), ("neon",), "a 32-bit armv6l system", "--board"),
        ("x86_64", AARCH64, ("linux64", "linux32"), (), "an x86_64 system", "--launcher"),
        ("riscv64", ARM, (), (), "an riscv64 system", "--launcher"),
    ],
)
def test_a_machine_of_another_architecture_is_refused(
    kind: str, program: int, frameworks: tuple[str, ...], isa: tuple[str, ...], said: str, hint: str
):
    board = linux_board().model_copy(update={"frameworks": frameworks, "isa": isa})
    with pytest.raises(WrongBoardError, match=said) as caught:
        linux.refuse_another(board, program_for(program), Pi(kind, "brcm,bcm9999"), ())
    assert hint in str(caught.value.hint)


@pytest.mark.parametrize(
    ("kind", "program", "chip", "launcher", "played"),
    [
        ("aarch64", AARCH64, "brcm,bcm9999", (), False),
        ("aarch64", ARM, "brcm,bcm9999", (), False),
        ("armv7l", ARM, "brcm,bcm9999", (), False),
        ("aarch64", AARCH64, "brcm,bcm9999", ("taskset", "-c", "3"), False),
        ("aarch64", AARCH64, "brcm,bcm1111", ("env",), True),
        ("aarch64", AARCH64, "", ("env",), True),
        ("x86_64", AARCH64, "brcm,bcm9999", ("qemu-aarch64",), True),
    ],
)
def test_what_plays_a_board_is_told_from_one(
    kind: str, program: int, chip: str, launcher: tuple[str, ...], played: bool
):
    there = Pi(kind, chip)
    assert linux.refuse_another(linux_board(), program_for(program), there, launcher) is played


def test_another_pi_is_named():
    with pytest.raises(WrongBoardError, match=r"no Raspberry Pi X: it is Raspberry Pi Y Rev 1\.0$"):
        linux.refuse_another(linux_board(), program_for(ARM), Pi("armv7l", "brcm,bcm1111"), ())


# ---- programs that end --------------------------------------------------------------------------


@contextlib.contextmanager
def invoking(on_linux: BuiltFirmware, where: Where = THERE) -> Iterator[Device]:
    """A device that has run the model once."""
    with on_board(on_linux, None, where, silent) as device:
        device.invoke()
        yield device


def firmware_processes(server: Sshd) -> list[int]:
    """Those of the other side."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # gone meanwhile
            if (entry / "cmdline").read_bytes().startswith(os.fsencode(server.places)):
                found.append(int(entry.name))
    return found


def test_a_program_that_is_killed_is_said(server: Sshd, on_linux: BuiltFirmware):
    def killed() -> None:
        with invoking(on_linux) as device:
            (program,) = firmware_processes(server)
            os.kill(program, signal.SIGKILL)
            device.invoke()

    with pytest.raises(RemoteError, match="the program on pi ended with SIGKILL") as caught:
        killed()
    assert "memory" in str(caught.value.hint)


def test_a_connection_that_is_lost_in_an_invoke_is_said(server: Sshd, on_linux: BuiltFirmware):
    """The program is stopped, as if its invoke took long, and must not be left behind."""
    cut = threading.Timer(0.3, server.cut)

    def lost() -> None:
        with invoking(on_linux) as device:
            (program,) = firmware_processes(server)
            os.kill(program, signal.SIGSTOP)
            cut.start()
            device.invoke()

    with pytest.raises(RemoteError, match="the connection to pi was lost") as caught:
        lost()
    cut.join()
    assert "network" in str(caught.value.hint)
    assert server.left() == []


def test_a_program_that_hangs_is_given_up_and_ended(server: Sshd, on_linux: BuiltFirmware):
    with on_board(on_linux, None, THERE, silent) as device:
        hello = device.hello
        (program,) = firmware_processes(server)
        os.kill(program, signal.SIGSTOP)
    assert hello.build_id == on_linux.image.build_id
    assert server.left() == []


def test_a_missing_launcher_is_said(server: Sshd, on_linux: BuiltFirmware):
    there = Where(host=HOST, launcher=("qemu-nothing",))
    with (
        pytest.raises(RemoteError, match=r"exit code 127: .*qemu-nothing") as caught,
        on_board(on_linux, None, there, silent),
    ):
        pass
    assert str(caught.value.hint).startswith("install qemu-nothing there")


def test_a_program_that_speaks_otherwise_is_said(server: Sshd, on_linux: BuiltFirmware):
    there = Where(host=HOST, launcher=("sh", "-c", "echo no firmware >&2; exit 4"))
    with (
        pytest.raises(RemoteError, match=r"ended with exit code 4: no firmware") as caught,
        on_board(on_linux, None, there, silent),
    ):
        pass
    assert "it was started by sh -c" in str(caught.value.hint)


def test_another_build_is_refused(server: Sshd, on_linux: BuiltFirmware):
    image = dataclasses.replace(on_linux.image, build_id="0" * 12)
    other = dataclasses.replace(on_linux, image=image)
    with (
        pytest.raises(RemoteError, match=r"another program answers than was put there"),
        on_board(other, None, THERE, silent),
    ):
        pass


@pytest.mark.parametrize(
    "number",
    [signal.SIGINT, signal.SIGKILL, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)],
)
def test_a_signal_leaves_nothing_on_the_other_side(
    server: Sshd, model: Path, built: BuiltFirmware, number: signal.Signals
):
    """By then it is built, by `built`, and is being measured."""
    command = [sys.executable, "-m", "support.linux_board", str(model)]
    path = f"{Path(__file__).parents[1]}:{os.environ.get('PYTHONPATH', '')}"
    process = subprocess.Popen(
        command, env=os.environ | {"PYTHONPATH": path}, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 60
        while not firmware_processes(server):
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(number)
        process.wait(60)
    finally:
        process.kill()
        process.wait()
    assert server.left() == []


# ---- the command line ---------------------------------------------------------------------------


def test_a_host_is_for_linux_boards(command: Command, model: Path):
    host = ("--board", "host", "--host", "pi")
    command("run", model, *host).said(2, "a port or host was given, but no board here needs one")
    for name in ("bench", "verify", "profile"):
        command(name, model, *host).said(2, "host is no Linux board")
    command("run", model, "--virtual", "--board", "esp32", "--host", "pi").said(2, "--host")
    command("bench", model, "--port", "/dev/null", "--host", "pi").said(2, "--board ID")


def test_a_launcher_is_a_command(command: Command, model: Path):
    command("run", model, "--launcher", "taskset '3").said(2, "--launcher taskset '3", "quotation")


def test_a_serial_port_is_not_for_linux_boards():
    with pytest.raises(UserError, match="not reached by a serial port"):
        Where(port="/dev/ttyUSB0").refuse_for(linux_board())
