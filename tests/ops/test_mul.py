from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from support import models
from support.batches import PROGRAMS, check_random
from support.binaries import binary, binary_graphs, int8, int16, plain, results

from edgekit.ir import DType
from edgekit.ops import UnsupportedError, definition_of
from edgekit.ops.binary import BinaryAttributes
from edgekit.ops.fixed_point import Activation


@pytest.mark.parametrize("dtype", [DType.INT8, DType.INT16])
@PROGRAMS
def test_kernels_give_the_oracles_bytes(
    check_kernels: Callable[..., None], programs: int, dtype: DType
) -> None:
    check_random(check_kernels, binary_graphs("mul", dtype), programs)


def test_products_of_int16_at_its_ends(check_kernels: Callable[..., None]) -> None:
    row = np.array([-32768, -32767, -182, -181, -1, 0, 1, 181, 182, 32766, 32767], np.int16)
    cases = []
    for scale in (1.0 + 2.0**-20, 2.0, 2.0**15, 3e4, 2.0**16, 2.0**30, 2.0**40):
        graph = models.single_operator_graph(
            "mul", [int16([11, 1]), int16([11])], int16([11, 11], scale), BinaryAttributes()
        )
        cases.append((graph, [(row.reshape(11, 1), row)]))
    check_kernels(cases)


def test_int16_has_no_room_for_a_left_shift() -> None:
    for scale in (0.9, 1.0):
        operator = binary("mul", int16([1]), int16([1]), int16([1], scale))
        with pytest.raises(UnsupportedError, match="far too small"):
            definition_of(operator).check(operator)


def test_products_of_reals() -> None:
    operator = binary("mul", int8([4], 0.5, 1), int8([4], 0.25, -2), int8([4], 0.125, 10))
    # (3 - 1) / 2 * (4 + 2) / 4 = 1.5, or 12 eighths
    assert results(operator, [3, 1, 127, -128], [4, 9, 127, 127]) == [22, 10, 127, -128]


def test_halves_go_up_in_the_multiply_and_away_from_zero_in_the_shift() -> None:
    half, quarter = (binary("mul", int8([4]), int8([4]), int8([4], n)) for n in (2.0, 4.0))
    assert results(half, [1, -1, 3, -3], [1, 1, 1, 1]) == [1, 0, 2, -1]
    assert results(quarter, [2, -2, 6, -6], [1, 1, 1, 1]) == [1, -1, 2, -2]


def test_the_greatest_left_shift() -> None:
    operator = binary("mul", int8([1], 1.0, -128), int8([1], 1.0, -128), int8([1], 2.0**-13))
    definition_of(operator).check(operator)
    assert definition_of(operator).kernel(operator).parameters["left_shift"] == 15
    operator = binary("mul", int8([1]), int8([1]), int8([1], 2.0**-14))
    with pytest.raises(UnsupportedError, match="far too small"):
        definition_of(operator).check(operator)


def test_left_shifts_in_c(check_kernels: Callable[..., None]) -> None:
    column = np.arange(-128, 128, dtype=np.int8).reshape(256, 1)
    cases = []
    for i, scale in enumerate((2.0**-13, 2.0**-7, 0.75, 1.0)):
        graph = models.single_operator_graph(
            "mul",
            [int8([256, 1], 1.0, -128), int8([256], 1.0, 0)],
            int8([256, 256], scale, -3),
            binary("mul", int8([1]), int8([1]), int8([1])).attributes,
            f"m{i}",
        )
        cases.append((graph, [(column, column.reshape(256))]))
    check_kernels(cases)


def test_constants_that_are_not_quantised() -> None:
    assert plain("mul", DType.INT32, [1 << 30, -5], [4], Activation.NONE).tolist() == [0, -20]
    assert plain("mul", DType.INT32, [2, -5], [4], Activation.RELU6).tolist() == [6, 0]
    assert plain("mul", DType.FLOAT32, [1.5], [-3], Activation.RELU).tolist() == [0]
