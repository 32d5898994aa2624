from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from support import models
from support.batches import PROGRAMS
from support.lookups import check_all_values, results, unary, unary_graphs

from edgekit.ir import DType
from edgekit.ops import UnsupportedError, definition_of

HALVES = (DType.INT16, DType.INT16)


@pytest.mark.parametrize("dtype", [DType.INT8, DType.INT16])
@PROGRAMS
def test_kernels_give_the_oracles_bytes(
    check_kernels: Callable[..., None], programs: int, dtype: DType
) -> None:
    check_all_values(check_kernels, unary_graphs("relu", dtype), programs)


def test_it_clamps_at_the_outputs_zero_and_rescales() -> None:
    assert results(unary("relu", source=(0.5, 3), output=(0.5, 3)), 2, 3, 4) == [3, 3, 4]
    assert results(unary("relu", source=(0.5, 0), output=(0.25, -8)), -5, 0, 5) == [-8, -8, 2]


def test_int16_goes_through_a_kernel_of_its_own() -> None:
    operator = unary("relu", source=(0.5, 0), output=(0.25, 0), types=HALVES)
    assert results(operator, -32768, -1, 0, 1000, 20000) == [0, 0, 0, 2000, 32767]
    needs = definition_of(operator).kernel(operator)
    assert (needs.kernel, needs.template) == ("relu_s16", "relu")
    same = unary("relu", types=HALVES)
    assert definition_of(same).output_clamp(same) == (0, 32767)


def test_between_equal_quantisations_it_is_a_clamp() -> None:
    operator = unary("relu", source=(0.5, 3), output=(0.5, 3))
    assert definition_of(operator).output_clamp(operator) == (3, 127)
    operator = unary("relu", source=(0.5, 3), output=(0.25, 3))
    assert definition_of(operator).output_clamp(operator) is None


def test_the_table_is_indexed_by_bits_and_the_shape_is_kept() -> None:
    operator = unary("relu")
    definition = definition_of(operator)
    table = definition.kernel(operator).constants["table"]
    assert table.dtype == np.uint8 and table.tolist() == [*range(128), *[0] * 128]
    assert definition.output_shapes(operator) == ((4,),)


@pytest.mark.parametrize(
    ("operator", "reason"),
    [
        (unary("relu", types=(DType.INT16, DType.INT8)), "int16 to int8 is not supported"),
        (unary("relu", source=(0.5, 1), types=HALVES), "is int16 with a zero point"),
        (unary("relu", output=(0.5, 1), types=HALVES), "is int16 with a zero point"),
        (unary("relu", source=(2.0**15, 0), output=(1.0, 0), types=HALVES), "scale is too small"),
        (unary("relu", types=(DType.INT8, DType.UINT8)), "int8 to uint8 is not supported"),
        (unary("relu", source=(4e6, 0), output=(0.5, 0)), "its output's scale is too small"),
        (
            models.operator(
                "relu",
                [models.tensor([2], scale=[1.0, 2.0])],
                [models.tensor([2], scale=1.0)],
                unary("relu").attributes,
            ),
            "has no single scale",
        ),
        (
            models.operator(
                "relu",
                [models.constant([1], scale=1.0)],
                [models.tensor([1], scale=1.0)],
                unary("relu").attributes,
            ),
            "its input is constant",
        ),
    ],
)
def test_what_the_table_cannot_serve_is_refused(operator, reason) -> None:
    with pytest.raises(UnsupportedError, match=reason):
        definition_of(operator).check(operator)
