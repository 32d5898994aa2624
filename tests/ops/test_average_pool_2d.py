from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
from support import models
from support.batches import PROGRAMS, check_random
from support.convolutions import pool, pool_graphs

from edgekit.ir import DType, Operator
from edgekit.ops import UnsupportedError, definition_of
from edgekit.ops.fixed_point import Activation
from edgekit.ops.windows import Padding


def evaluated(operator: Operator, value: list[int]) -> list[int]:
    source = np.array(value, operator.input(0).dtype.numpy).reshape(operator.input(0).shape)
    return definition_of(operator).evaluate(operator, [source])[0].reshape(-1).tolist()


@pytest.mark.parametrize("dtype", [DType.INT8, DType.INT16])
@PROGRAMS
def test_kernels_give_the_oracles_bytes(
    check_kernels: Callable[..., None], programs: int, dtype: DType
) -> None:
    check_random(check_kernels, pool_graphs("average_pool_2d", dtype), programs)


def test_ties_round_away_from_zero() -> None:
    operator = pool("average_pool_2d", [1, 1, 6, 1], (1, 2), stride_width=2)
    assert evaluated(operator, [1, 2, -1, -2, 1, -1]) == [2, -2, 0]


def test_averages_of_int16() -> None:
    operator = pool("average_pool_2d", [1, 1, 4, 1], (1, 2), DType.INT16, stride_width=2)
    assert evaluated(operator, [32767, 32766, -32768, -32767]) == [32767, -32768]


def test_padding_does_not_count() -> None:
    operator = pool("average_pool_2d", [1, 3, 3, 1], (3, 3))
    assert evaluated(operator, [9] * 9) == [9] * 9


def test_the_activation_and_an_added_clamp_both_hold() -> None:
    operator = pool("average_pool_2d", [1, 1, 3, 1], (1, 1), activation=Activation.RELU6)
    clamped = definition_of(operator).clamped(operator, 2, 100)
    assert clamped is not None
    assert evaluated(clamped, [-50, 3, 50]) == [2, 3, 6]


def test_what_the_kernel_cannot_compute_is_refused() -> None:
    operator = pool("average_pool_2d", [1, 4, 4, 1], (2, 2))
    for scale, zero_point in ((1.1, 0), (1.0, 1)):
        output = models.tensor([1, 4, 4, 1], scale=scale, zero_point=zero_point)
        wrong = dataclasses.replace(operator, outputs=(output,))
        with pytest.raises(UnsupportedError, match="differ in scale or zero point"):
            definition_of(wrong).check(wrong)
    huge = pool("average_pool_2d", [1, 2, 2, 1], (4096, 4096))
    with pytest.raises(UnsupportedError, match="windows of 4096x4096 are too large"):
        definition_of(huge).check(huge)
    many = pool("average_pool_2d", [1, 2, 2, 1], (256, 256), DType.INT16)
    with pytest.raises(UnsupportedError, match="windows of 256x256 are too large"):
        definition_of(many).check(many)
    large = pool("average_pool_2d", [1, 2, 2, 1], (3, 3), padding=Padding.VALID)
    with pytest.raises(UnsupportedError, match="larger than its input"):
        definition_of(large).check(large)
