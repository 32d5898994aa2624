from __future__ import annotations

from collections.abc import Callable

import pytest
from support import models
from support.static import UNUSED, assert_refused, graph_around, static_operator, value_of

from edgekit.ir import DType, Operator
from edgekit.ops.reduce_prod import ReduceProdAttributes


def product(axes: list[int], shape: list[int], keep_dims: bool = False) -> Operator:
    source = models.constant([[1, 2, 3], [4, 5, 6]], DType.INT32)
    inputs = [source, models.constant(axes, DType.INT32)]
    output = models.tensor(shape, DType.INT32)
    return static_operator("reduce_prod", inputs, output, ReduceProdAttributes(keep_dims))


def test_dimensions_are_multiplied_up() -> None:
    assert value_of(product([1], [2])).tolist() == [6, 120]
    assert value_of(product([-1, 0], [])).tolist() == 720
    assert value_of(product([0], [1, 3], keep_dims=True)).tolist() == [[4, 10, 18]]


def test_the_kernel_copies_the_value(check_kernels: Callable[..., None]) -> None:
    check_kernels([(graph_around(product([0], [3])), [UNUSED])], with_oracle=False)


def test_an_axis_that_is_not_there_is_refused() -> None:
    assert_refused(product([2], [2]), "axis 2 of 2")


def test_what_depends_on_the_models_inputs_is_refused() -> None:
    source, axes = models.tensor([2], DType.INT32), models.constant([0], DType.INT32)
    output = models.tensor([], DType.INT32)
    operator = static_operator("reduce_prod", [source, axes], output, ReduceProdAttributes())
    assert_refused(operator, "only static shapes")


@pytest.mark.parametrize("dtype", [DType.FLOAT32])
def test_real_numbers_are_refused(dtype: DType) -> None:
    inputs = [models.constant([1.5], dtype), models.constant([0], DType.INT32)]
    operator = static_operator(
        "reduce_prod", inputs, models.tensor([], dtype), ReduceProdAttributes()
    )
    assert_refused(operator, "only integers")
