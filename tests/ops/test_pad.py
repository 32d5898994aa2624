from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st
from support import models
from support.batches import PROGRAMS, check_random

from edgekit.ir import DType, Graph, Tensor
from edgekit.ops import NoAttributes, UnsupportedError, definition_of
from edgekit.ops.padding import pad_value

TYPES = (DType.INT8, DType.INT8, DType.INT16, DType.INT32)


def pad(source: Tensor, paddings: Any, zero_point: int = 0, sizes: Sequence[int] = ()) -> Graph:
    if not isinstance(paddings, Tensor):
        sizes = [b + n + a for n, (b, a) in zip(source.shape, paddings, strict=True)]
        paddings = models.constant(paddings, DType.INT32)
    quantized = source.dtype is DType.INT8
    output = models.tensor(
        sizes, source.dtype, scale=0.5 if quantized else None, zero_point=zero_point
    )
    return models.single_operator_graph("pad", [source, paddings], output, NoAttributes())


@st.composite
def pads(draw: st.DrawFn) -> Graph:
    shape = draw(models.shapes(max_rank=5, max_size=4))
    some = st.sampled_from((0, 0, 1, 2, 3))
    paddings = [(draw(some), draw(some)) for _ in shape]
    dtype = draw(st.sampled_from(TYPES))
    source = draw(models.activations(shape)) if dtype is DType.INT8 else models.tensor(shape, dtype)
    return pad(source, paddings, draw(models.zero_points()) if dtype is DType.INT8 else 0)


@PROGRAMS
def test_kernels_give_the_oracles_bytes(check_kernels: Callable[..., None], programs: int) -> None:
    check_random(check_kernels, pads(), programs)


def test_an_image_is_padded_with_the_outputs_zero_point() -> None:
    (operator,) = pad(
        models.tensor([1, 2], scale=0.5, zero_point=3), [(1, 0), (0, 2)], -7
    ).operators
    (padded,) = definition_of(operator).evaluate(operator, [np.array([[1, 2]], np.int8), None])
    assert padded.tolist() == [[-7, -7, -7, -7], [1, 2, -7, -7]]


def test_rows_of_an_image_are_runs_and_the_space_between_them_one_gap() -> None:
    (operator,) = pad(models.tensor([1, 4, 5, 3]), [(0, 0), (1, 2), (1, 1), (0, 0)]).operators
    needs = definition_of(operator).kernel(operator)
    assert needs.parameters == {
        "loops": ((4, 6),),
        "run_bytes": 15,
        "before_bytes": 21 + 3,
        "after_bytes": 3 + 42,
        "value_bytes": 1,
    }


@pytest.mark.parametrize("dtype", [DType.INT16, DType.INT32])
def test_other_types_are_padded_with_0(dtype: DType) -> None:
    (operator,) = pad(models.tensor([2], dtype), [(1, 1)]).operators
    assert pad_value(operator) == 0


@pytest.mark.parametrize(
    ("graph", "why"),
    [
        (pad(models.tensor([4]), [(-1, 1)]), "negative"),
        (pad(models.tensor([4]), models.constant([1, 1, 1, 1], DType.INT32), 0, [6]), "4 paddings"),
        (pad(models.tensor([4]), models.tensor([1, 2], DType.INT32), 0, [6]), "computed"),
        (pad(models.tensor([4], DType.UINT8), [(1, 1)]), "uint8 is not supported"),
    ],
)
def test_what_tflite_micro_does_not_pad_is_refused(graph: Graph, why: str) -> None:
    (operator,) = graph.operators
    with pytest.raises(UnsupportedError, match=why):
        definition_of(operator).check(operator)
