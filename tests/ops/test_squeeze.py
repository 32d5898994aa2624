from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import strategies as st
from support import models
from support.batches import PROGRAMS, check_random

from edgekit.ir import DType, Graph
from edgekit.ops import UnsupportedError, definition_of
from edgekit.ops.squeeze import SqueezeAttributes


def squeeze(shape: list[int], output_shape: list[int], *axes: int) -> Graph:
    source, output = models.tensor(shape), models.tensor(output_shape)
    return models.single_operator_graph("squeeze", [source], output, SqueezeAttributes(axes))


@st.composite
def squeezes(draw: st.DrawFn) -> Graph:
    """Some, or all, or no dimension of size 1 named; some counted from the end."""
    shape = draw(models.shapes(max_rank=5, max_size=3))
    ones = [axis for axis, size in enumerate(shape) if size == 1]
    named = draw(st.lists(st.sampled_from(ones), unique=True)) if ones else []
    dropped = named or ones
    output_shape = [size for axis, size in enumerate(shape) if axis not in dropped]
    axes = tuple(axis - len(shape) * draw(st.integers(0, 1)) for axis in named)
    dtype = draw(st.sampled_from((DType.INT8, DType.INT16)))
    source = draw(models.activations(shape, dtype))
    output = models.tensor(output_shape, dtype, scale=draw(models.scales()))
    return models.single_operator_graph("squeeze", [source], output, SqueezeAttributes(axes))


@PROGRAMS
def test_kernels_give_the_oracles_bytes(check_kernels: Callable[..., None], programs: int) -> None:
    check_random(check_kernels, squeezes(), programs)


@pytest.mark.parametrize(
    ("shape", "axes", "expected"),
    [
        ([1, 3, 1, 2], (), (3, 2)),
        ([1, 3, 1, 2], (0,), (3, 1, 2)),
        ([1, 3, 1, 2], (-2, 0), (3, 2)),
        ([1, 1], (), ()),
    ],
)
def test_dimensions_of_size_1_go(shape: list[int], axes: tuple[int, ...], expected: object) -> None:
    (operator,) = squeeze(shape, [1], *axes).operators
    assert definition_of(operator).output_shapes(operator) == (expected,)


@pytest.mark.parametrize(("axis", "why"), [(1, "not 1"), (4, "axis 4 of 4"), (-5, "axis -5")])
def test_other_dimensions_stay(axis: int, why: str) -> None:
    (operator,) = squeeze([1, 3, 1, 2], [1, 1, 2], axis).operators
    with pytest.raises(UnsupportedError, match=why):
        definition_of(operator).check(operator)
