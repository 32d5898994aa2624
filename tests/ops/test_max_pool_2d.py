from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from support.batches import PROGRAMS, check_random
from support.convolutions import pool, pool_graphs

from edgekit.ir import DType, Operator
from edgekit.ops import UnsupportedError, definition_of
from edgekit.ops.fixed_point import Activation


def evaluated(operator: Operator, value: list[int]) -> list[int]:
    source = np.array(value, operator.input(0).dtype.numpy).reshape(operator.input(0).shape)
    return definition_of(operator).evaluate(operator, [source])[0].reshape(-1).tolist()


@pytest.mark.parametrize("dtype", [DType.INT8, DType.INT16])
@PROGRAMS
def test_kernels_give_the_oracles_bytes(
    check_kernels: Callable[..., None], programs: int, dtype: DType
) -> None:
    check_random(check_kernels, pool_graphs("max_pool_2d", dtype), programs)


def test_padding_never_wins() -> None:
    operator = pool("max_pool_2d", [1, 1, 3, 1], (1, 3))
    assert evaluated(operator, [-128, -100, -120]) == [-100, -100, -100]


def test_the_least_int16_can_win() -> None:
    operator = pool("max_pool_2d", [1, 1, 2, 1], (1, 1), DType.INT16)
    assert evaluated(operator, [-32768, 32767]) == [-32768, 32767]


def test_the_activation_and_an_added_clamp_both_hold() -> None:
    operator = pool("max_pool_2d", [1, 1, 3, 1], (1, 1), activation=Activation.RELU_N1_TO_1)
    clamped = definition_of(operator).clamped(operator, 0, 100)
    assert clamped is not None
    assert evaluated(clamped, [-50, 1, 50]) == [0, 1, 1]


def test_other_activations_are_refused() -> None:
    operator = pool("max_pool_2d", [1, 1, 3, 1], (1, 1), activation=Activation.TANH)
    with pytest.raises(UnsupportedError, match="fused activation TANH"):
        definition_of(operator).check(operator)
