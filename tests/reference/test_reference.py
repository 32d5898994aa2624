"""The NumPy reference computes what TFLite Micro computes, and refuses what it cannot."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import shared_models
from support.agreement import assert_reference_agrees, assert_same
from support.dense import dense_graph, dense_graphs
from support.models import inputs_of, single_operator_graph, tensor

from edgekit import ops
from edgekit.errors import InputError, ModelError
from edgekit.frontends import tflite
from edgekit.reference import interpreter
from edgekit.reference.oracle import Oracle


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_dense_models_give_the_oracles_bytes(oracle: Oracle, data: st.DataObject) -> None:
    graph = data.draw(dense_graphs())
    assert_reference_agrees(oracle, graph, data.draw(inputs_of(graph)))


def test_a_real_model_gives_the_oracles_bytes(oracle: Oracle) -> None:
    path = shared_models.path("ad01_int8")
    graph = tflite.read(path)
    rng = np.random.default_rng(1)
    inputs = [(rng.integers(-128, 128, (1, 640)).astype(np.int8),) for _ in range(8)]
    for one, expected in zip(inputs, oracle.run(path.read_bytes(), inputs), strict=True):
        assert_same(graph, expected, interpreter.evaluate(graph, one))


def test_a_trace_has_every_value_that_is_computed() -> None:
    graph = dense_graph(layers=3)
    values = interpreter.trace(graph, [np.zeros(graph.inputs[0].shape, np.int8)])
    computed = [t for t in graph.tensors if t.constant is None]
    assert list(values) == computed
    assert all(values[t].shape == t.shape for t in computed)


@pytest.mark.parametrize(
    "inputs",
    [
        [],
        [np.zeros((1, 5), np.int8)],
        [np.zeros((1, 4), np.uint8)],
        [np.zeros((1, 4), np.int8)] * 2,
    ],
    ids=["none", "wrong shape", "wrong type", "too many"],
)
def test_inputs_that_do_not_match_are_refused(inputs: list[np.ndarray]) -> None:
    with pytest.raises(InputError, match="input"):
        interpreter.evaluate(dense_graph(), inputs)


def test_an_unknown_operator_is_named() -> None:
    source = tensor([1, 4], scale=0.1)
    graph = single_operator_graph("lsh_projection", [source], tensor([4]), ops.NoAttributes())
    with pytest.raises(ModelError, match="#0 LSH_PROJECTION"):
        interpreter.evaluate(graph, [np.zeros((1, 4), np.int8)])


def test_a_model_whose_output_is_its_input_answers_it() -> None:
    graph = dense_graph()
    graph = graph.__class__("echo", (), graph.inputs, graph.inputs)
    value = np.arange(4, dtype=np.int8).reshape(1, 4)
    assert interpreter.evaluate(graph, [value])[0].tolist() == [[0, 1, 2, 3]]
