from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import strategies as st
from support import models
from support.batches import PROGRAMS, check_random

from edgekit.ir import DType, Graph, Operator
from edgekit.ops import UnsupportedError, definition_of
from edgekit.ops.strided_slice import StridedSliceAttributes


def strided_slice(
    shape: Sequence[int],
    begins: Sequence[int],
    ends: Sequence[int],
    strides: Sequence[int],
    *,
    dtype: DType = DType.INT8,
    **masks: int,
) -> Graph:
    inputs = [models.tensor(shape, dtype)]
    inputs += [models.constant(list(v), DType.INT32) for v in (begins, ends, strides)]
    attributes = StridedSliceAttributes(**masks)
    trial = models.operator("strided_slice", inputs, [models.tensor([1], dtype)], attributes)
    try:
        (output_shape,) = definition_of(trial).output_shapes(trial)
    except UnsupportedError:
        output_shape = (1,)
    output = models.tensor(output_shape, dtype)
    return models.single_operator_graph("strided_slice", inputs, output, attributes)


@st.composite
def slices(draw: st.DrawFn) -> Graph:
    """Begins and ends in and out of range, strides of both signs, all three masks."""
    shape = draw(models.shapes(max_size=7))
    rank = len(shape)
    mask = st.integers(0, (1 << rank) - 1)
    shrink = draw(mask) & draw(mask)
    begins, ends, strides = [], [], []
    for axis, size in enumerate(shape):
        begins.append(draw(st.integers(-size - 2, size - 1)))
        ends.append(draw(st.integers(-size - 2, size + 2)))
        step = draw(st.sampled_from((1, 1, 2, 3, -1, -2)))
        strides.append(abs(step) if shrink >> axis & 1 else step)
    masks = {"begin_mask": draw(mask), "end_mask": draw(mask), "shrink_axis_mask": shrink}
    for axis, size in enumerate(shape):  # an empty slice becomes a whole one
        begin = None if masks["begin_mask"] >> axis & 1 else begins[axis]
        end = None if masks["end_mask"] >> axis & 1 else ends[axis]
        if not len(range(*slice(begin, end, strides[axis]).indices(size))):
            masks["begin_mask"] |= 1 << axis
            masks["end_mask"] |= 1 << axis
    dtype = draw(st.sampled_from((DType.INT8, DType.INT8, DType.INT16, DType.INT32)))
    return strided_slice(shape, begins, ends, strides, dtype=dtype, **masks)


@PROGRAMS
def test_kernels_give_the_oracles_bytes(check_kernels: Callable[..., None], programs: int) -> None:
    check_random(check_kernels, slices(), programs)


def evaluate(graph: Graph) -> list[object]:
    (operator,) = graph.operators
    source = np.arange(operator.input(0).elements, dtype=np.int8)
    inputs = [source.reshape(operator.input(0).shape), *(t.constant for t in operator.inputs[1:])]  # type: ignore[union-attr]
    (taken,) = definition_of(operator).evaluate(operator, inputs)
    return taken.tolist()  # type: ignore[no-any-return]


def test_it_takes_what_python_takes() -> None:
    assert evaluate(strided_slice([6], [1], [5], [2])) == [1, 3]
    assert evaluate(strided_slice([6], [-2], [0], [-2])) == [4, 2]
    assert evaluate(strided_slice([6], [9], [-9], [-1], begin_mask=1, end_mask=1)) == [
        5, 4, 3, 2, 1, 0,
    ]  # fmt: skip
    shrunk = strided_slice([2, 3], [1, 0], [0, 3], [1, 1], shrink_axis_mask=1)
    assert evaluate(shrunk) == [3, 4, 5]


def test_neighbouring_dimensions_that_are_taken_whole_are_one_run() -> None:
    (operator,) = strided_slice([8, 8, 4], [2, 0, 0], [6, 8, 4], [2, 1, 1]).operators
    (copy,) = definition_of(operator).kernel(operator).parameters["copies"]
    assert (copy.run_bytes, copy.in_offset_bytes) == (32, 64)
    assert [(loop.size, loop.in_step_bytes) for loop in copy.loops] == [(2, 64)]


REFUSED: list[tuple[Graph, str]] = [
    (strided_slice([4], [0], [4], [0]), "stride of 0"),
    (strided_slice([4], [3], [1], [1]), "nothing"),
    (strided_slice([4, 4], [0], [4], [1]), "all dimensions"),
    (strided_slice([4], [0], [4], [1], ellipsis_mask=1), "ellipsis_mask"),
    (strided_slice([4], [0], [4], [1], new_axis_mask=1), "new_axis_mask"),
    (strided_slice([4], [0], [4], [1], offset=True), "count from the begins"),
    (strided_slice([4], [3], [2], [-1], shrink_axis_mask=1), "backwards"),
    (strided_slice([4], [4], [5], [1], shrink_axis_mask=1), "index 4 of 4"),
]


@pytest.mark.parametrize(("graph", "why"), REFUSED, ids=[why for _, why in REFUSED])
def test_what_tflite_micro_ignores_or_refuses_is_refused(graph: Graph, why: str) -> None:
    operator: Operator = graph.operators[0]
    with pytest.raises(UnsupportedError, match=why):
        definition_of(operator).check(operator)
