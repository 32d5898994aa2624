from __future__ import annotations

from collections.abc import Callable

import pytest
from support import models
from support.static import UNUSED, assert_refused, graph_around, static_operator, value_of

from edgekit.ir import DType, Operator, Tensor
from edgekit.ops import NoAttributes


def cast(source: Tensor, dtype: DType) -> Operator:
    return static_operator("cast", [source], models.tensor(source.shape, dtype), NoAttributes())


def test_integers_keep_their_low_bits() -> None:
    assert value_of(cast(models.constant([300, -1], DType.INT64), DType.INT8)).tolist() == [44, -1]
    assert value_of(cast(models.constant([5, 0], DType.INT32), DType.BOOL)).tolist() == [
        True,
        False,
    ]


def test_the_kernel_copies_the_value(check_kernels: Callable[..., None]) -> None:
    graph = graph_around(cast(models.constant([300, -1], DType.INT32), DType.INT16))
    check_kernels([(graph, [UNUSED])])


@pytest.mark.parametrize(
    ("operator", "why"),
    [
        (cast(models.tensor([2], DType.INT32), DType.INT8), "only static shapes"),
        (cast(models.constant([1.5], DType.FLOAT32), DType.INT8), "only integers"),
        (cast(models.constant([1], DType.INT32), DType.FLOAT32), "only integers"),
    ],
)
def test_other_uses_are_refused(operator: Operator, why: str) -> None:
    assert_refused(operator, why)
