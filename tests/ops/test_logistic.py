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
    check_all_values(check_kernels, unary_graphs("logistic", output_zero_point=-128), programs)


def test_all_int16_at_scales_of_every_magnitude(check_kernels: Callable[..., None]) -> None:
    cases = []
    for scale in ARGUMENT_SCALES:
        source = models.tensor([1 << 16], DType.INT16, scale=scale)
        output = models.tensor([1 << 16], DType.INT16, scale=2.0**-15)
        graph = models.single_operator_graph("logistic", [source], output, NoAttributes())
        cases.append((graph, [(all_values(source),)]))
    check_kernels(cases)


def test_int16_is_near_the_real_function() -> None:
    operator = unary("logistic", source=(1e-3, 0), output=(2.0**-15, 0), types=HALVES)
    values = range(-32768, 32768, 31)
    for value, computed in zip(values, results(operator, *values), strict=True):
        assert abs(computed - 32768 / (1 + math.exp(-value * 1e-3))) <= 2


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
    operator = unary("logistic", source=source, output=output, types=HALVES)
    with pytest.raises(UnsupportedError, match=reason):
        definition_of(operator).check(operator)


def test_it_is_near_the_real_function() -> None:
    operator = unary("logistic", source=(1 / 16, 3), output=(1 / 256, -128))
    values = range(-128, 128)
    for value, computed in zip(values, results(operator, *values), strict=True):
        real = 256 / (1 + math.exp(-(value - 3) / 16)) - 128
        assert abs(computed - min(real, 127)) <= 0.51


def test_it_saturates_at_the_edge_of_its_fixed_point_range() -> None:
    operator = unary("logistic", source=(4.0, 0), output=(1 / 256, -128))
    assert results(operator, -128, -4, 0, 4, 127) == [-128, -128, 0, 127, 127]


@pytest.mark.parametrize(
    ("source", "output", "reason"),
    [
        ((0.1, 0), (1 / 256, 0), "zero point is not -128"),
        ((2.0**-29, 0), (1 / 256, -128), "scale is out of range"),
        ((2.0**31, 0), (1 / 256, -128), "scale is out of range"),
    ],
)
def test_what_tflite_micro_cannot_compute_is_refused(source, output, reason) -> None:
    operator = unary("logistic", source=source, output=output)
    with pytest.raises(UnsupportedError, match=reason):
        definition_of(operator).check(operator)


def test_scales_at_the_ends_of_the_range(check_kernels: Callable[..., None]) -> None:
    cases = []
    for i, scale in enumerate((2.0**-28, 2.0**-27, 15.0, 16.0, 2.0**30)):
        source = models.tensor([256], scale=scale, zero_point=-1)
        output = models.tensor([256], scale=1 / 256, zero_point=-128)
        graph = models.single_operator_graph(
            "logistic", [source], output, unary("logistic").attributes, f"m{i}"
        )
        cases.append((graph, [(all_values(graph.inputs[0]),)]))
    check_kernels(cases)
