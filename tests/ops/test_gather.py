from __future__ import annotations

from collections.abc import Callable

import pytest
from support import models
from support.static import UNUSED, assert_refused, graph_around, static_operator, value_of

from edgekit.ir import DType, Operator, Tensor
from edgekit.ops.gather import GatherAttributes

TABLE = models.constant([[1, 2, 3], [4, 5, 6]])


def gather(indices: Tensor, shape: list[int], axis: int = 0, batch_dims: int = 0) -> Operator:
    attributes = GatherAttributes(axis, batch_dims)
    return static_operator("gather", [TABLE, indices], models.tensor(shape), attributes)


def test_indices_name_slices() -> None:
    assert value_of(gather(models.constant([1, 0, 1], DType.INT32), [3, 3])).tolist() == [
        [4, 5, 6],
        [1, 2, 3],
        [4, 5, 6],
    ]
    assert value_of(gather(models.constant(2, DType.INT32), [2], -1)).tolist() == [3, 6]


def test_the_kernel_copies_the_value(check_kernels: Callable[..., None]) -> None:
    operator = gather(models.constant([[1], [0]], DType.INT32), [2, 2, 1], 1)
    check_kernels([(graph_around(operator), [UNUSED])])


@pytest.mark.parametrize(
    ("operator", "why"),
    [
        (gather(models.tensor([1], DType.INT32), [1, 3]), "only static shapes"),
        (gather(models.constant([2], DType.INT32), [1, 3]), r"outside 0\.\.1"),
        (gather(models.constant([-1], DType.INT32), [1, 3]), r"outside 0\.\.1"),
        (gather(models.constant([0, 1], DType.INT32), [2], 1, 1), "batch_dims"),
    ],
)
def test_other_uses_are_refused(operator: Operator, why: str) -> None:
    assert_refused(operator, why)
