from __future__ import annotations

from collections.abc import Callable

import pytest
from support import models
from support.static import UNUSED, assert_refused, graph_around, static_operator, value_of

from edgekit.ir import DType, Operator
from edgekit.ops import NoAttributes


def integers(start: int, limit: int, step: int, count: int) -> Operator:
    inputs = [models.constant(bound, DType.INT32) for bound in (start, limit, step)]
    return static_operator("range", inputs, models.tensor([count], DType.INT32), NoAttributes())


def test_it_counts_up_and_down() -> None:
    assert value_of(integers(1, 6, 2, 3)).tolist() == [1, 3, 5]
    assert value_of(integers(3, 0, -1, 3)).tolist() == [3, 2, 1]


def test_the_kernel_copies_the_value(check_kernels: Callable[..., None]) -> None:
    check_kernels([(graph_around(integers(0, 5, 1, 5)), [UNUSED])], with_oracle=False)


@pytest.mark.parametrize(
    ("operator", "why"),
    [
        (integers(0, 5, 0, 5), "step of 0"),
        (integers(0, 1 << 30, 1, 5), "makes 1073741824 integers"),
    ],
)
def test_other_bounds_are_refused(operator: Operator, why: str) -> None:
    assert_refused(operator, why)


def test_bounds_that_depend_on_the_models_inputs_are_refused() -> None:
    bounds = [models.tensor([], DType.INT32) for _ in range(3)]
    operator = static_operator("range", bounds, models.tensor([5], DType.INT32), NoAttributes())
    assert_refused(operator, "only static shapes")
