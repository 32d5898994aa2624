"""Each kind of trained model becomes INT8 that runs on boards, byte for byte as TFLite Micro."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import edgekit
from edgekit.conversion import sources
from edgekit.conversion.environments import environment

TESTS = Path(__file__).parents[1]
SHAPE = (49, 10, 1)
MAKE = """
import sys
from support import keras_models
model, folder = keras_models.kws_like(), sys.argv[1]
model.save(f"{folder}/model.keras")
model.save(f"{folder}/model.h5")
model.export(f"{folder}/model", verbose=False)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """model.keras, model.h5, the SavedModel model/, and data.npz."""
    made = tmp_path_factory.mktemp("sources")
    environment = os.environ | {"PYTHONPATH": str(TESTS)}
    command = [sys.executable, "-c", MAKE, str(made)]
    run = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-2000:]
    x = np.random.default_rng(0).standard_normal((60, *SHAPE)).astype(np.float32)
    np.savez(made / "data.npz", x=x)
    return made


@pytest.mark.parametrize("source", ["model.keras", "model.h5", "model"])
def test_what_keras_saved_runs_on_the_host(folder: Path, tmp_path: Path, source: str) -> None:
    model = tmp_path / "int8.tflite"
    made = edgekit.convert(folder / source, folder / "data.npz", output=model)
    step = made.chain.steps[1]
    assert step.sqnr_db is not None and step.sqnr_db > 20
    layers = [op.layer for op in made.quantized.operators if op.name == "DEPTHWISE_CONV_2D"]
    assert layers and all(layer.startswith("depthwise_conv2d") for layer in layers)
    measured = edgekit.run(model, "host", 4, runs=1)
    assert measured.verify.mismatched_bytes == 0


@pytest.mark.emulated
@pytest.mark.parametrize("options", [{}, {"precision": "16x8"}])
def test_it_runs_on_an_emulated_board(
    folder: Path, tmp_path: Path, options: dict[str, str]
) -> None:
    model = tmp_path / "model.tflite"
    edgekit.convert(folder / "model.keras", folder / "data.npz", output=model, **options)  # type: ignore[arg-type]
    measured = edgekit.run(model, "qemu-cortex-m4", 2, runs=1)
    assert measured.verify.mismatched_bytes == 0
    assert measured.verify.oracle.startswith("tflite-micro") or not sys.platform.startswith("linux")


def test_an_onnx_file_runs_as_well(tmp_path: Path) -> None:
    command = [environment("onnx"), str(TESTS / "support" / "onnx_cases.py"), str(tmp_path)]
    subprocess.run(command, check=True, timeout=120)
    _runs_everywhere(tmp_path / "flattened.onnx", (3, 10, 7), tmp_path)


@pytest.mark.slow  # PyTorch takes a gigabyte
def test_a_pytorch_program_runs_as_well(tmp_path: Path) -> None:
    cases = TESTS / "support" / "pytorch_cases.py"
    command = [environment("pytorch"), str(cases), "programs", str(tmp_path)]
    subprocess.run(command, check=True, timeout=300)
    program = tmp_path / "separable.pt2"
    (shape,) = sources.load(program).source_input_shapes or ()
    _runs_everywhere(program, shape[1:], tmp_path)


def _runs_everywhere(source: Path, shape: tuple[int, ...], folder: Path) -> None:
    """Calibrate with data in the framework's own layout; run on this computer and on a board."""
    data = np.random.default_rng(0).standard_normal((40, *shape)).astype(np.float32)
    np.save(folder / "data.npy", data)
    model = folder / "int8.tflite"
    edgekit.convert(source, folder / "data.npy", output=model)
    for board in ("host", "qemu-cortex-m4"):
        assert edgekit.run(model, board, 2, runs=1).verify.mismatched_bytes == 0
