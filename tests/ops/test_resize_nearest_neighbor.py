from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import strategies as st
from support import models
from support.batches import PROGRAMS, check_random

from edgekit.ir import DType, Graph
from edgekit.ops import UnsupportedError, definition_of
from edgekit.ops.resize_nearest_neighbor import ResizeNearestNeighborAttributes, nearest


def resize(
    shape: Sequence[int],
    size: Sequence[int],
    dtype: DType = DType.INT8,
    attributes: ResizeNearestNeighborAttributes | None = None,
) -> Graph:
    source = models.tensor(shape, dtype)
    output = models.tensor([shape[0], *size, shape[-1]], dtype)
    return models.single_operator_graph(
        "resize_nearest_neighbor",
        [source, models.constant(list(size), DType.INT32)],
        output,
        attributes or ResizeNearestNeighborAttributes(),
    )


@st.composite
def resizes(draw: st.DrawFn) -> Graph:
    height, width, *size = (draw(st.integers(1, 12)) for _ in range(4))
    shape = (draw(st.integers(1, 2)), height, width, draw(st.integers(1, 5)))
    attributes = ResizeNearestNeighborAttributes(draw(st.booleans()), draw(st.booleans()))
    return resize(shape, size, draw(st.sampled_from((DType.INT8, DType.INT16))), attributes)


@PROGRAMS
def test_kernels_give_the_oracles_bytes(check_kernels: Callable[..., None], programs: int) -> None:
    check_random(check_kernels, resizes(), programs)


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("half_pixel_centers", [False, True])
def test_every_size_up_to_a_hundred(
    check_reference: Callable[..., None], align_corners: bool, half_pixel_centers: bool
) -> None:
    """Float32 decides at which pixel the next one begins."""
    attributes = ResizeNearestNeighborAttributes(align_corners, half_pixel_centers)
    for outputs in (1, 2, 3, 7, 10, 33, 49, 64, 99, 100):
        for inputs in (1, 3, 6, 7, 24, 49, 80, 97):
            graph = resize([1, 1, inputs, 1], [1, outputs], attributes=attributes)
            check_reference(graph, np.arange(inputs, dtype=np.int8).reshape(1, 1, inputs, 1))


def test_which_pixels_are_taken() -> None:
    for attributes, expected in (
        (ResizeNearestNeighborAttributes(), [0, 0, 1, 1, 2, 2]),
        (ResizeNearestNeighborAttributes(align_corners=True), [0, 0, 1, 1, 2, 2]),
        (ResizeNearestNeighborAttributes(half_pixel_centers=True), [0, 0, 1, 1, 2, 2]),
    ):
        (operator,) = resize([1, 1, 3, 1], [1, 6], attributes=attributes).operators
        assert nearest(operator, 1).tolist() == expected
    (operator,) = resize([1, 6, 1, 1], [4, 1]).operators
    assert nearest(operator, 0).tolist() == [0, 1, 3, 4]


@pytest.mark.parametrize(
    ("shape", "size", "target", "reason"),
    [
        ([2, 2, 1], models.constant([4, 4], DType.INT32), DType.INT8, "has 3 dimensions, not 4"),
        ([1, 2, 2, 1], models.constant([4], DType.INT32), DType.INT8, r"its size is \[4\]"),
        ([1, 2, 2, 1], models.constant([0, 4], DType.INT32), DType.INT8, r"its size is \[0, 4\]"),
        ([1, 2, 2, 1], models.tensor([2], DType.INT32), DType.INT8, "computed, not constant"),
        ([1, 2, 2, 1], models.constant([4, 4], DType.INT32), DType.INT16, "int8 becomes int16"),
    ],
)
def test_what_makes_no_sense_is_refused(shape, size, target, reason) -> None:
    inputs, output = [models.tensor(shape), size], models.tensor([1, 4, 4, 1], target)
    attributes = ResizeNearestNeighborAttributes()
    operator = models.operator("resize_nearest_neighbor", inputs, [output], attributes)
    with pytest.raises(UnsupportedError, match=reason):
        definition_of(operator).check(operator)
