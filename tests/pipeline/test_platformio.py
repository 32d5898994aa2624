"""Engine tflm through PlatformIO, with a library that EDGEKIT_TFLM_LIBRARY names."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.command import Command
from support.firmware import ready

BUILDERS = ("cmake", "platformio")


@pytest.mark.slow
@pytest.mark.emulated
def test_engine_tflm_gives_the_same_through_platformio_as_through_cmake(
    command: Command, model: Path
):
    named = os.environ.get("EDGEKIT_TFLM_LIBRARY")
    if named is None:
        pytest.skip("EDGEKIT_TFLM_LIBRARY names no TensorFlow Lite Micro")
    ready("qemu-cortex-m4")
    counts = []
    for builder in BUILDERS:
        words = ("--engine", "tflm", "--tflm-library", named, "--builder", builder)
        done = command("run", model, "-b", "qemu-cortex-m4", *words)
        assert done.code == 0, done.stderr
        assert "0 differ" in done.stdout
        counts.append([line for line in done.stdout.splitlines() if "instructions" in line])
    assert counts[0] == counts[1]
    assert counts[0]
