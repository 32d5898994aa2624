"""`pio run --target upload` plays an emulated board, and `pio device monitor` finds it."""

from __future__ import annotations

import contextlib
import os
import pty
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support.firmware import ready, tiny_project

from edgekit import boards, link
from edgekit.project import Project, ProjectOptions
from edgekit.toolchain import platformio_core

_PATIENCE_S = 60.0


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.setenv("EDGEKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    core = {"PLATFORMIO_CORE_DIR": str(platformio_core.seeded())}
    return platformio_core.quiet_environment() | core


@pytest.fixture(
    params=["host", pytest.param("qemu-cortex-m4", marks=pytest.mark.emulated)],
)
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Project:
    board = ready(request.param)
    return tiny_project(board, tmp_path / "p", options=ProjectOptions(builder="platformio"))


def pio(project: Project, environment: dict[str, str], *words: str) -> str:
    command = [*platformio_core.command(), *words, "-d", str(project.directory)]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


def players_of(port: Path) -> set[int]:
    """The processes that play a board behind `port`."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            words = path.read_bytes().split(b"\0")
            if b"edgekit.emulators" in words and str(port).encode() in words:
                found.add(int(path.parent.name))
    return found


def eventually(happens: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while not happens():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_uploaded_board_answers_and_is_unplugged_after_use(
    project: Project, environment: dict[str, str]
):
    said = pio(project, environment, "run", "--target", "upload")
    port = project.directory / ".pio" / "build" / project.board.id / "serial"
    assert f"its serial port is {port}" in said
    with link.Device(link.SerialTransport(str(port))) as device:
        assert device.hello.board_id == project.board.id
        assert device.hello.build_id == project.build_id
    eventually(lambda: not port.is_symlink())
    assert (port.parent / "emulator.log").read_text() == ""


def test_the_monitor_opens_the_boards_serial_port(project: Project, environment: dict[str, str]):
    """PlatformIO's terminal wants a terminal of its own; what is typed reaches the board."""
    master, slave = pty.openpty()
    command = [*platformio_core.command(), "run", "-t", "upload", "-t", "monitor"]
    monitor = subprocess.Popen(
        [*command, "-d", str(project.directory)],
        env=environment,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    )
    os.close(slave)
    try:
        shown = b""
        asked = False
        deadline = time.monotonic() + _PATIENCE_S
        while b"m-ready" not in shown:
            assert time.monotonic() < deadline, shown.decode()
            shown += os.read(master, 4096)
            if not asked and b"Quit: Ctrl+C" in shown:
                asked = os.write(master, b"name%") > 0
        assert b"m-name-dut-[" in shown
        os.write(master, b"\x03")
        monitor.wait(_PATIENCE_S)
    finally:
        monitor.kill()
        monitor.wait()
        os.close(master)
    eventually(lambda: not list(project.directory.rglob("serial")))


def test_a_second_upload_unplugs_the_first(environment: dict[str, str], tmp_path: Path):
    board = boards.load("host")
    built = tiny_project(board, tmp_path / "p", options=ProjectOptions(builder="platformio"))
    pio(built, environment, "run", "--target", "upload")
    port = next(built.directory.rglob("serial"))
    first = players_of(port)
    pio(built, environment, "run", "--target", "upload")
    eventually(lambda: len(players_of(port)) == 1)
    assert players_of(port).isdisjoint(first)
    with link.Device(link.SerialTransport(str(port))) as device:
        assert device.hello.board_id == "host"
    eventually(lambda: not players_of(port))


def test_what_does_not_start_is_said(tmp_path: Path):
    run = subprocess.run(
        [sys.executable, "-m", "edgekit.emulators", "nope", "x", str(tmp_path / "serial")],
        capture_output=True,
        text=True,
    )
    assert run.returncode == 1
    assert run.stderr.startswith("Error: no board 'nope'")
