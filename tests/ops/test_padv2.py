from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import strategies as st
from support import models
from support.batches import PROGRAMS, check_random

from edgekit.ir import DType, Graph, Tensor
from edgekit.ops import NoAttributes, UnsupportedError, definition_of


def padv2(source: Tensor, paddings: list[tuple[int, int]], value: Tensor) -> Graph:
    sizes = [b + n + a for n, (b, a) in zip(source.shape, paddings, strict=True)]
    output = models.tensor(sizes, source.dtype, scale=0.5, zero_point=0)
    inputs = [source, models.constant(paddings, DType.INT32), value]
    return models.single_operator_graph("padv2", inputs, output, NoAttributes())


@st.composite
def pads(draw: st.DrawFn) -> Graph:
    shape = draw(models.shapes(max_rank=4, max_size=4))
    some = st.sampled_from((0, 0, 1, 3))
    paddings = [(draw(some), draw(some)) for _ in shape]
    dtype = draw(st.sampled_from((DType.INT8, DType.INT16, DType.INT32)))
    number = draw(st.integers(dtype.min, dtype.max))
    return padv2(models.tensor(shape, dtype), paddings, models.constant(number, dtype, scale=0.5))


@PROGRAMS
def test_kernels_give_the_oracles_bytes(check_kernels: Callable[..., None], programs: int) -> None:
    check_random(check_kernels, pads(), programs)


def test_the_value_is_around_the_input() -> None:
    graph = padv2(models.tensor([2]), [(1, 2)], models.constant(9, DType.INT8, scale=0.5))
    (operator,) = graph.operators
    (padded,) = definition_of(operator).evaluate(operator, [np.array([1, 2], np.int8), None, None])
    assert padded.tolist() == [9, 1, 2, 9, 9]


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (models.constant(9, DType.INT8, scale=0.25), "differ in scale"),
        (models.constant(9, DType.INT16, scale=0.5), "pad value is int16"),
        (models.constant([9, 9], DType.INT8, scale=0.5), "2 pad values"),
        (models.tensor([], DType.INT8, scale=0.5), "computed"),
    ],
)
def test_a_value_that_is_no_constant_on_the_outputs_scale_is_refused(
    value: Tensor, why: str
) -> None:
    (operator,) = padv2(models.tensor([2]), [(1, 2)], value).operators
    with pytest.raises(UnsupportedError, match=why):
        definition_of(operator).check(operator)
