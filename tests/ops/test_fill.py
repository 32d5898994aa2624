from __future__ import annotations

from collections.abc import Callable

import pytest
from support import models
from support.static import UNUSED, assert_refused, graph_around, static_operator, value_of

from edgekit.ir import DType, Operator, Tensor
from edgekit.ops import NoAttributes

SIZES = models.constant([2, 3], DType.INT32)


def fill(sizes: Tensor, value: Tensor, shape: list[int]) -> Operator:
    output = models.tensor(shape, value.dtype)
    return static_operator("fill", [sizes, value], output, NoAttributes())


def test_every_element_has_the_value() -> None:
    assert value_of(fill(SIZES, models.constant(7), [2, 3])).tolist() == [[7] * 3] * 2


def test_the_kernel_copies_the_value(check_kernels: Callable[..., None]) -> None:
    graph = graph_around(fill(SIZES, models.constant(-9, DType.INT32), [2, 3]))
    check_kernels([(graph, [UNUSED])])


@pytest.mark.parametrize(
    ("operator", "why"),
    [
        (fill(models.tensor([2], DType.INT32), models.constant(7), [2, 3]), "only static shapes"),
        (fill(SIZES, models.constant([7, 8]), [2, 3]), "2 values"),
        (fill(models.constant([1 << 30, 9], DType.INT32), models.constant(7), [2, 3]), "not the"),
        (fill(models.constant([-2, -3], DType.INT32), models.constant(7), [2, 3]), "not the"),
    ],
)
def test_other_uses_are_refused(operator: Operator, why: str) -> None:
    assert_refused(operator, why)
