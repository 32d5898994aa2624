"""`edgekit distill` as a user has it: a process that is told to stop, or has no room."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

RECIPE = """\
from support.stripes import data, student, teacher
from support import stripes

recipe = stripes.recipe()
print("the recipe speaks")
"""
SUPPORT = Path(__file__).parents[1]


@pytest.fixture
def command(tmp_path):
    """command("--seeds", "0"): the words to run and the environment; the recipe's is stripes."""
    (tmp_path / "stripes.py").write_text(RECIPE)
    environment = os.environ | {
        "PYTHONPATH": str(SUPPORT),
        "COLUMNS": "100",
        "NO_COLOR": "1",
        "TF_NUM_INTRAOP_THREADS": "1",
    }

    def call(*words: str) -> dict[str, object]:
        line = [sys.executable, "-m", "edgekit", "distill", "stripes.py", *words]
        return {"args": line, "env": environment, "cwd": tmp_path, "text": True}

    return call


def run(described, **options) -> subprocess.CompletedProcess[str]:
    return subprocess.run(**described, **options, capture_output=True, timeout=300)


def test_it_prints_a_table_or_json_and_keeps_what_others_print(command, tmp_path):
    done = run(command("-o", "out", "--seeds", "0,1"))
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    for words in ("alone", "distilled", "teacher", "95 % interval", "MACs", "student.keras"):
        assert words in done.stdout
    assert "the recipe speaks" in (tmp_path / "out" / "training.log").read_text()

    again = run(command("-o", "out", "--seeds", "0,1", "--json", "-"))
    document = json.loads(again.stdout)
    kept = json.loads((tmp_path / "out" / "results.json").read_text())
    assert {**document, "seconds": 0} == {**kept, "seconds": 0}


def _wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    for _ in range(1200):
        if path.exists():
            return
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    raise AssertionError(f"no {path} in a minute")


@pytest.fixture
def stopped(command, tmp_path):
    """stopped(signal): exit code and words of a process that got it while it trained a student."""
    slow = RECIPE + "recipe = stripes.recipe(stages=(stripes.long_stage(150),), seeds=(0,))\n"
    (tmp_path / "stripes.py").write_text(slow)

    def stop(number: int) -> tuple[int, str]:
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        with subprocess.Popen(**command("-o", "out"), **pipes) as process:
            _wait_for(tmp_path / "out" / "checkpoints" / "alone-seed0.npz", process)
            process.send_signal(number)
            _, said = process.communicate(timeout=60)
        return process.returncode, said

    return stop


def test_ctrl_c_keeps_the_best_model_and_says_where(stopped, tmp_path):
    code, said = stopped(signal.SIGINT)
    assert code == 130
    assert "out/checkpoints/alone-seed0.keras" in said
    assert "the same command goes on" in said
    assert "Traceback" not in said
    assert (tmp_path / "out" / "checkpoints" / "alone-seed0.keras").is_file()


@pytest.mark.slow
def test_a_killed_distillation_goes_on_as_if_nothing_had_been(stopped, command, tmp_path):
    code, _ = stopped(signal.SIGKILL)
    assert code == -signal.SIGKILL
    for name in ("out", "whole"):
        done = run(command("-o", name))
        assert done.returncode == 0, done.stderr
    first, second = (
        json.loads((tmp_path / name / "results.json").read_text()) for name in ("out", "whole")
    )
    assert first["alone"] == second["alone"]
    assert first["distilled"] == second["distilled"]


def test_a_full_disk_is_one_sentence(command, tmp_path):
    def little_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000))

    done = run(command("-o", "out"), preexec_fn=little_room)
    assert done.returncode == 1
    assert done.stderr.startswith("error: cannot write ")
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) <= 4
    assert not list((tmp_path / "out").rglob("*.keras"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--seeds", "0,x"), "--seeds 0,x: integers from 0 on are wanted"),
        (("--seeds", "1,1"), "a seed is there twice"),
        (("-o", "stripes.py"), "cannot write into stripes.py"),
        (("--json", "nowhere/a.json"), "there is no directory"),
    ],
)
def test_mistakes_are_one_sentence(command, words, said):
    done = run(command(*words))
    assert done.returncode == 2
    assert said in done.stderr.replace("\n", " ")
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
