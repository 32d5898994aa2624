"""Where in memory the elements of an ONNX tensor lie: NHWC without a TRANSPOSE at each step.

ONNX counts channels first, TFLite last. A layout says for each dimension of the ONNX tensor how its
index becomes a distance in the tensor that TFLite holds, so that most of ONNX's TRANSPOSE, RESHAPE
and FLATTEN only change the layout and cost nothing at run time.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence

import numpy as np

from edgekit.ir import Array, Shape

Part = tuple[int, int]  # (size, stride), in elements
#: For each dimension its parts, outermost first; none for a dimension of size 1. Usually one.
Layout = tuple[tuple[Part, ...], ...]
#: Dimensions in the order in which they lie in memory; None is one of size 1 that ONNX lacks.
Order = tuple[int | None, ...]


def stored(shape: Shape, order: Order) -> Layout:
    """The layout of dimensions that lie in memory in this order."""
    strides, stride = [0] * len(shape), 1
    for dimension in reversed(order):
        if dimension is not None:
            strides[dimension] = stride
            stride *= shape[dimension]
    return tuple(
        ((size, step),) if size > 1 else () for size, step in zip(shape, strides, strict=True)
    )


def channels_last(rank: int) -> Order:
    """N, then the spatial dimensions, then C."""
    return (0, *range(2, rank), 1) if rank > 2 else tuple(range(rank))


def transposed(layout: Layout, permutation: Sequence[int]) -> Layout:
    """Dimension i of the result is dimension permutation[i]."""
    return tuple(layout[i] for i in permutation)


def reshaped(layout: Layout, shape: Shape) -> Layout | None:
    """The same elements in ONNX's order under another shape; None if memory must be reordered."""
    rest = _merged(itertools.chain.from_iterable(layout))
    dimensions = []
    for size in shape:
        taken: list[Part] = []
        while size > 1:
            if not rest:
                return None
            (have, stride), *rest = rest
            if size % have == 0:
                taken.append((have, stride))
                size //= have
            elif have % size == 0:
                taken.append((size, stride * (have // size)))
                rest.insert(0, (have // size, stride))
                size = 1
            else:
                return None
        dimensions.append(tuple(_merged(taken)))
    return tuple(dimensions)


def order_of(layout: Layout, held: Shape) -> Order | None:
    """The order of all dimensions in memory; None if one of them is scattered.

    Dimensions of size 1 may lie anywhere: preferred is an order under which the tensor has the
    shape `held` that it has in TFLite, then channels last, then ONNX's own.
    """
    if any(len(parts) > 1 for parts in layout):
        return None
    shape = tuple(parts[0][0] if parts else 1 for parts in layout)
    rank = len(shape)
    large = sorted((d for d in range(rank) if layout[d]), key=lambda d: -layout[d][0][1])
    small = [d for d in range(rank) if not layout[d]]
    candidates: list[Order] = [channels_last(rank), tuple(range(rank)), (*small, *large)]
    fitting = [order for order in candidates if stored(shape, order) == layout]
    same = [order for order in fitting if without_leading_ones(shape_in(shape, order), held)]
    return (same or fitting)[0]


def shape_in(shape: Shape, order: Order) -> Shape:
    """The sizes in the order in which they lie in memory."""
    return tuple(1 if d is None else shape[d] for d in order)


def without_leading_ones(wanted: Shape, held: Shape) -> bool:
    """True if `held` is `wanted` after any number of ones."""
    extra = len(held) - len(wanted)
    return extra >= 0 and held[extra:] == wanted and all(size == 1 for size in held[:extra])


def transposition(layout: Layout, order: Order) -> tuple[Shape, tuple[int, ...]]:
    """(sizes in memory, permutation) of the TRANSPOSE that brings dimensions in `order`."""
    wanted = [part for d in order if d is not None for part in layout[d]]
    present = sorted(wanted, key=lambda part: -part[1])
    groups = [[wanted[0]]]
    for before, part in itertools.pairwise(wanted):
        if present.index(part) == present.index(before) + 1:
            groups[-1].append(part)  # neighbours before and after move as one
        else:
            groups.append([part])
    sources = sorted(groups, key=lambda group: -group[0][1])
    sizes = tuple(math.prod(size for size, _ in group) for group in sources)
    return sizes, tuple(sources.index(group) for group in groups)


def in_memory(values: Array, layout: Layout) -> Array:
    """The elements of an array of the layout's shape as they lie in memory, flat."""
    parts = [part for dimension in layout for part in dimension]
    by_stride = sorted(range(len(parts)), key=lambda i: -parts[i][1])
    fine: Array = values.reshape([size for size, _ in parts])
    return np.transpose(fine, by_stride).reshape(-1)


def _merged(parts: Iterable[Part]) -> list[Part]:
    """Parts that lie behind each other as one would, joined."""
    joined: list[Part] = []
    for size, stride in parts:
        if joined and joined[-1][1] == size * stride:
            size *= joined.pop()[0]
        joined.append((size, stride))
    return joined
