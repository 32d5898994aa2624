"""What reduces dimensions, and what normalises along one: means, sums, extrema, softmax."""

from __future__ import annotations

import numpy as np

from edgekit.conversion.onnx_graph.emitter import Emitter, Lowering, Value, options
from edgekit.conversion.onnx_graph.layout import Order, shape_in
from edgekit.conversion.onnx_graph.source import Node, UnsupportedNodeError
from edgekit.ops.mean import MeanAttributes
from edgekit.ops.softmax import SoftmaxAttributes

_PER_DIMENSION_OPSET = 13  # before, Softmax flattened all that follows its axis


def reduce(kind: str) -> Lowering:
    """MEAN, SUM, REDUCE_MAX or REDUCE_MIN over given dimensions, or all but the batch."""

    def lower(e: Emitter, node: Node) -> None:
        x = e.value(node)
        rank = len(x.shape)
        axes = e.numbers(node, "axes", 1)
        if not axes:
            if int(node.attributes.get("noop_with_empty_axes", 0)):
                e.define_as(node.outputs[0], x.tensor, x.layout)
                return
            axes = list(range(rank))
        _reduce(e, node, kind, x, sorted({axis % rank for axis in axes}))

    return lower


def global_average_pool(e: Emitter, node: Node) -> None:
    """MEAN over all spatial dimensions, which stay as 1."""
    x = e.value(node)
    _reduce(e, node, "mean", x, list(range(2, len(x.shape))))


def softmax(kind: str) -> Lowering:
    """SOFTMAX or LOG_SOFTMAX along the dimension that lies last in memory."""

    def lower(e: Emitter, node: Node) -> None:
        x = e.value(node)
        rank, old = len(x.shape), e.source.opset < _PER_DIMENSION_OPSET
        axis = int(node.attributes.get("axis", 1 if old else -1)) % rank
        if old and any(size > 1 for size in x.shape[axis + 1 :]):
            raise UnsupportedNodeError("its axis is not the last, and its opset is below 13")
        order = x.order
        if order is None or order[-1] != axis:
            order = (*(d for d in range(rank) if d != axis), axis)
        source = e.tensor_in(x, order, exact=False)
        attributes = SoftmaxAttributes(beta=1.0) if kind == "softmax" else None
        name = node.outputs[0]
        e.define(name, e.emit(kind, [source], source.shape, name, attributes), order)

    return lower


def _reduce(e: Emitter, node: Node, kind: str, x: Value, axes: list[int]) -> None:
    keep = bool(int(node.attributes.get("keepdims", 1)))
    order: Order = x.order or tuple(range(len(x.shape)))
    source = e.tensor_in(x, order)
    positions = np.array(sorted(order.index(axis) for axis in axes))
    name = node.outputs[0]
    inputs = [source, e.constant_tensor(positions, f"{name}/axes")]
    reduced = tuple(1 if d in axes else size for d, size in enumerate(x.shape))
    attributes: object = MeanAttributes(keep_dims=keep)
    if kind != "mean":
        attributes = options("ReducerOptions", keepDims=keep)
    if keep:
        shape = shape_in(reduced, order)
        e.define(name, e.emit(kind, inputs, shape, name, attributes), order)
        return
    left = [d for d in order if d not in axes]
    shape = tuple(1 if d is None else x.shape[d] for d in left)
    renumbered = {d: i for i, d in enumerate(sorted(d for d in left if d is not None))}
    after: Order = tuple(None if d is None else renumbered[d] for d in left)
    e.define(name, e.emit(kind, inputs, shape, name, attributes), after)
