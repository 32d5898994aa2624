"""Reference outputs are kept, by all that they depend on, and a damaged entry does no harm."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.agreement import assert_same
from support.dense import dense_graph

from edgekit.frontends import tflite_writer
from edgekit.ir import Array
from edgekit.reference import cache, interpreter
from edgekit.reference.oracle import NAME, Oracle

GRAPH = dense_graph()
MODEL = tflite_writer.write(GRAPH)
INPUTS = [(np.full((1, 4), i, np.int8),) for i in range(3)]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of its own for each test."""
    monkeypatch.setenv("EDGEKIT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "oracle"


def assert_right(outputs: list[tuple[Array, ...]]) -> None:
    for one, found in zip(INPUTS, outputs, strict=True):
        assert_same(GRAPH, found, interpreter.evaluate(GRAPH, one))


def test_the_second_time_the_oracle_is_not_asked(
    oracle: Oracle, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del oracle
    first, name = cache.outputs_for(MODEL, INPUTS)
    assert name == NAME
    assert_right(first)
    assert len(list(folder.iterdir())) == 1
    monkeypatch.setattr(Oracle, "run", None)
    second, name = cache.outputs_for(MODEL, INPUTS)
    assert name == NAME
    assert_right(second)


def test_every_input_and_the_model_count(oracle: Oracle, folder: Path) -> None:
    del oracle
    other = tflite_writer.write(dense_graph(seed=5))
    for model, inputs in ((MODEL, INPUTS), (MODEL, INPUTS[:2]), (MODEL, INPUTS[::-1]),
                          (other, INPUTS)):  # fmt: skip
        cache.outputs_for(model, inputs)
    assert len(list(folder.iterdir())) == 4


@pytest.mark.parametrize("damage", ["empty", "cut", "noise", "an array", "flipped", "other names"])
def test_a_damaged_entry_is_written_anew(oracle: Oracle, folder: Path, damage: str) -> None:
    del oracle
    cache.outputs_for(MODEL, INPUTS)
    (entry,) = folder.iterdir()
    whole = entry.read_bytes()
    if damage == "an array":
        with entry.open("wb") as file:
            np.save(file, np.zeros(3))
    elif damage == "other names":
        np.savez(entry, a=np.zeros(1), b=np.zeros(1), c=np.zeros(1))
    else:
        flipped = bytearray(whole)
        flipped[whole.index(b"NUMPY") + 130] ^= 0xFF
        entry.write_bytes(
            {"empty": b"", "cut": whole[:-40], "noise": b"?" * 99, "flipped": bytes(flipped)}[
                damage
            ]
        )
    assert_right(cache.outputs_for(MODEL, INPUTS)[0])
    assert [path.name for path in folder.iterdir()] == [entry.name]
    assert len(entry.read_bytes()) == len(whole)


def test_without_a_place_to_write_it_still_answers(
    oracle: Oracle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del oracle
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("EDGEKIT_CACHE", str(tmp_path / "file"))
    assert_right(cache.outputs_for(MODEL, INPUTS)[0])


def test_without_the_package_numpy_takes_its_place(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Oracle, "available", staticmethod(lambda: False))
    outputs, name = cache.outputs_for(MODEL, INPUTS)
    assert name == "edgekit numpy reference"
    assert_right(outputs)
    assert not folder.exists()
