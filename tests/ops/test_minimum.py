from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from support import models
from support.batches import PROGRAMS, check_random
from support.binaries import extremum_graphs, int8, int16

from edgekit import passes
from edgekit.ir import DType, Operator, Tensor
from edgekit.ops import NoAttributes, UnsupportedError, definition_of
from edgekit.ops.binary import BinaryAttributes


def minimum(first: Tensor, second: Tensor, output: Tensor) -> Operator:
    return models.operator("minimum", [first, second], [output], NoAttributes())


@pytest.mark.parametrize("dtype", [DType.INT8, DType.INT16])
@PROGRAMS
def test_kernels_give_the_oracles_bytes(
    check_kernels: Callable[..., None], programs: int, dtype: DType
) -> None:
    check_random(check_kernels, extremum_graphs("minimum", dtype), programs)


def test_integers_are_compared_as_they_are() -> None:
    operator = minimum(int8([4]), int8([4], 2.0, 3), int8([4], 0.5))
    inputs = [np.array(values, np.int8) for values in ([1, 7, -128, -3], [5, -7, 0, -128])]
    (computed,) = definition_of(operator).evaluate(operator, inputs)
    assert computed.tolist() == [1, -7, -128, -128]


def test_with_one_number_it_is_a_clamp() -> None:
    for bound, clamp in ((-3, (-128, -3)), (-128, (-128, -128))):
        operator = minimum(int8([2, 2]), models.constant([bound], scale=1.0), int8([2, 2]))
        assert definition_of(operator).output_clamp(operator) == clamp
    for first, second, output in (
        (int8([2]), models.constant([1, 2], scale=1.0), int8([2])),
        (int8([2]), models.constant([1], scale=1.0), int8([2], 0.5)),
        (int8([1]), models.constant([1, 1], scale=1.0), int8([2])),
        (models.constant([1], scale=1.0), int8([2]), int8([2])),
        (int8([2]), int8([2]), int8([2])),
    ):
        operator = minimum(first, second, output)
        assert definition_of(operator).output_clamp(operator) is None


def test_a_clamp_moves_into_the_operator_before() -> None:
    source, between, output = int8([4]), int8([4]), int8([4])
    zero = models.constant(0, scale=1.0)
    total = models.operator("add", [source, source], [between], BinaryAttributes())
    graph = models.graph_of([total, minimum(between, zero, output)], [source], [output])
    (fused,) = passes.run(graph).operators
    assert fused.kind == "add"
    assert fused.attributes.clamp == (-128, 0)


@pytest.mark.parametrize(
    ("operator", "reason"),
    [
        (minimum(int8([2]), int8([3]), int8([3])), r"shapes \[2\] and \[3\] do not fit"),
        (minimum(int8([1]), int16([1]), int8([1])), "int16 becomes int8"),
        (
            minimum(models.constant([1], scale=1.0), models.constant([1], scale=1.0), int8([1])),
            "both inputs are constant",
        ),
    ],
)
def test_what_the_kernel_cannot_compute_is_refused(operator, reason) -> None:
    with pytest.raises(UnsupportedError, match=reason):
        definition_of(operator).check(operator)
