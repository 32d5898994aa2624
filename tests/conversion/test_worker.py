"""Workers: what they answer, how they fail, and that none is left when something else does."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edgekit.conversion import worker
from edgekit.errors import ConversionError, EdgekitError, ModelError, ToolMissingError, UserError

WORKERS = Path(worker.__file__).parent / "workers"

PLAYER = """
import errno, os, signal, sys, time
from pathlib import Path

from .refusal import Missing, Refused


def convert(what, *rest):
    print("this is", what)
    os.write(2, b"and this is from C\\n")
    if what == "facts":
        return {"rest": list(rest), "path": sys.path, "word": "größer"}
    if what == "refused":
        raise Refused("layer 'x' is odd", hint="leave it out")
    if what == "missing":
        raise Missing("Tool is not installed", hint="pip install tool")
    if what == "full":
        raise OSError(errno.ENOSPC, "No space left on device", "/somewhere/model.tflite")
    if what == "write":
        Path(rest[0]).write_bytes(bytes(1 << 20))
        return {}
    if what == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if what == "exit":
        print("Fatal: no memory", flush=True)
        os._exit(3)
    if what == "hang":
        Path(rest[0]).touch()
        time.sleep(60)
    raise RuntimeError("something\\nelse")
"""


@pytest.fixture(autouse=True)
def player(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A worker that plays any part, beside the real run.py; the cache is in tmp_path."""
    folder = tmp_path / "workers"
    folder.mkdir()
    for name in ("__init__.py", "run.py", "refusal.py"):
        shutil.copy(WORKERS / name, folder)
    (folder / "player.py").write_text(PLAYER)
    monkeypatch.setattr(worker, "_RUN", folder / "run.py")
    monkeypatch.setenv("EDGEKIT_CACHE", str(tmp_path / "cache"))
    return folder


def play(*arguments: str, **options: str) -> dict[str, object]:
    return worker.run_worker("player", arguments, stage="playing", **options)


def nothing_left(tmp_path: Path) -> None:
    assert list((tmp_path / "cache").rglob("*unfinished*")) == []


def test_facts_come_back_and_words_go_to_the_log(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    stages = []
    facts = worker.run_worker(
        "player", ["facts", "1", "ö"], progress=lambda *p: stages.append(p), stage="playing"
    )
    assert (facts["rest"], facts["word"]) == (["1", "ö"], "größer")
    assert set(stages) == {("playing", 0, 0)}
    log = Path(str(facts["log"]))
    assert log.is_relative_to(tmp_path / "cache")
    assert set(log.read_text().splitlines()) == {"and this is from C", "this is facts"}
    assert capfd.readouterr() == ("", "")
    nothing_left(tmp_path)


def test_no_worker_is_taken_for_the_package_it_reads(player: Path):
    (player / "json.py").write_text("raise SystemExit('shadowed')")
    assert str(player) not in play("facts")["path"]  # type: ignore[operator]


def test_another_python_does_not_see_our_packages(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "ours"))
    link = tmp_path / "python"
    link.symlink_to(sys.executable)
    assert str(tmp_path / "ours") in play("facts")["path"]  # type: ignore[operator]
    found = play("facts", python=str(link))["path"]
    assert str(tmp_path / "ours") not in found  # type: ignore[operator]


@pytest.mark.parametrize(
    ("what", "error", "words"),
    [
        ("refused", ModelError, "^layer 'x' is odd$"),
        ("missing", ToolMissingError, "^Tool is not installed$"),
        ("full", ConversionError, "playing failed: /somewhere/model.tflite: No space left"),
        ("killed", ConversionError, "playing failed: the converter was ended by signal 9"),
        ("exit", ConversionError, r"ended with status 3 \(Fatal: no memory\)"),
        ("other", ConversionError, "playing failed: RuntimeError: something; its log is"),
    ],
)
def test_every_end_is_one_sentence(
    tmp_path: Path, what: str, error: type[EdgekitError], words: str
):
    with pytest.raises(error, match=words) as caught:
        play(what)
    assert "\n" not in str(caught.value)
    if error is ConversionError:
        log = Path(str(caught.value).rpartition("its log is ")[2])
        assert "and this is from C" in log.read_text()
    else:
        assert caught.value.hint
    nothing_left(tmp_path)


