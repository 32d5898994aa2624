from __future__ import annotations

from collections.abc import Callable

import pytest
from support.batches import PROGRAMS, check_random
from support.binaries import binary, binary_graphs, int8, plain, results

from edgekit.ir import DType
from edgekit.ops import definition_of
from edgekit.ops.fixed_point import Activation


@pytest.mark.parametrize("dtype", [DType.INT8, DType.INT16])
@PROGRAMS
def test_kernels_give_the_oracles_bytes(
    check_kernels: Callable[..., None], programs: int, dtype: DType
) -> None:
    check_random(check_kernels, binary_graphs("sub", dtype), programs)


def test_differences_of_reals() -> None:
    same = binary("sub", int8([4]), int8([4]), int8([4]))
    assert results(same, [1, 2, -100, 100], [1, -5, 100, -100]) == [0, 7, -128, 127]
    scaled = binary("sub", int8([2], 0.5, 1), int8([2], 0.25, -2), int8([2], 0.125, 10))
    # (3 - 1) / 2 - (4 + 2) / 4 = -0.5, or -4 eighths
    assert results(scaled, [3, 1], [4, -2]) == [6, 10]


def test_the_scaled_input_is_rounded_before_it_is_subtracted() -> None:
    # half a unit of the sum becomes a whole one, away from zero; a half of that goes up
    for kind, expected in (("add", [1, 0]), ("sub", [0, 1])):
        operator = binary(kind, int8([2], 1.0), int8([2], 2.0**-20), int8([2], 2.0**-17))
        assert results(operator, [0, 0], [1, -1]) == expected


def test_it_takes_adds_kernel_with_a_sign() -> None:
    first = binary("sub", int8([1], 2.0, 3), int8([1], 1.0), int8([1]))
    needs = definition_of(first).kernel(first)
    assert (needs.kernel, needs.template) == ("add_s8", "add")
    assert (needs.parameters["unit"], needs.parameters["factor"]) == (1 << 20, -2)
    second = binary("sub", int8([1], 1.0), int8([1], 2.0, 3), int8([1]))
    parameters = definition_of(second).kernel(second).parameters
    assert (parameters["unit"], parameters["factor"]) == (-1 << 20, 2)
    assert parameters["offset"] == 3 << 20


def test_constants_that_are_not_quantised() -> None:
    assert plain("sub", DType.INT32, [-(2**31), 5], [1], Activation.NONE).tolist() == [
        2**31 - 1,
        4,
    ]
    assert plain("sub", DType.INT32, [1, 9], [3], Activation.RELU6).tolist() == [0, 6]
    assert plain("sub", DType.FLOAT32, [1.5], [3], Activation.RELU_N1_TO_1).tolist() == [-1]
