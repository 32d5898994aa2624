from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st
from support import models
from support.batches import PROGRAMS, check_random

from edgekit.ir import DType, Graph, Operator
from edgekit.ops import NoAttributes, UnsupportedError, definition_of
from edgekit.ops.strided_copy import Loop


def transpose(shape: list[int], order: Any, dtype: DType = DType.INT8, name: str = "t") -> Graph:
    if not isinstance(order, models.Tensor):
        order = models.constant(order, DType.INT32)
    axes = range(len(shape)) if order.constant is None else order.constant
    output = models.tensor([shape[axis] if axis < len(shape) else 1 for axis in axes], dtype)
    inputs = [models.tensor(shape, dtype), order]
    return models.single_operator_graph("transpose", inputs, output, NoAttributes(), name)


@st.composite
def transposes(draw: st.DrawFn) -> Graph:
    shape = draw(models.shapes(max_rank=5, max_size=7))
    order = draw(st.permutations(range(len(shape))))
    return transpose(list(shape), order, draw(st.sampled_from((DType.INT8, DType.INT16))))


@PROGRAMS
def test_kernels_give_the_oracles_bytes(check_kernels: Callable[..., None], programs: int) -> None:
    check_random(check_kernels, transposes(), programs)


def test_it_moves_what_tflite_micro_does_not(check_kernels: Callable[..., None]) -> None:
    rng = np.random.default_rng(5)
    cases = []
    for dtype, shape in ((DType.INT32, [2, 3, 4]), (DType.INT64, [5, 2]), (DType.BOOL, [3, 3])):
        graph = transpose(shape, list(reversed(range(len(shape)))), dtype, f"t_{dtype.value}")
        cases.append((graph, [(rng.integers(0, 2, shape).astype(dtype.numpy),)]))
    six = transpose([2, 1, 3, 2, 2, 3], [5, 3, 1, 0, 4, 2], name="six_dimensions")
    cases.append((six, [(rng.integers(-128, 128, (2, 1, 3, 2, 2, 3)).astype(np.int8),)]))
    check_kernels(cases, with_oracle=False)


def kernel_of(operator: Operator) -> tuple[tuple[Loop, ...], int]:
    (copy,) = definition_of(operator).kernel(operator).parameters["copies"]
    return copy.loops, copy.run_bytes


def test_channels_first_to_last_is_two_loops_the_longer_one_inside() -> None:
    (operator,) = transpose([1, 3, 8, 8], [0, 2, 3, 1]).operators
    assert kernel_of(operator) == ((Loop(3, 64, 1), Loop(64, 1, 3)), 1)


def test_dimensions_that_stay_together_are_copied_in_runs() -> None:
    (operator,) = transpose([4, 5, 6, 2], [1, 0, 2, 3], DType.INT16).operators
    assert kernel_of(operator) == ((Loop(4, 120, 24), Loop(5, 24, 96)), 24)
    (operator,) = transpose([4, 5], [0, 1]).operators
    assert kernel_of(operator) == ((Loop(1, 0, 0),), 20)


@pytest.mark.parametrize(
    ("order", "why"),
    [
        ([0, 0], "no order of 2 dimensions"),
        ([0, 2], "no order of 2 dimensions"),
        ([0], "no order of 2 dimensions"),
        (models.tensor([2], DType.INT32), "computed"),
    ],
)
def test_what_is_no_permutation_is_refused(order: Any, why: str) -> None:
    (operator,) = transpose([2, 3], order).operators
    with pytest.raises(UnsupportedError, match=why):
        definition_of(operator).check(operator)
