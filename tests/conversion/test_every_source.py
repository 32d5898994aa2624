"""Each kind of trained model becomes INT8 that runs on boards, byte for byte as TFLite Micro."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import edgekit

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
