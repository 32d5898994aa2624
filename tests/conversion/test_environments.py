"""Environments: made of what pip finds, whole or not at all, by one process at a time."""

from __future__ import annotations

import base64
import fcntl
import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path

import pytest

from edgekit.conversion import environments
from edgekit.conversion.environments import environment
from edgekit.errors import ToolMissingError, UserError

WHERE = "from edgekit.conversion.environments import environment; print(environment('onnx'))"


def _wheel(directory: Path, name: str, version: str) -> None:
    """The smallest wheel of a package; it knows its version."""
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": f"VERSION = {version!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = ""
    for path, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=")
        record += f"{path},sha256={digest.decode()},{len(text)}\n"
    with zipfile.ZipFile(directory / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        for path, text in {**files, f"{info}/RECORD": f"{record}{info}/RECORD,,\n"}.items():
            archive.writestr(path, text)


@pytest.fixture
def offline(tmp_path, monkeypatch):
    """A cache of its own, and pip without any index; the directory in which it finds wheels."""
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    monkeypatch.setenv("EDGEKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    return wheels


@pytest.fixture
def packages(offline):
    """Stand-ins for the pinned packages, so that pip can install them."""
    _wheel(offline, "onnx", "1.23.2")
    _wheel(offline, "onnxruntime", "1.23.2")
    _wheel(offline, "onnxruntime", "1.32.0")
    return offline


def _left(tmp_path: Path) -> set[str]:
    """What lies among the environments, but for locks."""
    directory = tmp_path / "cache" / "environments"
    return {path.name for path in directory.iterdir() if path.suffix != ".lock"}


def test_an_environment_is_made_once_and_reused(packages, tmp_path):
    told: list[tuple[str, int, int]] = []
    python = environment("onnx", progress=lambda *word: told.append(word))
    code = "import onnx, sys; print(onnx.VERSION, sys.prefix)"
    said = subprocess.run([python, "-I", "-c", code], capture_output=True, text=True, check=True)
    version, prefix = said.stdout.split()
    assert version == "1.23.2"
    assert Path(prefix) == Path(python).parents[1]  # it was moved, and knows where it is now
    assert len(_left(tmp_path)) == 1
    assert told[0] == ("installing the ONNX tools", 0, 0)
    again: list[object] = []
    assert environment("onnx", progress=lambda *word: again.append(word)) == python
    assert again == []


def test_a_package_that_pip_cannot_find_is_one_sentence(offline, tmp_path):
    with pytest.raises(ToolMissingError) as error:
        environment("onnx")
    (log,) = (tmp_path / "cache" / "conversion" / "logs").iterdir()
    assert str(error.value) == (
        "the ONNX tools could not be installed: No matching distribution found for "
        f"onnx==1.23.2; pip's log is {log}"
    )
    assert "PIP_INDEX_URL" in (error.value.hint or "")
    assert _left(tmp_path) == set()


@pytest.mark.slow
def test_an_index_that_does_not_answer_is_one_sentence(offline, tmp_path, monkeypatch):
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/")
    monkeypatch.setenv("PIP_RETRIES", "0")
    with pytest.raises(ToolMissingError, match=r"could not be installed: .*; pip's log is"):
        environment("pytorch")
    assert _left(tmp_path) == set()


def test_a_disk_that_is_too_full_is_said_before(offline, tmp_path, monkeypatch):
    huge = environments._Environment(title="ONNX", requirements=(), size_bytes=10**18)
    monkeypatch.setitem(environments._ENVIRONMENTS, "onnx", huge)
    with pytest.raises(ToolMissingError, match=r"need 1000000000000 MB in .* MB are free"):
        environment("onnx")
    assert _left(tmp_path) == set()


def test_a_cache_that_cannot_be_written_is_said(offline, tmp_path):
    (tmp_path / "cache").touch()
    with pytest.raises(UserError, match="cannot be written"):
        environment("onnx")


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("ERROR: Could not install: [Errno 28] No space left on device", "the disk is full"),
        ("Error: ensurepip is not available", f"{sys.executable} cannot make virtual"),
        ("Killed", "Killed"),
    ],
)
def test_failures_are_told_from_the_log(tmp_path, said, reason):
    log = tmp_path / "pip.log"
    log.write_text(f"Collecting onnx\n{said}\n")
    error = environments._failure(environments._ENVIRONMENTS["onnx"], log)
    assert str(error).startswith(f"the ONNX tools could not be installed: {reason}")
    assert error.hint


def test_progress_tells_what_pip_is_at(tmp_path):
    log = tmp_path / "pip.log"
    log.write_text("Collecting onnx==1\nCollecting numpy>=2 (from onnx)\n")
    assert environments._how_far(log, "installing") == ("installing: numpy", 2, 0)
    log.write_text(f"{log.read_text()}Installing collected packages: numpy, onnx\n")
    assert environments._how_far(log, "installing") == ("installing: unpacking 2 packages", 2, 2)


def test_one_waits_while_another_installs(offline, tmp_path):
    """Held by hand here; the second process must say that it waits, and then go on."""
    told: list[str] = []
    waiting = threading.Event()

    def tell(stage: str, done: int, total: int) -> None:
        told.append(stage)
        waiting.set()

    lock = tmp_path / "lock"
    wanted = environments._ENVIRONMENTS["onnx"]
    entered = threading.Event()

    def second() -> None:
        with environments._locked(lock, wanted, tell):
            entered.set()

    with lock.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        thread = threading.Thread(target=second)
        thread.start()
        assert waiting.wait(10)
        assert not entered.is_set()
    thread.join(10)
    assert entered.is_set()
    assert set(told) == {"waiting for another process that installs the ONNX tools"}


@pytest.mark.slow
def test_an_environment_whose_python_is_gone_is_made_again(packages, tmp_path):
    python = Path(environment("onnx"))
    python.unlink()
    python.symlink_to(tmp_path / "uninstalled")
    assert environment("onnx") == str(python)
    assert python.exists()


@pytest.mark.slow
def test_two_processes_make_one(packages, tmp_path):
    command = [sys.executable, "-c", WHERE]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    answers = {process.communicate(timeout=120)[0] for process in both}
    assert [process.returncode for process in both] == [0, 0]
    assert len(answers) == 1
    assert len(_left(tmp_path)) == 1


@pytest.mark.slow
def test_ctrl_c_leaves_nothing(packages, tmp_path):
    process = subprocess.Popen([sys.executable, "-c", WHERE], stderr=subprocess.DEVNULL)
    directory = tmp_path / "cache" / "environments"
    deadline = time.monotonic() + 60
    while not list(directory.glob(".unfinished-*/bin/python")):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    assert process.wait(30) != 0
    assert _left(tmp_path) == set()
    running = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    assert str(directory) not in running.stdout
