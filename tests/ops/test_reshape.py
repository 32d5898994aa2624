from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import strategies as st
from support import models
from support.batches import PROGRAMS, check_random

from edgekit.ir import DType, Graph
from edgekit.ops import UnsupportedError, definition_of
from edgekit.ops.reshape import ReshapeAttributes


@st.composite
def reshapes(draw: st.DrawFn) -> Graph:
    """With the shape as option, as constant, as both, or nowhere but in the output."""
    shape = draw(models.shapes(max_rank=5))
    output_shape = draw(st.permutations(shape))
    if draw(st.booleans()):
        output_shape = [math.prod(shape[:2]), *shape[2:]]
    dtype = draw(st.sampled_from((DType.INT8, DType.INT16)))
    source = draw(models.activations(shape, dtype))
    output = models.tensor(output_shape, dtype, scale=draw(models.scales()))
    inputs = [source]
    if draw(st.booleans()):
        inputs.append(models.constant([-1, *output_shape[1:]], DType.INT32))
    new_shape = tuple(output_shape) if draw(st.booleans()) else None
    return models.single_operator_graph("reshape", inputs, output, ReshapeAttributes(new_shape))


@PROGRAMS
def test_kernels_give_the_oracles_bytes(check_kernels: Callable[..., None], programs: int) -> None:
    check_random(check_kernels, reshapes(), programs)


def reshape(shape: list[int], output_shape: list[int], dtype: DType, name: str = "r") -> Graph:
    source, output = models.tensor(shape, dtype), models.tensor(output_shape, dtype)
    return models.single_operator_graph("reshape", [source], output, ReshapeAttributes(), name)


def test_it_moves_every_type_and_copies_a_constant(check_kernels: Callable[..., None]) -> None:
    rng = np.random.default_rng(3)
    cases = []
    for dtype in (DType.UINT8, DType.INT32, DType.INT64, DType.BOOL):
        graph = reshape([2, 3], [6], dtype, f"moves_{dtype.value}")
        cases.append((graph, [(rng.integers(0, 2, (2, 3)).astype(dtype.numpy),)]))
    check_kernels([*cases, (with_computed_shape(), [FED]), (of_a_constant(), [(FED[1],)])])


FED = (np.arange(12, dtype=np.int8).reshape(2, 6), np.array([4, 3], np.int32))


def with_computed_shape() -> Graph:
    """TFLite Micro goes by [3, 4], whatever input 1 says."""
    inputs = [models.tensor([2, 6]), models.tensor([2], DType.INT32)]
    output = models.tensor([3, 4])
    return models.single_operator_graph("reshape", inputs, output, ReshapeAttributes(), "computed")


def of_a_constant() -> Graph:
    source, output = models.constant(np.arange(6).reshape(2, 3)), models.tensor([6])
    operator = models.operator("reshape", [source], [output], ReshapeAttributes())
    return models.graph_of([operator], [models.tensor([2], DType.INT32)], [output], "constant")


def test_only_the_number_of_elements_counts() -> None:
    definition = definition_of(reshape([2, 3], [6], DType.INT8).operators[0])
    for output_shape, expected in (([6], (6,)), ([1, 6, 1], (1, 6, 1)), ([7], (6,))):
        (operator,) = reshape([2, 3], output_shape, DType.INT8).operators
        assert definition.output_shapes(operator) == (expected,)


def test_another_type_is_refused() -> None:
    source, output = models.tensor([2, 3]), models.tensor([6], DType.INT16)
    graph = models.single_operator_graph("reshape", [source], output, ReshapeAttributes())
    with pytest.raises(UnsupportedError, match="int8 becomes int16"):
        definition_of(graph.operators[0]).check(graph.operators[0])
