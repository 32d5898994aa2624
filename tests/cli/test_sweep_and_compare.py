"""`edgekit run` on several boards, `edgekit sweep` and `edgekit compare`, as a user runs them."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from support.command import command
from support.firmware import ready

from edgekit.report import sweep_document

__all__ = ["command"]  # a fixture: this process makes quicker mistakes than one of its own


@pytest.fixture(scope="module")
def swept(tmp_path_factory, model, environment):
    """A sweep of which one half fails: the finished process, and its document."""
    target = tmp_path_factory.mktemp("swept") / "sweep.json"
    words = ["sweep", model, "--boards", "host", "--engines", "tflm,aot", "--json", target]
    words += ["-o", target.parent / "kept"]
    done = subprocess.run(
        [sys.executable, "-m", "edgekit", *map(str, words), "--profile"],
        capture_output=True,
        text=True,
        timeout=120,
        env=environment,
    )
    return done, target


def changed(path: Path, name: str, **latency: float) -> Path:
    """A copy of a document, with another latency."""
    document = json.loads(path.read_text())
    for run in document["runs"]:
        run["invoke"] |= latency
    copy = path.with_name(name)
    copy.write_text(json.dumps(document))
    return copy


def test_a_sweep_shows_what_ran_and_says_what_failed(swept):
    done, target = swept
    assert done.returncode == 2
    assert "dense" in done.stdout
    assert "failed" in done.stdout
    assert "exact" in done.stdout
    assert "FULLY_CONNECTED" in done.stdout
    assert "error: dense on host, tflm: engine tflm needs TensorFlow Lite Micro" in done.stderr
    assert "Traceback" not in done.stderr
    document = json.loads(target.read_text())
    jsonschema.validate(document, sweep_document.schema())
    assert [run["engine"] for run in document["runs"]] == ["aot"]
    assert [failure["exit_code"] for failure in document["failures"]] == [2]
    assert [path.name for path in (target.parent / "kept").iterdir()] == ["dense-host-aot"]


def test_where_there_is_no_terminal_each_end_is_one_line(swept):
    lines = swept[0].stderr.splitlines()
    assert any(line.startswith("dense on host, aot: ") and "µs" in line for line in lines)
    assert any(line.startswith("dense on host, tflm: failed: ") for line in lines)


@pytest.mark.emulated
def test_run_on_several_boards_writes_one_document(edgekit, model, tmp_path):
    for board_id in ("qemu-cortex-m4", "qemu-riscv32"):
        ready(board_id)
    words = ["run", model, "-b", "qemu-cortex-m4", "-b", "qemu-riscv32", "--json", "-"]
    done = edgekit(*words, "-o", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    jsonschema.validate(document, sweep_document.schema())
    assert [run["board"] for run in document["runs"]] == ["qemu-cortex-m4", "qemu-riscv32"]
    assert document["failures"] == []
    kept = {path.name for path in (tmp_path / "out").iterdir()}
    assert kept == {"dense-qemu-cortex-m4-aot", "dense-qemu-riscv32-aot"}


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs a pseudo-terminal as Linux has it")
def test_a_terminal_sees_a_table_that_lives(model, environment):
    master, slave = pty.openpty()
    words = [sys.executable, "-m", "edgekit", "sweep", str(model), "--boards", "host"]
    terminal = environment | {"TERM": "xterm", "LINES": "20", "COLUMNS": "100"}
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=slave, env=terminal) as running:
        os.close(slave)
        seen = b""
        while True:
            try:
                chunk = os.read(master, 4096)
            except OSError:  # the other side is closed
                break
            seen += chunk
        assert running.stdout is not None
        final = running.stdout.read().decode()
    os.close(master)
    assert running.returncode == 0
    assert b"starting" in seen
    assert b"\x1b[" in seen  # the cursor goes back
    assert "exact" in final
    assert b"dense on host, aot:" not in seen


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--boards", "host,host"], "host was given twice"),
        (["--boards", "host,qemu-cortex-m44"], "did you mean"),
        (["--boards", "zzz*"], "no board matches"),
        (["--boards", "host", "--engines", "jit"], "no engine 'jit'"),
        (["--boards", "host", "--tflm-library", "x"], "takes no library"),
        (["--boards", "host", "--json", "/no/such/place.json"], "place.json"),
    ],
)
def test_mistakes_of_a_sweep_are_one_sentence(command, model, words, said):
    command("sweep", model, *words).failed(2, said)


def test_a_port_for_several_boards_is_refused(command, model):
    words = ["-b", "esp32", "-b", "esp32-c3", "--port", "/dev/ttyUSB0"]
    command("run", model, *words).said(2, "--board ID@PORT")


def test_a_virtual_board_is_at_no_port(command, model):
    for words in (["esp32@/dev/ttyUSB0"], ["esp32", "--port", "/dev/ttyUSB0"]):
        command("run", model, "--virtual", "-b", *words).said(2, "--virtual was given with --port")


def test_what_became_slower_than_its_budget_fails(command, swept):
    _, old = swept
    new = changed(old, "new.json", min=1e6, median=1.1e6, p95=1.2e6, max=1.3e6)
    done = command("compare", old, new, "--budget", "latency=50%", "--budget", "arena=0")
    assert done.code == 1
    assert "slower" in done.stdout
    assert "budgets of change: 1 of 2 kept" in done.stdout
    assert "error: dense host aot: latency grew by" in done.stderr
    assert command("compare", old, new).code == 0  # without a budget there is none to pass
    back = command("compare", new, old, "--budget", "latency=0", "--operators")
    assert back.code == 0
    assert "faster" in back.stdout
    assert "FULLY_CONNECTED" in back.stdout


def test_the_baseline_may_be_any(command, swept):
    _, old = swept
    new = changed(old, "newer.json", min=1e6, median=1.1e6, p95=1.2e6, max=1.3e6)
    assert "faster" in command("compare", old, new, "--baseline", new).stdout


def test_compare_as_markdown_and_as_json(command, swept):
    _, old = swept
    new = changed(old, "other.json", median=1.0)
    done = command("compare", old, new, "--format", "markdown")
    assert done.stdout.startswith("**dense, engine aot: sweep.json -> other.json**\n\n| board |")
    document = json.loads(command("compare", old, new, "--json", "-").stdout)
    assert document["documents"] == ["sweep.json", "other.json"]
    assert document["passed"] is True
    latency = document["pairs"][0]["changes"][0]
    assert latency["what"] == "latency"
    assert latency["verdict"] == "within noise"  # its range is the old one


@pytest.mark.parametrize(
    ("content", "words", "said"),
    [
        ("{", [], "not a JSON document"),
        ('{"schema": 1}', [], "not a measurement"),
        ('{"schema": 9, "runs": []}', [], "not a sweep of schema version 1"),
        ('{"schema": 1, "edgekit": "1", "runs": [{}], "failures": []}', [], "not a sweep: runs.0"),
        ('{"schema": 1, "edgekit": NaN, "runs": [], "failures": []}', [], "NaN is no number"),
        (None, ["--budget", "speed=2%"], "'speed=2%' is no budget"),
        (None, ["--budget", "latency=fast"], "'fast' is no latency"),
        (None, ["--budget", "accuracy=2%"], "is no budget"),
        (None, ["--format", "pdf"], "no format 'pdf'"),
        (None, ["--budget", "arena=0"], "no model, board and engine"),
        (None, ["sweep.json"], "given twice"),
        (None, ["nothing.json"], "nothing.json"),
    ],
)
def test_mistakes_of_a_comparison_are_one_sentence(
    command, swept, tmp_path, monkeypatch, content, words, said
):
    _, path = swept
    if content is not None:
        path = tmp_path / "bad.json"
        path.write_text(content)
    monkeypatch.chdir(path.parent)
    command("compare", path.name, *words).failed(2, said)
