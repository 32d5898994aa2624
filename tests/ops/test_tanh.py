from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from support import models
from support.batches import PROGRAMS
from support.lookups import (
    ARGUMENT_SCALES,
    all_values,
    check_all_values,
    results,
    unary,
    unary_graphs,
)

from edgekit.ir import DType
from edgekit.ops import NoAttributes, UnsupportedError, definition_of

HALVES = (DType.INT16, DType.INT16)


@PROGRAMS
def test_kernels_give_the_oracles_bytes(check_kernels: Callable[..., None], programs: int) -> None:
    check_all_values(check_kernels, unary_graphs("tanh"), programs)


def test_all_int16_at_scales_of_every_magnitude(check_kernels: Callable[..., None]) -> None:
    cases = []
    for scale in ARGUMENT_SCALES:
        source = models.tensor([1 << 16], DType.INT16, scale=scale)
        output = models.tensor([1 << 16], DType.INT16, scale=2.0**-15)
        graph = models.single_operator_graph("tanh", [source], output, NoAttributes())
        cases.append((graph, [(all_values(source),)]))
    check_kernels(cases)


def test_int16_is_near_the_real_function() -> None:
    operator = unary("tanh", source=(1e-3, 0), output=(2.0**-15, 0), types=HALVES)
    values = range(-32768, 32768, 31)
    for value, computed in zip(values, results(operator, *values), strict=True):
        assert abs(computed - 32768 * math.tanh(value * 1e-3)) <= 2


@pytest.mark.parametrize(
    ("source", "output", "reason"),
    [
        ((1e-3, 1), (2.0**-15, 0), "is int16 with a zero point"),
        ((1e-3, 0), (2.0**-15, 1), "is int16 with a zero point"),
        ((1e-3, 0), (2.0**-14, 0), "its output's scale is not 1/32768"),
        ((1e-3, 0), (2.0**-15 * 1.001, 0), "its output's scale is not 1/32768"),
        ((2.7, 0), (2.0**-15, 0), "its input's scale is out of range"),
    ],
)
def test_int16_that_tflite_micro_cannot_compute_is_refused(source, output, reason) -> None:
    operator = unary("tanh", source=source, output=output, types=HALVES)
    with pytest.raises(UnsupportedError, match=reason):
        definition_of(operator).check(operator)


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
