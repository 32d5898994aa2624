from __future__ import annotations

from collections.abc import Callable

import pytest
from support.batches import PROGRAMS
from support.lookups import check_all_values, results, unary, unary_graphs

from edgekit.ir import DType
from edgekit.ops import UnsupportedError, definition_of


@pytest.mark.parametrize("dtype", [DType.INT8, DType.INT16])
@PROGRAMS
def test_kernels_give_the_oracles_bytes(
    check_kernels: Callable[..., None], programs: int, dtype: DType
) -> None:
    check_all_values(check_kernels, unary_graphs("relu6", dtype), programs)


def test_bytes_pass_between_zero_and_six_of_the_input() -> None:
    operator = unary("relu6", source=(0.5, -3), output=(0.25, 100))
    assert results(operator, -128, -4, -3, 5, 9, 10, 127) == [-3, -3, -3, 5, 9, 9, 9]


def test_a_six_beyond_127_is_127() -> None:
    operator = unary("relu6", source=(0.01, 0))
    assert results(operator, -1, 0, 127) == [0, 0, 127]


def test_six_in_int16() -> None:
    halves = (DType.INT16, DType.INT16)
    operator = unary("relu6", source=(0.001, 0), types=halves)
    assert results(operator, -32768, -1, 0, 5999, 6001, 32767) == [0, 0, 0, 5999, 6000, 6000]
    operator = unary("relu6", source=(1e-4, 0), types=halves)
    assert results(operator, -1, 32767) == [0, 32767]


def test_it_is_a_clamp_where_both_tensors_mean_the_same() -> None:
    same = unary("relu6", source=(0.5, -3), output=(0.5, -3))
    assert definition_of(same).output_clamp(same) == (-3, 9)
    other = unary("relu6", source=(0.5, -3), output=(0.25, -3))
    assert definition_of(other).output_clamp(other) is None


def test_a_six_beyond_32_bits_is_refused() -> None:
    operator = unary("relu6", source=(2.0**-29, 0))
    with pytest.raises(UnsupportedError, match="its input's scale is too small"):
        definition_of(operator).check(operator)
