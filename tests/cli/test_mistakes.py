"""A user's mistake is one clear sentence and exit code 2; a failure is exit code 1."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest


def said(done, code, *words):
    """One `error:` on stderr with all `words`; no traceback; nothing on stdout."""
    assert done.returncode == code, done.stderr
    assert done.stderr.startswith("error: "), done.stderr
    assert "Traceback" not in done.stderr
    flat = " ".join(done.stderr.split())
    for word in words:
        assert word in flat, done.stderr
    assert done.stdout == ""


def test_an_unknown_board_suggests_the_nearest(edgekit, model):
    said(edgekit("run", model, "--board", "qemu-cortex-m44"), 2, "qemu-cortex-m44", "did you mean")


def test_a_missing_model_is_named(edgekit, tmp_path):
    said(edgekit("run", tmp_path / "nothing.tflite"), 2, "nothing.tflite")


def test_a_directory_is_no_model(edgekit, tmp_path):
    said(edgekit("run", tmp_path), 2, tmp_path.name)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04zip", b"\x1c\0\0\0TFL3", b"\0" * 64])
def test_what_is_no_model_is_refused(edgekit, tmp_path, content):
    path = tmp_path / "bad.tflite"
    path.write_bytes(content)
    said(edgekit("run", path), 2, "bad.tflite")


def test_a_truncated_model_is_refused(edgekit, model, tmp_path):
    path = tmp_path / "cut.tflite"
    path.write_bytes(model.read_bytes()[:-100])
    said(edgekit("inspect", path), 2)


def test_inputs_of_another_shape_are_refused_before_a_build(edgekit, model, tmp_path):
    np.savez(tmp_path / "x.npz", x=np.zeros((2, 5), np.int8))
    said(edgekit("run", model, "--inputs", tmp_path / "x.npz"), 2, "[2, 5]", "[1, 8]")


@pytest.mark.parametrize("inputs", ["0", "-3", "many.npz"])
def test_no_inputs_are_refused(edgekit, model, inputs):
    said(edgekit("run", model, f"--inputs={inputs}"), 2)


def test_a_place_must_be_given_and_only_one(edgekit, model):
    said(edgekit("verify", model), 2, "--board", "--port")
    said(edgekit("verify", model, "--board", "host", "--port", "/dev/null"), 2, "--board")


def test_a_missing_serial_port_is_named(edgekit, model):
    said(edgekit("bench", model, "--port", "/dev/ttyNOPE"), 2, "/dev/ttyNOPE")


def test_a_file_that_cannot_be_written_is_named(edgekit, model, tmp_path):
    said(edgekit("run", model, "--json", tmp_path / "no" / "m.json"), 2, "m.json")


def test_an_unknown_engine_is_refused(edgekit, model):
    said(edgekit("run", model, "--engine", "jit"), 2, "jit", "aot", "tflm")


def test_engine_tflm_without_a_library_says_how_to_name_one(edgekit, model):
    done = edgekit("run", model, "--engine", "tflm")
    said(done, 2, "needs TensorFlow Lite Micro", "--tflm-library", "docs/tflm.md")


def test_a_library_that_is_none_is_refused(edgekit, model, tmp_path):
    done = edgekit("run", model, "--engine", "tflm", "--tflm-library", tmp_path)
    said(done, 2, "does not hold TensorFlow Lite Micro")


def test_a_library_for_an_engine_that_takes_none_is_refused(edgekit, model, tmp_path):
    said(edgekit("build", model, "--tflm-library", tmp_path), 2, "engine aot takes no library")


@pytest.mark.parametrize("command", ["run", "build"])
def test_an_arena_for_an_engine_that_knows_its_own_is_refused(edgekit, model, command):
    said(edgekit(command, model, "--arena", "24k"), 2, "engine aot knows what it needs")


def test_an_arena_that_is_no_size_is_refused(edgekit, model):
    said(edgekit("run", model, "--engine", "tflm", "--arena", "much"), 2, "'much' is no size")


def test_an_arena_too_small_for_the_tensors_is_refused_before_a_build(edgekit, model):
    done = edgekit("run", model, "--engine", "tflm", "--arena", "64")
    said(done, 2, "64 bytes is too small", "to start")


def test_only_an_arena_of_unknown_size_can_be_fitted(edgekit, model):
    said(edgekit("run", model, "--fit"), 2, "fitted only for engine tflm")


def test_an_unknown_builder_is_refused(edgekit, model):
    said(edgekit("build", model, "--builder", "make"), 2, "make", "cmake, platformio")


def test_a_framework_that_the_board_has_not_is_refused(edgekit, model):
    said(edgekit("build", model, "--framework", "arduino"), 2, "host has no choice of frameworks")
    done = edgekit("verify", model, "--board", "rpi-4", "--framework", "arduino")
    said(done, 2, "rpi-4 has no framework 'arduino'", "linux64, linux32")


def test_firmware_that_runs_already_has_its_framework(edgekit, model):
    done = edgekit("bench", model, "--port", "/dev/ttyNONE7", "--framework", "linux32")
    said(done, 2, "boards that edgekit starts", "give --board ID, not --port")


def test_project_only_needs_a_place(edgekit, model):
    said(edgekit("build", model, "--project-only"), 2, "--project-only", "-o DIR")


def test_a_board_of_platformios_is_not_built_with_cmake(edgekit, model):
    done = edgekit("build", model, "--board", "esp32", "--builder", "cmake")
    said(done, 2, "esp32 is built with PlatformIO", "leave the builder out")


def test_a_wrong_option_is_a_usage_error(edgekit, model):
    done = edgekit("run", model, "--bord", "host")
    assert done.returncode == 2
    assert "--bord" in done.stderr


def test_a_missing_emulator_names_its_package(edgekit, model, environment, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "edgekit", "run", str(model), "--board", "qemu-cortex-m4"],
        capture_output=True,
        text=True,
        env=environment | {"PATH": str(tmp_path)},
    )
    said(done, 1, "gcc-arm-none-eabi")


def test_json_to_a_full_pipe_reader_that_left_is_no_error(environment, model):
    command = f"{sys.executable} -m edgekit boards | true"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, env=environment)
    assert "Traceback" not in done.stderr


def children_of(pid: int) -> set[int]:
    """Every living descendant of a process."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[1] == str(pid) and fields[0] != "Z":
            found |= {int(entry.name)} | children_of(int(entry.name))
    return found


@pytest.mark.parametrize("after_s", [0.3, 0.8, 1.3, 2.0, 3.0])
def test_ctrl_c_at_any_moment_leaves_no_process_and_no_half_file(
    environment, model, tmp_path, after_s
):
    target = tmp_path / "m.json"
    command = [sys.executable, "-m", "edgekit", "run", str(model), "--inputs", "2000"]
    command += ["--json", str(target)]
    env = environment | {"EDGEKIT_CACHE": str(tmp_path / "cache")}
    running = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env, start_new_session=True
    )
    time.sleep(after_s)
    family = children_of(running.pid)
    running.send_signal(signal.SIGINT)
    _, stderr = running.communicate(timeout=20)
    assert b"Traceback" not in stderr
    assert running.returncode in (0, 130, -signal.SIGINT), stderr
    deadline = time.monotonic() + 5
    while alive := {pid for pid in family if Path(f"/proc/{pid}").exists()}:
        assert time.monotonic() < deadline, f"still alive: {alive}"
        time.sleep(0.05)
    assert {path.name for path in tmp_path.iterdir()} <= {"cache", "m.json"}
    if target.exists():
        json.loads(target.read_text())
