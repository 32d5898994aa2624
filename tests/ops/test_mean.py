from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st
from support import compiled, models
from support.batches import PROGRAMS, check_random
from support.convolutions import graph_of, with_output

from edgekit.ir import DType, Graph, Operator
from edgekit.ops import UnsupportedError, definition_of
from edgekit.ops.mean import MeanAttributes


def mean(
    shape: list[int],
    axes: Any,
    *,
    keep_dims: bool = False,
    scale: float = 1.0,
    dtype: DType = DType.INT8,
) -> Operator:
    inputs = [models.tensor(shape, dtype, scale=1.0), models.constant(axes, DType.INT32)]
    return with_output("mean", inputs, MeanAttributes(keep_dims), scale)


def evaluated(operator: Operator, value: list[int]) -> list[int]:
    source = np.array(value, operator.input(0).dtype.numpy).reshape(operator.input(0).shape)
    inputs = [source, operator.input(1).constant]
    return definition_of(operator).evaluate(operator, inputs)[0].reshape(-1).tolist()


@st.composite
def means(draw: st.DrawFn, dtype: DType = DType.INT8) -> Graph:
    source = draw(models.activations(draw(models.shapes(max_size=5)), dtype))
    rank = len(source.shape)
    axes = draw(st.lists(st.integers(-rank, rank - 1), min_size=1, max_size=4))
    if draw(st.booleans()):
        scale, zero_point = source.scale, source.zero_point
    else:
        scale, zero_point = draw(models.scales()), draw(models.zero_points(dtype))
    attributes = MeanAttributes(draw(st.booleans()))
    inputs = [source, models.constant(axes, DType.INT32)]
    return graph_of(with_output("mean", inputs, attributes, scale, zero_point))


@pytest.mark.parametrize("dtype", [DType.INT8, DType.INT16])
@PROGRAMS
def test_kernels_give_the_oracles_bytes(
    check_kernels: Callable[..., None], programs: int, dtype: DType
) -> None:
    check_random(check_kernels, means(dtype), programs)


def test_the_form_without_64_bit_products_gives_the_same_bytes(
    check_kernels: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiled, "WARNINGS", (*compiled.WARNINGS, "-DEK_NO_LONG_MULTIPLY=1"))
    check_random(check_kernels, st.one_of(means(), means(DType.INT16)), 1)


def test_many_int16_wrap_where_their_sum_leaves_32_bits(check_kernels: Callable[..., None]) -> None:
    operator = mean([2, 70000], [1], dtype=DType.INT16)
    source = np.stack([np.full(70000, 32767), np.full(70000, -32768)]).astype(np.int16)
    check_kernels([(graph_of(operator), [(source,)])])
    (computed,) = definition_of(operator).evaluate(operator, [source, np.array([1])])
    assert computed.tolist() == [-28590, 28589]


def test_the_division_is_folded_into_the_multiplier() -> None:
    assert evaluated(mean([1, 3], [1]), [1, 2, 3]) == [2]
    # in halves: (10 + 10 + 11) / 3 = 10.33 is 20.67 of them
    assert evaluated(mean([3], [0], scale=0.5), [10, 10, 11]) == [21]


def test_axes_count_from_the_end_too_and_each_once() -> None:
    assert mean([2, 3, 4], [-1, 2]).output.shape == (2, 3)
    assert mean([2, 3, 4], [-1, 0], keep_dims=True).output.shape == (1, 3, 1)
    assert mean([2, 3, 4], 1).output.shape == (2, 4)
    assert mean([2, 3], [0, 1]).output.shape == ()


@pytest.mark.parametrize(
    ("shape", "axes", "kept", "reduced"),
    [
        ([1, 8, 8, 64], [1, 2], [(64, 1)], [(64, 64)]),
        ([2, 8, 8, 64], [2, 1], [(2, 4096), (64, 1)], [(64, 64)]),
        ([2, 3, 4, 5], [1, 3], [(2, 60), (4, 5)], [(3, 20), (5, 1)]),
        (
            [2, 3, 2, 3, 2, 3],
            [0, 2, 4],
            [(3, 36), (3, 6), (3, 1)],
            [(2, 108), (2, 18), (2, 3)],
        ),
    ],
)
def test_neighbouring_dimensions_become_one_loop(shape, axes, kept, reduced) -> None:
    operator = mean(shape, axes)
    parameters = definition_of(operator).kernel(operator).parameters
    for name, expected in (("kept", kept), ("reduced", reduced)):
        filled = [(1, 0)] * (3 - len(expected)) + expected
        assert list(parameters[name]) == filled


def test_what_the_kernel_cannot_compute_is_refused() -> None:
    for axes, reason in (
        (models.constant([4], DType.INT32), "it has no dimension 4"),
        (models.constant([0], DType.INT64), "its axes are int64, not int32"),
        (models.tensor([1], DType.INT32), "its axes are computed, not constant"),
    ):
        inputs = [models.tensor([2, 2], scale=1.0), axes]
        output = models.tensor([2], scale=1.0)
        operator = models.operator("mean", inputs, [output], MeanAttributes())
        with pytest.raises(UnsupportedError, match=reason):
            definition_of(operator).check(operator)
