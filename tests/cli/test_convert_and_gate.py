"""`edgekit convert` and `edgekit gate`, as a user runs them."""

from __future__ import annotations

import json

import numpy as np
import pytest
from support.float_models import classifier, samples


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("convert")
    x, y = samples()
    np.savez(made / "data.npz", x=x, y=y)
    (made / "blobs.tflite").write_bytes(classifier())
    return made


@pytest.fixture(scope="module")
def converted(folder, environment):
    import subprocess
    import sys

    words = ["convert", folder / "blobs.tflite", "-o", folder / "int8.tflite"]
    words += ["--calibration", folder / "data.npz", "--json", folder / "report.json"]
    return subprocess.run(
        [sys.executable, "-m", "edgekit", *map(str, words)],
        capture_output=True,
        text=True,
        timeout=120,
        env=environment,
    )


def test_convert_prints_what_it_cost_and_writes_both_files(converted, folder):
    assert converted.returncode == 0, converted.stderr
    for word in ("accuracy", "95 % interval", "ways to calibrate", "CONV_2D", "arena", "chosen"):
        assert word in converted.stdout
    assert (folder / "int8.tflite").read_bytes()[4:8] == b"TFL3"
    assert json.loads((folder / "report.json").read_text())["schema"] == 1


def test_the_tables_fit_80_columns(converted):
    # the environment has 100 columns: a table that wants more is folded
    assert max(map(len, converted.stdout.splitlines())) <= 100


def test_gate_passes_within_its_budgets(converted, folder, edgekit):
    done = edgekit(
        "gate",
        folder / "int8.tflite",
        "--data",
        folder / "data.npz",
        "--student",
        folder / "blobs.tflite",
        "--board",
        "host",
        "--max-drop",
        "1",
        "--max-arena",
        "16k",
        "--device-limit",
        "10",
    )
    assert done.returncode == 0, done.stderr
    assert "student" in done.stdout and "device" in done.stdout and "kept" in done.stdout


def test_gate_fails_with_1_and_names_the_budget(converted, folder, edgekit, tmp_path):
    done = edgekit(
        "gate",
        folder / "int8.tflite",
        "--data",
        folder / "data.npz",
        "--board",
        "host",
        "--max-arena",
        "100",
        "--device-limit",
        "1",
        "--json",
        tmp_path / "gate.json",
    )
    assert done.returncode == 1
    assert "arena is" in done.stderr and "Traceback" not in done.stderr
    assert json.loads((tmp_path / "gate.json").read_text())["passed"] is False


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--precision", "int4"), "int4"),
        (("--method", "guess"), "no calibration method"),
        (("--protect", "no_such_layer"), "no_such_layer"),
        (("--protect-as", "int8"), "protect"),
        (("--io", "float64"), "float64"),
        (("--quantized-as", "x,y"), "x,y"),
        (("--pixel-range", "1"), "1"),
        (("--calibration", "nowhere.npz"), "nowhere.npz"),
        (("--evaluate", "nowhere.npz"), "nowhere.npz"),
        (("-o", "no/such/folder/m.tflite"), "no/such/folder"),
    ],
)
def test_a_mistake_is_one_sentence(edgekit, folder, tmp_path, words, said):
    options = {"-o": tmp_path / "out.tflite", "--calibration": folder / "data.npz"}
    options[words[0]] = words[1]
    flat = [word for pair in options.items() for word in pair]
    done = edgekit("convert", folder / "blobs.tflite", *flat)
    assert done.returncode == 2, done.stdout + done.stderr
    assert said in " ".join(done.stderr.split()) and "Traceback" not in done.stderr
    assert not (tmp_path / "out.tflite").exists()


def test_a_model_that_is_none_is_refused(edgekit, folder, tmp_path):
    (tmp_path / "noise.keras").write_bytes(b"no model at all")
    done = edgekit(
        "convert", tmp_path / "noise.keras", "-o", tmp_path / "m.tflite", "-c", folder / "data.npz"
    )
    assert done.returncode == 2 and "noise.keras" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_int8_model_needs_no_conversion(converted, edgekit, folder, tmp_path):
    done = edgekit(
        "convert", folder / "int8.tflite", "-o", tmp_path / "m.tflite", "-c", folder / "data.npz"
    )
    assert done.returncode == 2
    assert "int8" in done.stderr.lower() and "Traceback" not in done.stderr
