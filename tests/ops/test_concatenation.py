from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import strategies as st
from support import models
from support.batches import PROGRAMS, check_random

from edgekit.errors import OracleError
from edgekit.frontends import tflite_writer
from edgekit.ir import DType, Graph, Tensor
from edgekit.ops import UnsupportedError, definition_of
from edgekit.ops.concatenation import ConcatenationAttributes
from edgekit.ops.fixed_point import Activation
from edgekit.reference.oracle import Oracle

TYPES = (DType.INT8, DType.INT8, DType.INT16, DType.INT32)


def concatenation(
    inputs: Sequence[Tensor],
    output_shape: Sequence[int],
    axis: int = 0,
    activation: Activation = Activation.NONE,
    **quantization: float,
) -> Graph:
    output = models.tensor(output_shape, inputs[0].dtype, **quantization)  # type: ignore[arg-type]
    attributes = ConcatenationAttributes(axis, activation)
    return models.single_operator_graph("concatenation", inputs, output, attributes)


@st.composite
def concatenations(draw: st.DrawFn) -> Graph:
    """1 to 10 inputs, some constant, one perhaps twice."""
    shape = draw(models.shapes(max_size=5))
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    dtype = draw(st.sampled_from(TYPES))
    scale = draw(models.scales())
    zero_point = draw(models.zero_points()) if dtype is DType.INT8 else 0
    sizes = draw(st.lists(st.integers(1, 5), min_size=1, max_size=9))
    inputs = []
    for i, size in enumerate(sizes):
        one = [*shape]
        one[axis] = size
        value = draw(models.values(one, dtype)) if i and draw(st.booleans()) else None
        inputs.append(models.tensor(one, dtype, scale=scale, zero_point=zero_point, constant=value))
    if draw(st.booleans()):
        inputs.append(inputs[0])
    output_shape = [*shape]
    output_shape[axis] = sum(t.shape[axis] for t in inputs)
    return concatenation(inputs, output_shape, axis, scale=scale, zero_point=zero_point)


@PROGRAMS
def test_kernels_give_the_oracles_bytes(check_kernels: Callable[..., None], programs: int) -> None:
    check_random(check_kernels, concatenations(), programs)


def test_it_joins_along_the_axis() -> None:
    graph = concatenation([models.tensor([2, 1]), models.tensor([2, 2])], [2, 3], -1)
    (operator,) = graph.operators
    arrays = [np.array([[1], [2]], np.int8), np.array([[3, 4], [5, 6]], np.int8)]
    (joined,) = definition_of(operator).evaluate(operator, arrays)
    assert joined.tolist() == [[1, 3, 4], [2, 5, 6]]


def test_more_inputs_than_tflite_micro_takes(check_kernels: Callable[..., None]) -> None:
    graph = concatenation([models.tensor([2]) for _ in range(12)], [24])
    inputs = [np.array([i, -i], np.int8) for i in range(12)]
    check_kernels([(graph, [tuple(inputs)])], with_oracle=False)


def differing(**quantization: float) -> Graph:
    inputs = [models.tensor([2], scale=0.5, zero_point=1), models.tensor([2], **quantization)]  # type: ignore[arg-type]
    return concatenation(inputs, [4], scale=0.5, zero_point=1)


@pytest.mark.parametrize(
    "graph",
    [
        differing(scale=0.25, zero_point=1),
        differing(scale=0.5, zero_point=2),
        concatenation([models.tensor([2])], [2], activation=Activation.RELU),
    ],
)
def test_what_tflite_micro_refuses_is_refused(oracle: Oracle, graph: Graph) -> None:
    (operator,) = graph.operators
    with pytest.raises(UnsupportedError, match=r"differ in scale|activation RELU"):
        definition_of(operator).check(operator)
    with pytest.raises(OracleError):
        oracle.run(tflite_writer.write(graph), [tuple(np.zeros(2, np.int8) for _ in graph.inputs)])


@pytest.mark.parametrize(
    ("shapes", "axis", "why"),
    [
        (([2, 3], [2, 4]), 0, "do not match"),
        (([2, 3], [2]), 0, "differ in rank"),
        (([2], [2]), 1, "axis 1 of 1"),
    ],
)
def test_what_does_not_fit_together_is_refused(
    shapes: tuple[list[int], ...], axis: int, why: str
) -> None:
    (operator,) = concatenation([models.tensor(s) for s in shapes], [1], axis).operators
    with pytest.raises(UnsupportedError, match=why):
        definition_of(operator).check(operator)
