from __future__ import annotations

from collections.abc import Callable

import pytest
from support.batches import PROGRAMS
from support.lookups import check_all_values, results, unary, unary_graphs

from edgekit.ir import DType, Graph
from edgekit.ops import UnsupportedError, definition_of


def served(graph: Graph) -> bool:
    (operator,) = graph.operators
    try:
        definition_of(operator).check(operator)
    except UnsupportedError:
        return False
    return True


@PROGRAMS
def test_kernels_give_the_oracles_bytes(check_kernels: Callable[..., None], programs: int) -> None:
    check_all_values(check_kernels, unary_graphs("hard_swish").filter(served), programs)


def test_tflite_micro_has_none_of_int16() -> None:
    operator = unary("hard_swish", types=(DType.INT16, DType.INT16))
    with pytest.raises(UnsupportedError, match="int16 to int16 is not supported"):
        definition_of(operator).check(operator)


def test_it_is_zero_below_minus_three_and_the_identity_above_three() -> None:
    operator = unary("hard_swish", source=(0.0625, 0), output=(0.0625, 0))
    assert results(operator, -128, -48, 0, 48, 127) == [0, 0, 0, 48, 127]
    # -1.5 * 1.5 / 6 = -0.375 and 1.5 * 4.5 / 6 = 1.125, in sixteenths
    assert results(operator, -24, 24) == [-6, 18]


@pytest.mark.parametrize(
    ("source", "output", "reason"),
    [
        (4.0, 0.03, "its output's scale is too small"),
        (2.0**-10, 4.0 * 2**8, "its output's scale is too large"),
        (2.0**-25, 2.0**-25, "its input's scale is out of range"),
    ],
)
def test_scales_that_break_its_16_bits_are_refused(
    source: float, output: float, reason: str
) -> None:
    operator = unary("hard_swish", source=(source, 0), output=(output, 0))
    with pytest.raises(UnsupportedError, match=reason):
        definition_of(operator).check(operator)
