from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import strategies as st
from support.batches import PROGRAMS
from support.lookups import check_all_values, results, unary, unary_graphs

from edgekit.ir import DType
from edgekit.ops import UnsupportedError, definition_of
from edgekit.ops.leaky_relu import LeakyReluAttributes

ALPHAS = st.one_of(st.sampled_from((0.0, 0.01, 0.5, 1.0, -1.0)), st.floats(-3, 3, width=32))
ATTRIBUTES = st.builds(LeakyReluAttributes, ALPHAS)


@pytest.mark.parametrize("dtype", [DType.INT8, DType.INT16])
@PROGRAMS
def test_kernels_give_the_oracles_bytes(
    check_kernels: Callable[..., None], programs: int, dtype: DType
) -> None:
    graphs = unary_graphs("leaky_relu", dtype, attributes=ATTRIBUTES)
    check_all_values(check_kernels, graphs, programs)


@pytest.mark.parametrize(
    ("alpha", "expected"),
    [
        (0.25, [-3, 1, 2, 9]),  # -20 / 4 + 2 and -3 / 4 + 2
        (-1.0, [22, 5, 2, 9]),
        (0.0, [2, 2, 2, 9]),
    ],
)
def test_below_zero_it_multiplies_by_alpha(alpha: float, expected: list[int]) -> None:
    operator = unary(
        "leaky_relu", source=(0.5, 2), output=(0.5, 2), attributes=LeakyReluAttributes(alpha)
    )
    assert results(operator, -18, -1, 2, 9) == expected


def test_int16_has_two_slopes() -> None:
    operator = unary(
        "leaky_relu", types=(DType.INT16, DType.INT16), attributes=LeakyReluAttributes(-1.0)
    )
    assert results(operator, -32768, -32767, -5, 0, 7) == [32767, 32767, 5, 0, 7]


def test_it_is_a_clamp_only_with_alpha_zero_or_one() -> None:
    for alpha, clamp in ((0.0, (0, 127)), (1.0, (-128, 127)), (0.5, None)):
        operator = unary("leaky_relu", attributes=LeakyReluAttributes(alpha))
        assert definition_of(operator).output_clamp(operator) == clamp


def test_a_ratio_beyond_32_bits_is_refused() -> None:
    operator = unary("leaky_relu", attributes=LeakyReluAttributes(-1e9))
    with pytest.raises(UnsupportedError, match="its output's scale is too small"):
        definition_of(operator).check(operator)
