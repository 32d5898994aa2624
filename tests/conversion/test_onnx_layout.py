"""The algebra of where elements lie, against NumPy's own transposes and reshapes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.conversion.onnx_graph import layout as layouts

SIZES = st.lists(st.integers(1, 4), min_size=1, max_size=4).map(tuple)


@st.composite
def _stored(draw: st.DrawFn) -> tuple[np.ndarray, tuple[int, ...], layouts.Layout]:
    """(array in ONNX's order, an order, its layout in that order)."""
    shape = draw(SIZES)
    order = tuple(draw(st.permutations(range(len(shape)))))
    values = np.arange(math.prod(shape)).reshape(shape)
    return values, order, layouts.stored(shape, order)


@given(_stored())
def test_elements_lie_in_the_order_of_the_dimensions(case):
    values, order, layout = case
    expected = values.transpose(order).reshape(-1)
    np.testing.assert_array_equal(layouts.in_memory(values, layout), expected)


@given(_stored(), st.data())
def test_a_transpose_moves_nothing(case, data):
    values, _, layout = case
    permutation = data.draw(st.permutations(range(values.ndim)))
    moved = layouts.transposed(layout, permutation)
    before = layouts.in_memory(values, layout)
    np.testing.assert_array_equal(layouts.in_memory(values.transpose(permutation), moved), before)


@given(_stored(), st.data())
def test_a_reshape_moves_nothing_or_is_refused(case, data):
    values, _, layout = case
    left, shape = values.size, []
    while left > 1:
        shape.append(data.draw(st.sampled_from([n for n in range(2, left + 1) if left % n == 0])))
        left //= shape[-1]
    moved = layouts.reshaped(layout, tuple(shape))
    if moved is not None:
        before = layouts.in_memory(values, layout)
        found = layouts.in_memory(values.reshape(shape), moved)
        np.testing.assert_array_equal(found, before)


def test_flattening_channels_last_moves_nothing():
    layout = layouts.stored((1, 3, 4, 5), layouts.channels_last(4))
    flat = layouts.reshaped(layout, (1, 60))
    assert flat == ((), ((3, 1), (20, 3)))
    assert layouts.order_of(flat, (1, 4, 5, 3)) is None


@pytest.mark.parametrize(
    ("shape", "old", "new"), [((4, 6), (1, 0), (6, 4)), ((2, 3, 5), (0, 2, 1), (3, 10))]
)
def test_a_reshape_across_scattered_dimensions_is_refused(shape, old, new):
    assert layouts.reshaped(layouts.stored(shape, old), new) is None


@given(_stored(), st.data())
def test_a_transposition_brings_dimensions_in_order(case, data):
    values, _, layout = case
    if values.size == 1:
        return
    order = tuple(data.draw(st.permutations(range(values.ndim))))
    sizes, permutation = layouts.transposition(layout, order)
    held = layouts.in_memory(values, layout).reshape(sizes)
    expected = values.transpose(order).reshape(-1)
    np.testing.assert_array_equal(held.transpose(permutation).reshape(-1), expected)


@given(_stored())
def test_the_order_can_be_told_from_the_layout(case):
    values, order, layout = case
    held = tuple(values.shape[d] for d in order)
    found = layouts.order_of(layout, held)
    assert found is not None
    assert layouts.stored(values.shape, found) == layout
