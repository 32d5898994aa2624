"""The NumPy reference held against the oracle."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgekit.frontends import tflite_writer
from edgekit.ir import Array, Graph, to_text
from edgekit.reference import interpreter
from edgekit.reference.oracle import Oracle


def assert_reference_agrees(oracle: Oracle, graph: Graph, inputs: Sequence[Array]) -> None:
    """TFLite Micro and NumPy give the same shapes, types and bytes for one set of inputs."""
    (expected,) = oracle.run(tflite_writer.write(graph), [tuple(inputs)])
    assert_same(graph, expected, interpreter.evaluate(graph, inputs))


def assert_same(graph: Graph, expected: Sequence[Array], got: Sequence[Array]) -> None:
    """Outputs are those of the graph, and the same in both; else say where they first differ."""
    assert len(expected) == len(got) == len(graph.outputs), to_text(graph)
    for i, (tensor, want, have) in enumerate(zip(graph.outputs, expected, got, strict=True)):
        for who, value in (("expected", want), ("computed", have)):
            assert (value.shape, value.dtype) == (tensor.shape, tensor.dtype.numpy), (
                f"{who} output {i} is {value.dtype}{list(value.shape)}\n{to_text(graph)}"
            )
        if want.tobytes() != have.tobytes():
            wrong = np.argwhere(want != have)
            first = tuple(wrong[0].tolist())
            raise AssertionError(
                f"output {i} differs in {len(wrong)} of {want.size} elements, first at {first}: "
                f"expected {want[first]}, computed {have[first]}\n{to_text(graph)}"
            )
