"""Engine tflm on a board, with a library that EDGEKIT_TFLM_LIBRARY names; and what needs none."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from support import models, shared_models
from support.firmware import ready
from support.sketch import Sketch
from support.zoo import ZOO

import edgekit
from edgekit import pipeline
from edgekit.errors import DeviceError, DoesNotFitError, UnsupportedOperatorsError, UserError
from edgekit.frontends import tflite_writer
from edgekit.ir import DType, Graph, Operator, Tensor
from edgekit.measurement import random_samples
from edgekit.ops import NoAttributes
from edgekit.pipeline.compiling import fitted
from edgekit.project import ProjectOptions
from edgekit.report import document

VARIABLE = "EDGEKIT_TFLM_LIBRARY"


@pytest.fixture(scope="module")
def options() -> ProjectOptions:
    library = os.environ.get(VARIABLE)
    if not library:
        pytest.skip(f"{VARIABLE} names no directory with TensorFlow Lite Micro: see docs/tflm.md")
    return ProjectOptions(tflm_library=library)


def written(graph: Graph, folder: Path, name: str = "m") -> Path:
    path = folder / f"{name}.tflite"
    path.write_bytes(tflite_writer.write(graph))
    return path


def strange() -> Graph:
    """Operators that engine aot has no kernel for."""
    s = Sketch()
    x = s.input(1, 4, 4, 2)
    slope = models.constant(np.array([[[-3, 5]]], np.int8), scale=0.25, zero_point=0)
    y = s.add("prelu", [x, slope], NoAttributes(), shape=(1, 4, 4, 2))
    z = s.add("elu", [y], NoAttributes(), shape=(1, 4, 4, 2))
    return s.graph(z)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["kws01_int8", "ad01_int8"])
def test_a_real_model_gives_the_oracles_bytes(name: str, options: ProjectOptions):
    measured = pipeline.run(
        shared_models.path(name), "host", 4, engine="tflm", options=options, runs=2, profile=True
    )
    assert (measured.engine, measured.verify.mismatched_bytes) == ("tflm", 0)
    assert measured.memory.arena_proof == "none"
    assert all(op.kernel == f"tflite::{op.name}" for op in measured.operators)
    assert all(op.median is not None for op in measured.operators)
    assert measured.memory.static_ram_bytes is not None
    assert measured.memory.static_ram_bytes > measured.memory.arena_bytes
    jsonschema.validate(json.loads(document.to_json(measured)), document.schema())


def differs_in_older_libraries(operator: Operator) -> bool:
    """SUB, and LEAKY_RELU of int16, were 1 LSB off in the libraries of August 2026 and before."""
    is_int16 = operator.output.dtype is DType.INT16
    return operator.kind == "sub" or (operator.kind == "leaky_relu" and is_int16)


def steady(graph: Graph) -> Graph:
    """The graph without such operators, and without what depends on them."""
    gone: set[Tensor] = set()
    kept = []
    for operator in graph.operators:
        if differs_in_older_libraries(operator) or gone & set(operator.activations):
            gone |= set(operator.outputs)
        else:
            kept.append(operator)
    outputs = tuple(tensor for tensor in graph.outputs if tensor not in gone)
    return dataclasses.replace(graph.with_operators(kept), outputs=outputs)


@pytest.mark.slow
@pytest.mark.parametrize("graph", ZOO, ids=lambda graph: graph.name)
def test_every_operator_gives_the_oracles_bytes(
    graph: Graph, options: ProjectOptions, tmp_path: Path
):
    model = written(steady(graph), tmp_path, graph.name)
    measured = pipeline.run(model, "host", 3, engine="tflm", options=options, runs=1)
    assert measured.verify.mismatched_bytes == 0


@pytest.mark.slow
def test_operators_that_aot_lacks_run(options: ProjectOptions, tmp_path: Path):
    model = written(strange(), tmp_path)
    measured = pipeline.run(model, "host", 4, engine="tflm", options=options, runs=1)
    assert measured.verify.mismatched_bytes == 0


@pytest.mark.slow
def test_a_fitted_arena_is_smaller_and_enough(options: ProjectOptions):
    model = shared_models.path("kws01_int8")
    whole = edgekit.compile(model, "host", engine="tflm")
    measured = pipeline.run(model, "host", 2, engine="tflm", options=options, fit=True, runs=1)
    assert measured.memory.arena_bytes <= whole.sources.arena_bytes
    assert measured.verify.mismatched_bytes == 0


@pytest.mark.slow
def test_an_arena_too_small_is_a_status_with_the_librarys_own_words(options: ProjectOptions):
    model = shared_models.path("kws01_int8")
    compiled = edgekit.compile(model, "host", engine="tflm", arena_bytes=20480)
    built = pipeline.build(compiled, options=options)
    with pipeline.connect(built) as device:
        with pytest.raises(
            DeviceError, match=r"did not start on host: status ARENA\n.*\d"
        ) as error:
            pipeline.verify(device, compiled, 1)
        assert "--arena" in (error.value.hint or "")


@pytest.mark.slow
@pytest.mark.emulated
def test_a_bare_board_gives_the_oracles_bytes(options: ProjectOptions):
    board = ready("qemu-cortex-m4")
    measured = pipeline.run(
        shared_models.path("kws01_int8"), board, 2, engine="tflm", options=options
    )
    assert measured.verify.mismatched_bytes == 0
    assert measured.memory.stack_bytes is not None
    assert 0 < measured.memory.stack_bytes < board.stack_bytes


def test_a_model_is_the_same_model_for_both_engines():
    path = shared_models.path("kws01_int8")
    ahead, interpreted = (edgekit.compile(path, engine=engine) for engine in ("aot", "tflm"))
    assert ahead.graph.sha256 == interpreted.graph.sha256
    assert ahead.macs == interpreted.macs
    assert [t.shape for t in ahead.graph.inputs] == [t.shape for t in interpreted.graph.inputs]
    assert interpreted.arena_proof == "none"
    assert interpreted.arena_lower_bound_bytes < interpreted.sources.arena_bytes


def test_what_aot_lacks_and_tflm_has_is_said(tmp_path: Path):
    with pytest.raises(UnsupportedOperatorsError, match="2 operators cannot be compiled") as error:
        edgekit.compile(written(strange(), tmp_path))
    assert "--engine tflm" in (error.value.hint or "")
    assert edgekit.compile(written(strange(), tmp_path), engine="tflm").sources.tflm is not None


def test_what_neither_engine_has_is_not_said_to_be_elsewhere(tmp_path: Path):
    s = Sketch()
    x = s.input(1, 4, dtype=DType.INT8)
    graph = s.graph(s.add("skip_gram", [x], NoAttributes(), shape=(1, 4)))
    with pytest.raises(UnsupportedOperatorsError) as error:
        edgekit.compile(written(graph, tmp_path))
    assert "tflm" not in (error.value.hint or "")


def test_an_arena_is_rounded_to_whole_units():
    path = shared_models.path("kws01_int8")
    assert edgekit.compile(path, engine="tflm", arena_bytes=40001).sources.arena_bytes == 40016


def test_an_arena_larger_than_the_boards_memory_does_not_fit():
    path = shared_models.path("kws01_int8")
    with pytest.raises(DoesNotFitError):
        edgekit.compile(path, "qemu-cortex-m4", engine="tflm", arena_bytes=1 << 26)


def test_only_an_interpreted_model_can_be_fitted():
    with pytest.raises(UserError, match="exact"):
        fitted(edgekit.compile(shared_models.path("kws01_int8")), 1000)


def test_random_inputs_are_those_of_the_users_model():
    compiled = edgekit.compile(shared_models.path("kws01_int8"), engine="tflm")
    assert random_samples(compiled.source_graph, 1).inputs[0][0].shape == (1, 49, 10, 1)
