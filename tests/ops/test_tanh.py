from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from support.batches import PROGRAMS
from support.lookups import check_all_values, results, unary, unary_graphs

from edgekit.ops import UnsupportedError, definition_of


@PROGRAMS
def test_kernels_give_the_oracles_bytes(check_kernels: Callable[..., None], programs: int) -> None:
    check_all_values(check_kernels, unary_graphs("tanh"), programs)


def test_it_is_near_the_real_function() -> None:
    operator = unary("tanh", source=(1 / 32, -7), output=(1 / 128, 0))
    values = range(-128, 128)
    for value, computed in zip(values, results(operator, *values), strict=True):
        real = 128 * math.tanh((value + 7) / 32)
        assert abs(computed - min(real, 127)) <= 0.51


def test_it_saturates_at_the_edge_of_its_fixed_point_range() -> None:
    operator = unary("tanh", source=(4.0, 0), output=(1 / 128, 0))
    assert results(operator, -128, -4, 0, 4, 127) == [-128, -128, 0, 127, 127]


def test_scales_out_of_range_are_refused() -> None:
    operator = unary("tanh", source=(2.0**-29, 0))
    with pytest.raises(UnsupportedError, match="scale is out of range"):
        definition_of(operator).check(operator)
