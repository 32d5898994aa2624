"""The command line as a user has it: a process of its own."""

import os
import subprocess
import sys
from collections.abc import Callable

import pytest
from support.dense import dense_graph

from edgekit.frontends import tflite_writer


@pytest.fixture(scope="session")
def model(tmp_path_factory):
    """A model of two dense layers."""
    path = tmp_path_factory.mktemp("models") / "dense.tflite"
    path.write_bytes(tflite_writer.write(dense_graph(layers=2, size=8)))
    return path


@pytest.fixture(scope="session")
def environment(tmp_path_factory):
    """A cache and a PlatformIO of its own, no colours, no width of some terminal."""
    return os.environ | {
        "EDGEKIT_CACHE": str(tmp_path_factory.mktemp("cache")),
        "PLATFORMIO_CORE_DIR": str(tmp_path_factory.mktemp("platformio")),
        "COLUMNS": "100",
        "NO_COLOR": "1",
    }


@pytest.fixture
def edgekit(environment) -> Callable[..., subprocess.CompletedProcess[str]]:
    """edgekit("run", path, …): the finished process."""

    def call(*words: object, **options: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "edgekit", *map(str, words)]
        return subprocess.run(
            command, capture_output=True, text=True, timeout=120, env=environment, **options
        )

    return call
