from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import strategies as st
from support import models
from support.batches import PROGRAMS, check_random

from edgekit.ir import DType, Graph, Tensor
from edgekit.ops import UnsupportedError, definition_of
from edgekit.ops.pack import PackAttributes

TYPES = (DType.INT8, DType.INT8, DType.INT16, DType.INT32, DType.INT64)


def pack(inputs: Sequence[Tensor], axis: int, count: int | None = None) -> Graph:
    shape = [*inputs[0].shape]
    shape.insert(axis % (len(shape) + 1), len(inputs))
    output = models.tensor(shape, inputs[0].dtype)
    attributes = PackAttributes(len(inputs) if count is None else count, axis)
    return models.single_operator_graph("pack", inputs, output, attributes)


@st.composite
def packs(draw: st.DrawFn) -> Graph:
    shape = draw(models.shapes(min_rank=0, max_rank=4, max_size=5))
    axis = draw(st.integers(-len(shape) - 1, len(shape)))
    dtype = draw(st.sampled_from(TYPES))
    inputs = [models.tensor(shape, dtype)]
    for _ in range(draw(st.integers(0, 5))):
        value = draw(models.values(shape, dtype)) if draw(st.booleans()) else None
        inputs.append(models.tensor(shape, dtype, constant=value))
    return pack(inputs, axis)


@PROGRAMS
def test_kernels_give_the_oracles_bytes(check_kernels: Callable[..., None], programs: int) -> None:
    check_random(check_kernels, packs(), programs)


def test_it_stacks_along_a_new_axis() -> None:
    (operator,) = pack([models.tensor([2]), models.tensor([2])], -1).operators
    arrays = [np.array([1, 2], np.int8), np.array([3, 4], np.int8)]
    (stacked,) = definition_of(operator).evaluate(operator, arrays)
    assert stacked.tolist() == [[1, 3], [2, 4]]


@pytest.mark.parametrize(
    ("graph", "why"),
    [
        (pack([models.tensor([2]), models.tensor([3])], 0), "shapes differ"),
        (pack([models.tensor([2]), models.tensor([2])], 0, 3), "2 inputs"),
        (pack([models.tensor([2])], 2), "axis 2 of 2"),
        (pack([models.tensor([2]), models.tensor([2], DType.INT16)], 0), "int16 becomes int8"),
    ],
)
def test_inputs_that_are_not_alike_are_refused(graph: Graph, why: str) -> None:
    (operator,) = graph.operators
    with pytest.raises(UnsupportedError, match=why):
        definition_of(operator).check(operator)
