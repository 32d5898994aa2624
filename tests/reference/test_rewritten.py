"""A rewritten model is compared with the original, byte for byte."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.dense import dense_graph

from edgekit.errors import PassError
from edgekit.frontends import tflite_writer
from edgekit.reference import rewritten
from edgekit.reference.oracle import NAME, Oracle

MODEL = tflite_writer.write(dense_graph())
INPUTS = [(np.full((1, 4), i, np.int8),) for i in (3, -7)]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache of its own for each test."""
    monkeypatch.setenv("EDGEKIT_CACHE", str(tmp_path / "cache"))


def test_the_same_model_in_another_file_passes_and_it_is_said_who_ran_it(oracle: Oracle) -> None:
    del oracle
    other = tflite_writer.write(dense_graph(), {"metadata": b"more"})
    assert rewritten.check(MODEL, other, INPUTS) == NAME


def test_a_model_that_gives_other_bytes_is_named_with_where_it_differs(oracle: Oracle) -> None:
    del oracle
    with pytest.raises(PassError, match=r"gives another output 0 for input set 0 \(tflite-micro"):
        rewritten.check(MODEL, tflite_writer.write(dense_graph(seed=5)), INPUTS)


def test_a_model_that_runs_only_as_it_was_is_an_error(oracle: Oracle) -> None:
    del oracle
    far = np.array([1, 0, 99, -1], np.int32)  # a plan for another number of tensors
    broken = tflite_writer.write(dense_graph(), {"OfflineMemoryAllocation": far.tobytes()})
    with pytest.raises(PassError, match=r"does not run where the original does: .*refused"):
        rewritten.check(MODEL, broken, INPUTS)


def test_equal_files_and_no_inputs_need_no_run() -> None:
    assert rewritten.check(b"same", b"same", INPUTS) is None
    assert rewritten.check(b"one", b"other", []) is None
