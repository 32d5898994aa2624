"""Ended at any moment, by Ctrl-C or by SIGTERM: no process and no half-written file is left."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.firmware import ready

from edgekit import processes

#: Passed on to all that a command starts, so that what it leaves behind is found.
MARK = "EDGEKIT_TEST_FAMILY"


def family(mark: str) -> set[int]:
    """Processes that were started with `mark` in their environment, and are no zombies."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if f"{MARK}={mark}".encode() in (entry / "environ").read_bytes():
                found.add(int(entry.name))
        except OSError:
            continue
    return found


def gone(mark: str) -> None:
    deadline = time.monotonic() + 10
    while alive := family(mark):
        if time.monotonic() > deadline:
            lines = [(Path(f"/proc/{pid}") / "cmdline").read_bytes() for pid in alive]
            raise AssertionError(f"still alive: {lines}")
        time.sleep(0.05)


def no_half_file(folder: Path) -> None:
    left = [path for path in (folder / "cache").rglob("*") if ".unfinished-" in path.name]
    left += [path for path in folder.rglob("*") if path.name.endswith(".part")]
    assert left == []
    assert {path.name for path in folder.iterdir()} <= {"cache", "m.json", "out"}
    if (folder / "m.json").exists():
        json.loads((folder / "m.json").read_text())


CASES = [("host", seed) for seed in range(5)]
MORE = [(board, seed) for board in ("host", "qemu-riscv32") for seed in range(5, 60)]


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs /proc")
@pytest.mark.parametrize(
    ("board_id", "seed"),
    [
        *CASES,
        pytest.param("qemu-riscv32", 0, marks=pytest.mark.emulated),
        *(pytest.param(*case, marks=(pytest.mark.slow, pytest.mark.emulated)) for case in MORE),
    ],
)
def test_a_signal_at_any_moment_leaves_nothing(
    model: Path, tmp_path: Path, board_id: str, seed: int
):
    ready(board_id)
    dice = random.Random(f"{board_id} {seed}")
    number = dice.choice([signal.SIGINT, signal.SIGTERM])
    mark = f"{os.getpid()}-{board_id}-{seed}"
    command = [sys.executable, "-m", "edgekit", "run", str(model), "--board", board_id]
    command += ["--inputs", "3000", "-o", str(tmp_path / "out"), "--json", str(tmp_path / "m.json")]
    environment = os.environ | {"EDGEKIT_CACHE": str(tmp_path / "cache"), MARK: mark}
    running = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=environment,
        start_new_session=True,
    )
    time.sleep(0.4 + 2.5 * dice.random())
    running.send_signal(number)
    _, stderr = running.communicate(timeout=60)
    gone(mark)
    assert b"Traceback" not in stderr
    if running.returncode == -number:  # Python itself was ending, with nothing left to interrupt
        assert (tmp_path / "m.json").exists()
    else:
        assert running.returncode in (0, 128 + number), stderr
        assert running.returncode == 0 or b"interrupted" in stderr
    no_half_file(tmp_path)
    if (tmp_path / "out").exists():  # and it is no obstacle
        retry = [sys.executable, "-m", "edgekit", "build", str(model), "-o", str(tmp_path / "out")]
        assert subprocess.run(retry, env=environment, capture_output=True).returncode == 0


SWEEPS = [pytest.param(seed, marks=pytest.mark.slow if seed else ()) for seed in range(20)]


@pytest.mark.emulated
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs /proc")
@pytest.mark.parametrize("seed", SWEEPS)
def test_a_signal_ends_a_sweep_with_all_its_workers(model: Path, tmp_path: Path, seed: int):
    """In the midst: two are at work at least, on emulators or compilers."""
    for board_id in ("qemu-cortex-m4", "qemu-riscv32"):
        ready(board_id)
    dice = random.Random(f"sweep {seed}")
    number = dice.choice([signal.SIGINT, signal.SIGTERM])
    mark = f"{os.getpid()}-sweep-{seed}"
    command = [sys.executable, "-m", "edgekit", "sweep", str(model)]
    command += ["--boards", "qemu-cortex-m4,qemu-riscv32", "--inputs", "3000", "--jobs", "2"]
    command += ["--json", str(tmp_path / "m.json")]
    environment = os.environ | {"EDGEKIT_CACHE": str(tmp_path / "cache"), MARK: mark}
    running = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=environment,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while len(family(mark)) < 3:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    time.sleep(6 * dice.random())
    running.send_signal(number)
    _, stderr = running.communicate(timeout=60)
    gone(mark)
    assert b"Traceback" not in stderr
    assert running.returncode == 128 + number, stderr
    assert b"interrupted" in stderr
    no_half_file(tmp_path)
    assert not (tmp_path / "m.json").exists()


@pytest.mark.emulated
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs /proc")
def test_a_killed_sweep_leaves_no_worker(model: Path, tmp_path: Path):
    """By SIGKILL, which it cannot handle: its workers notice that nobody listens to them."""
    ready("qemu-cortex-m4")
    mark = f"{os.getpid()}-killed-sweep"
    command = [sys.executable, "-m", "edgekit", "sweep", str(model), "--inputs", "3000"]
    running = subprocess.Popen(
        [*command, "--boards", "qemu-cortex-m4"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"EDGEKIT_CACHE": str(tmp_path / "cache"), MARK: mark},
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while not any(b"qemu-system" in _command_of(pid) for pid in family(mark)):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    running.kill()
    running.wait()
    gone(mark)


def _command_of(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def test_a_second_ctrl_c_does_not_cut_the_ending_short(model: Path, tmp_path: Path):
    """As an impatient person presses it; here while a compiler does not end at once."""
    slow = tmp_path / "slowcc"
    slow.write_text('#!/bin/sh\ncase "$1" in --version) echo slow 1.0; exit;; esac\nsleep 60\n')
    slow.chmod(0o755)
    mark = f"{os.getpid()}-impatient"
    cache = tmp_path / "cache"
    environment = os.environ | {"EDGEKIT_CACHE": str(cache), MARK: mark, "CC": str(slow)}
    running = subprocess.Popen(
        [sys.executable, "-m", "edgekit", "build", str(model)],
        stderr=subprocess.PIPE,
        env=environment,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while not list(cache.glob("builds/.unfinished-*/building/build.log")):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    for _ in range(4):
        running.send_signal(signal.SIGINT)
        time.sleep(0.02)
    _, stderr = running.communicate(timeout=60)
    gone(mark)
    assert running.returncode == 130
    assert stderr.split() == [b"interrupted"]
    assert list((cache / "builds").iterdir()) == []


def test_a_signal_while_a_process_starts_ends_it(monkeypatch: pytest.MonkeyPatch):
    """The moment in which the child is there, and nobody has its number yet."""
    started = []
    popen = subprocess.Popen

    def interrupted(*arguments: object, **options: object) -> object:
        started.append(popen(*arguments, **options))  # type: ignore[call-overload]
        signal.raise_signal(signal.SIGINT)
        return started[0]

    monkeypatch.setattr(subprocess, "Popen", interrupted)
    with pytest.raises(KeyboardInterrupt):
        processes.start(["sleep", "60"])
    assert started[0].returncode == -signal.SIGKILL
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
