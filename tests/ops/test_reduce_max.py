from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st
from support import models
from support.batches import PROGRAMS, check_random
from support.convolutions import graph_of, with_output

from edgekit.ir import DType, Graph, Operator
from edgekit.ops import UnsupportedError, definition_of
from edgekit.ops.reduce_max import ReduceMaxAttributes


def reduce_max(
    shape: list[int], axes: Any, *, keep_dims: bool = False, dtype: DType = DType.INT8
) -> Operator:
    inputs = [models.tensor(shape, dtype, scale=1.0), models.constant(axes, DType.INT32)]
    return with_output("reduce_max", inputs, ReduceMaxAttributes(keep_dims))


@st.composite
def reduce_maxes(draw: st.DrawFn) -> Graph:
    source = draw(models.activations(draw(models.shapes(max_rank=5, max_size=5))))
    rank = len(source.shape)
    axes = draw(st.lists(st.integers(-rank, rank - 1), min_size=1, max_size=4))
    inputs = [source, models.constant(axes, DType.INT32)]
    attributes = ReduceMaxAttributes(draw(st.booleans()))
    return graph_of(with_output("reduce_max", inputs, attributes, source.scale, source.zero_point))


@PROGRAMS
def test_kernels_give_the_oracles_bytes(check_kernels: Callable[..., None], programs: int) -> None:
    check_random(check_kernels, reduce_maxes(), programs)


def test_the_least_byte_can_be_the_greatest() -> None:
    operator = reduce_max([2, 3], [-1])
    source = np.array([[-128, -128, -128], [-5, 127, 0]], np.int8)
    (computed,) = definition_of(operator).evaluate(operator, [source, np.array([-1])])
    assert computed.tolist() == [-128, 127]


def test_dimensions_go_or_become_one() -> None:
    assert reduce_max([2, 3, 4], [-1, 0], keep_dims=True).output.shape == (1, 3, 1)
    assert reduce_max([2, 3], [0, 1]).output.shape == ()


def test_what_tflite_micro_does_not_compute_is_refused() -> None:
    operator = reduce_max([2, 2], [0], dtype=DType.INT16)
    with pytest.raises(UnsupportedError, match="int16 is not supported, only int8"):
        definition_of(operator).check(operator)
    inputs = [models.tensor([2, 2], scale=1.0), models.constant([0], DType.INT32)]
    operator = with_output("reduce_max", inputs, ReduceMaxAttributes(), 1.0, 1)
    with pytest.raises(UnsupportedError, match="differ in scale or zero point"):
        definition_of(operator).check(operator)
    inputs[1] = models.constant([2], DType.INT32)
    operator = models.operator("reduce_max", inputs, [inputs[0]], ReduceMaxAttributes())
    with pytest.raises(UnsupportedError, match="it has no dimension 2"):
        definition_of(operator).check(operator)