def test_a_worker_that_does_not_exist_is_our_error():
    with pytest.raises(ConversionError, match="No module named"):
        worker.run_worker("nobody", [], stage="playing")


def test_a_python_that_does_not_exist_is_one_sentence():
    with pytest.raises(ConversionError, match="cannot start /nowhere/python"):
        play("facts", python="/nowhere/python")


def test_a_full_disk_is_one_sentence(tmp_path: Path):
    """A limit on the size of files stops a write in its middle, as a full disk does."""
    output = tmp_path / "model.tflite"
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, hard))
    try:
        with pytest.raises(ConversionError, match="File too large") as caught:
            play("write", str(output))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "free some space" in str(caught.value.hint)
    nothing_left(tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts file systems")
def test_a_full_cache_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    cache = tmp_path / "small"
    cache.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(cache)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        monkeypatch.setenv("EDGEKIT_CACHE", str(cache))
        (cache / "filler").write_bytes(bytes(40 << 10))
        with pytest.raises(EdgekitError) as caught, worker.scratch() as directory:
            play("write", str(directory / "model.tflite"))
        assert "No space left on device" in str(caught.value)
        assert "\n" not in str(caught.value)
        nothing_left(tmp_path)
    finally:
        subprocess.run(["umount", str(cache)], check=True)


def test_a_cache_that_cannot_be_written_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "file").touch()
    monkeypatch.setenv("EDGEKIT_CACHE", str(tmp_path / "file"))
    with pytest.raises(UserError, match=r"the cache .* cannot be written") as caught:
        play("facts")
    assert "EDGEKIT_CACHE" in str(caught.value.hint)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_the_worker(tmp_path: Path, player: Path, number: signal.Signals):
    begun = tmp_path / "begun"
    script = (
        "import signal, sys\n"
        "from pathlib import Path\n"
        "from edgekit.conversion import worker\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "signal.signal(signal.SIGTERM, signal.default_int_handler)\n"
        f"worker._RUN = Path({str(player / 'run.py')!r})\n"
        f"with worker.scratch(): worker.run_worker('player', ['hang', {str(begun)!r}], stage='x')\n"
    )
    running = subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.PIPE)
    deadline = time.monotonic() + 30
    while not begun.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    running.send_signal(number)
    _, said = running.communicate(timeout=20)
    assert b"KeyboardInterrupt" in said
    nothing_left(tmp_path)
    commands = [path for path in Path("/proc").glob("[0-9]*/cmdline") if str(begun) in _text(path)]
    assert commands == []


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode(errors="replace")
    except OSError:
        return ""


def test_scratch_of_killed_processes_goes_after_a_day(tmp_path: Path):
    with worker.scratch() as first:
        pass
    old, young = first.parent / ".unfinished-old", first.parent / ".unfinished-young"
    for folder in (old, young):
        folder.mkdir()
    day = 24 * 3600
    os.utime(old, (time.time() - 2 * day, time.time() - 2 * day))
    with worker.scratch():
        assert young.exists() and not old.exists()


def test_only_so_many_logs_are_kept():
    logs = [worker.new_log(f"n{i:03}") for i in range(70)]
    assert len(list(logs[0].parent.glob("*.log"))) == worker._LOGS_KEPT
    assert logs[-1].exists()


def test_the_reply_is_json_of_its_own(tmp_path: Path, player: Path):
    """As another program would start a worker."""
    reply = tmp_path / "reply.json"
    command = [sys.executable, str(player / "run.py"), "player", str(reply), "refused"]
    assert subprocess.run(command, capture_output=True).returncode == 1
    assert json.loads(reply.read_text()) == {"refused": "layer 'x' is odd", "hint": "leave it out"}
