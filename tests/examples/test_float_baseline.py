"""The float kernels that INT8 is compared with still build, run and agree with LiteRT."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest
from support import float_models
from support.firmware import ready


@pytest.mark.emulated
def test_a_float_model_is_counted_on_an_emulated_board(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    ready("qemu-cortex-m4")
    monkeypatch.setattr(sys, "path", [str(Path(__file__).parents[2]), *sys.path])
    baseline = importlib.import_module("benchmarks.float_baseline.__main__")
    path = tmp_path / "blobs.tflite"
    path.write_bytes(float_models.classifier())
    count = baseline.count_float(path, "qemu-cortex-m4")
    assert count.instructions > count.macs > 0
    assert count.weights_bytes > 0 and count.arena_bytes > 0
