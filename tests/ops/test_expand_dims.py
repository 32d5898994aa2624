from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import strategies as st
from support import models
from support.batches import PROGRAMS, check_random

from edgekit.ir import DType, Graph
from edgekit.ops import NoAttributes, UnsupportedError, definition_of


@st.composite
def expansions(draw: st.DrawFn) -> Graph:
    shape = draw(models.shapes(max_rank=4, max_size=4))
    axis = draw(st.integers(-len(shape) - 1, len(shape)))
    place = axis % (len(shape) + 1)
    dtype = draw(st.sampled_from((DType.INT8, DType.INT16)))
    source = draw(models.activations(shape, dtype))
    output = models.tensor([*shape[:place], 1, *shape[place:]], dtype, scale=0.5)
    inputs = [source, models.constant(draw(st.sampled_from((axis, [axis]))), DType.INT32)]
    return models.single_operator_graph("expand_dims", inputs, output, NoAttributes())


@PROGRAMS
def test_kernels_give_the_oracles_bytes(check_kernels: Callable[..., None], programs: int) -> None:
    check_random(check_kernels, expansions(), programs)


def expand_dims(axis: models.Tensor) -> models.Operator:
    source, output = models.tensor([2, 3]), models.tensor([2, 3, 1])
    graph = models.single_operator_graph("expand_dims", [source, axis], output, NoAttributes())
    return graph.operators[0]


@pytest.mark.parametrize(
    ("axis", "expected"),
    [(0, (1, 2, 3)), (1, (2, 1, 3)), (2, (2, 3, 1)), (-1, (2, 3, 1)), (-3, (1, 2, 3))],
)
def test_a_1_is_put_in(axis: int, expected: tuple[int, ...]) -> None:
    operator = expand_dims(models.constant(axis, DType.INT64))
    assert definition_of(operator).output_shapes(operator) == (expected,)


@pytest.mark.parametrize(
    ("axis", "why"),
    [
        (models.constant(3, DType.INT32), "axis 3 of 3"),
        (models.constant([0, 1], DType.INT32), "2 axes"),
        (models.constant(1, DType.INT8), "its axis: int8"),
        (models.tensor([], DType.INT32), "computed"),
    ],
)
def test_what_names_no_place_is_refused(axis: models.Tensor, why: str) -> None:
    operator = expand_dims(axis)
    with pytest.raises(UnsupportedError, match=why):
        definition_of(operator).check(operator)
