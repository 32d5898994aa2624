from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from support import models
from support.batches import PROGRAMS
from support.lookups import all_values, check_all_values, results, unary, unary_graphs

from edgekit.ops import UnsupportedError, definition_of


@PROGRAMS
def test_kernels_give_the_oracles_bytes(check_kernels: Callable[..., None], programs: int) -> None:
    check_all_values(check_kernels, unary_graphs("logistic", output_zero_point=-128), programs)


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
