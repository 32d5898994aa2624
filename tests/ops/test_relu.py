from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from support import models
from support.batches import PROGRAMS
from support.lookups import check_all_bytes, results, unary, unary_graphs

from edgekit.ir import DType
from edgekit.ops import UnsupportedError, definition_of


@PROGRAMS
def test_kernels_give_the_oracles_bytes(check_kernels: Callable[..., None], programs: int) -> None:
    check_all_bytes(check_kernels, unary_graphs("relu"), programs)


def test_it_clamps_at_the_outputs_zero_and_rescales() -> None:
    assert results(unary("relu", source=(0.5, 3), output=(0.5, 3)), 2, 3, 4) == [3, 3, 4]
    assert results(unary("relu", source=(0.5, 0), output=(0.25, -8)), -5, 0, 5) == [-8, -8, 2]


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
        (unary("relu", types=(DType.INT16, DType.INT16)), "int16 to int16 is not supported"),
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
