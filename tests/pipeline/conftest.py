"""The whole road, as the command line goes it, in this process: starting another takes a second."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.command import command, own_cache
from support.dense import dense_graph
from support.sshd import one_server, server

import edgekit
from edgekit.frontends import tflite_writer
from edgekit.pipeline import BuiltFirmware, CompiledModel

__all__ = ["command", "one_server", "own_cache", "server"]


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two dense layers of 8."""
    path = tmp_path_factory.mktemp("models") / "dense.tflite"
    path.write_bytes(tflite_writer.write(dense_graph(layers=2, size=8)))
    return path


@pytest.fixture(scope="session")
def other_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the same shapes, with other weights."""
    path = tmp_path_factory.mktemp("models") / "other.tflite"
    path.write_bytes(tflite_writer.write(dense_graph(layers=2, size=8, seed=1)))
    return path


@pytest.fixture(scope="session")
def compiled(model: Path) -> CompiledModel:
    return edgekit.compile(model, "host")


@pytest.fixture(scope="session")
def built(compiled: CompiledModel) -> BuiltFirmware:
    return edgekit.build(compiled)
