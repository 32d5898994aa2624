"""The whole road, as the command line goes it, in this process: starting another takes a second."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.command import Command, Done
from support.dense import dense_graph

import edgekit
from edgekit import cli
from edgekit.frontends import tflite_writer
from edgekit.pipeline import BuiltFirmware, CompiledModel


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EDGEKIT_CACHE", str(folder))
        patch.setenv("COLUMNS", "100")
        patch.setenv("NO_COLOR", "1")
        yield folder


@pytest.fixture
def command(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[Command]:
    """command("run", path, …): edgekit's command line."""
    handlers = {n: signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}

    def call(*words: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["edgekit", *map(str, words)])
        capfd.readouterr()
        code = 0
        try:
            cli.main()
        except SystemExit as end:
            code = int(end.code or 0)
        return Done(code, *capfd.readouterr())

    yield call
    for number, handler in handlers.items():
        signal.signal(number, handler)


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
