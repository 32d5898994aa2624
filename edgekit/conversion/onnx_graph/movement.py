"""What only moves elements; most of it changes the layout and nothing else."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgekit.conversion.onnx_graph import layout as layouts
from edgekit.conversion.onnx_graph.emitter import Emitter, Value, options
from edgekit.conversion.onnx_graph.layout import Order
from edgekit.conversion.onnx_graph.source import Node, UnsupportedNodeError
from edgekit.ir import Array, Tensor
from edgekit.ops.concatenation import ConcatenationAttributes
from edgekit.ops.gather import GatherAttributes
from edgekit.ops.strided_slice import StridedSliceAttributes

_FAR = 2**31 - 1
_REFLECT = 0  # MirrorPadMode


def identity(e: Emitter, node: Node) -> None:
    """Nothing at all."""
    x = e.value(node)
    e.define_as(node.outputs[0], x.tensor, x.layout)


def reshape(e: Emitter, node: Node) -> None:
    """Reshape, Flatten, Squeeze, Unsqueeze: another layout of the same tensor."""
    x, name = e.value(node), node.outputs[0]
    shape = e.source.shapes[name]
    layout = layouts.reshaped(x.layout, shape)
    if layout is not None:
        e.define_as(name, x.tensor, layout)
        return
    plain = e.tensor_in(x, _plain(len(x.shape)))
    e.define(name, e.viewed(plain, shape), _plain(len(shape)))


def transpose(e: Emitter, node: Node) -> None:
    """Another layout of the same tensor."""
    x = e.value(node)
    reverse = list(reversed(range(len(x.shape))))
    permutation = [int(i) for i in node.attributes.get("perm", reverse)]
    e.define_as(node.outputs[0], x.tensor, layouts.transposed(x.layout, permutation))


def expand(e: Emitter, node: Node) -> None:
    """Only to the shape that is there already."""
    x = e.value(node)
    if x.tensor.elements != int(np.prod(e.source.shapes[node.outputs[0]])):
        raise UnsupportedNodeError("it repeats elements")
    reshape(e, node)


def concat(e: Emitter, node: Node) -> None:
    """CONCATENATION in the layout of its largest input."""
    rank = len(e.source.shapes[node.outputs[0]])
    axis = int(node.attributes["axis"]) % rank
    computed = [e.named(name) for name in node.inputs if e.is_computed(name)]
    lead = max(computed, key=lambda value: value.tensor.elements)
    order = lead.order or _plain(rank)
    tensors = [_in_order(e, name, order) for name in node.inputs]
    attributes = ConcatenationAttributes(axis=order.index(axis))
    shape = layouts.shape_in(e.source.shapes[node.outputs[0]], order)
    name = node.outputs[0]
    e.define(name, e.emit("concatenation", tensors, shape, name, attributes), order)


def split(e: Emitter, node: Node) -> None:
    """A STRIDED_SLICE for each output."""
    x = e.value(node)
    axis = int(node.attributes.get("axis", 0)) % len(x.shape)
    begin = 0
    for name in node.outputs:
        size = e.source.shapes[name][axis]
        _slice(e, x, name, {axis: (begin, begin + size, 1)})
        begin += size


def slice_(e: Emitter, node: Node) -> None:
    """STRIDED_SLICE, forwards."""
    x = e.value(node)
    starts, ends = e.numbers(node, "starts", 1) or [], e.numbers(node, "ends", 2) or []
    axes = e.numbers(node, "axes", 3) or list(range(len(starts)))
    steps = e.numbers(node, "steps", 4) or [1] * len(starts)
    if min(steps) < 1:
        raise UnsupportedNodeError("it goes backwards")
    ranges = {}
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        begin, stop, _ = slice(start, min(end, _FAR), step).indices(x.shape[axis])
        ranges[axis % len(x.shape)] = (begin, stop, step)
    _slice(e, x, node.outputs[0], ranges)


def gather(e: Emitter, node: Node) -> None:
    """One index or a run of them as STRIDED_SLICE, others as GATHER."""
    x, indices, name = e.value(node), e.weights(node, 1), node.outputs[0]
    axis = int(node.attributes.get("axis", 0)) % len(x.shape)
    flat = indices.reshape(-1) % x.shape[axis]
    if indices.ndim > 1:
        raise UnsupportedNodeError("its indices are a table")
    kept = [*x.shape]
    kept[axis] = len(flat)
    if len(flat) and np.array_equal(flat, np.arange(flat[0], flat[0] + len(flat))):
        picked = _sliced(e, x, name, {axis: (int(flat[0]), int(flat[-1]) + 1, 1)})
    else:
        order = x.order or _plain(len(x.shape))
        numbers = e.constant_tensor(flat.astype(np.int32), f"{name}/indices")
        inputs = [e.tensor_in(x, order), numbers]
        attributes = GatherAttributes(axis=order.index(axis))
        shape = layouts.shape_in(tuple(kept), order)
        tensor = e.emit("gather", inputs, shape, name, attributes)
        picked = Value(tensor, tuple(kept), layouts.stored(tuple(kept), order))
    layout = picked.layout
    if indices.ndim == 0:
        layout = (*layout[:axis], *layout[axis + 1 :])
    e.define_as(name, picked.tensor, layout)


def pad(e: Emitter, node: Node) -> None:
    """PAD with zeros, PADV2 with another value, MIRROR_PAD by reflection."""
    x, name = e.value(node), node.outputs[0]
    rank = len(x.shape)
    order = x.order or _plain(rank)
    pads = _pads(e, node, rank)
    tensor = e.tensor_in(x, order)
    shape = layouts.shape_in(e.source.shapes[name], order)
    sizes = np.array([(0, 0) if d is None else pads[d] for d in order])
    inputs = [tensor, e.constant_tensor(sizes, f"{name}/sizes")]
    mode, value = node.attributes.get("mode", "constant"), _pad_value(e, node)
    if mode == "reflect":
        attributes = options("MirrorPadOptions", mode=_REFLECT)
        made = e.emit("mirror_pad", inputs, shape, name, attributes)
    elif mode != "constant":
        raise UnsupportedNodeError(f"its mode is {mode!r}")
    elif value:
        inputs.append(e.constant_tensor(np.array([value]), f"{name}/value"))
        made = e.emit("padv2", inputs, shape, name)
    else:
        made = e.emit("pad", inputs, shape, name)
    e.define(name, made, order)


def depth_to_space(e: Emitter, node: Node) -> None:
    """DEPTH_TO_SPACE, for which blocks lie outside of channels."""
    if node.attributes.get("mode", "DCR") != "DCR":
        raise UnsupportedNodeError("its mode is not DCR")
    _blocks(e, node, "depth_to_space", "DepthToSpaceOptions")


def space_to_depth(e: Emitter, node: Node) -> None:
    """SPACE_TO_DEPTH."""
    _blocks(e, node, "space_to_depth", "SpaceToDepthOptions")


def resize(e: Emitter, node: Node) -> None:
    """RESIZE_NEAREST_NEIGHBOR or RESIZE_BILINEAR of the spatial dimensions."""
    x, name = e.value(node), node.outputs[0]
    shape = e.source.shapes[name]
    mode = node.attributes.get("mode", "nearest")
    if len(shape) != 4 or shape[:2] != x.shape[:2]:
        raise UnsupportedNodeError("it resizes other than the two spatial dimensions")
    if mode not in ("nearest", "linear"):
        raise UnsupportedNodeError(f"its mode is {mode!r}")
    default = "asymmetric" if node.type == "Upsample" or e.source.opset < 11 else "half_pixel"
    where = node.attributes.get("coordinate_transformation_mode", default)
    if where not in ("asymmetric", "half_pixel", "pytorch_half_pixel", "align_corners"):
        raise UnsupportedNodeError(f"its coordinates are {where!r}")
    order = layouts.channels_last(4)
    inputs = [
        e.tensor_in(x, order),
        e.constant_tensor(np.array(shape[2:]), f"{name}/size"),
    ]
    kind = "resize_nearest_neighbor" if mode == "nearest" else "resize_bilinear"
    table = "ResizeNearestNeighborOptions" if mode == "nearest" else "ResizeBilinearOptions"
    attributes = options(
        table, alignCorners=where == "align_corners", halfPixelCenters=where.endswith("half_pixel")
    )
    made = e.emit(kind, inputs, layouts.shape_in(shape, order), name, attributes)
    e.define(name, made, order)


def _plain(rank: int) -> Order:
    return tuple(range(rank))


def _in_order(e: Emitter, name: str, order: Order) -> Tensor:
    return e.tensor_in(e.named(name), order)


def _slice(e: Emitter, x: Value, name: str, ranges: dict[int, tuple[int, int, int]]) -> None:
    picked = _sliced(e, x, name, ranges)
    e.define_as(name, picked.tensor, picked.layout)


def _sliced(e: Emitter, x: Value, name: str, ranges: dict[int, tuple[int, int, int]]) -> Value:
    """Of each dimension in `ranges` the indices begin, begin + step … below end."""
    full = {d: (0, size, 1) for d, size in enumerate(x.shape)} | ranges
    shape = tuple(len(range(*full[d])) for d in range(len(x.shape)))
    order = x.order or _plain(len(x.shape))
    along = np.array([(0, 1, 1) if d is None else full[d] for d in order])
    labels = ("begin", "end", "strides")
    inputs = [e.tensor_in(x, order)]
    inputs += [e.constant_tensor(along[:, i], f"{name}/{label}") for i, label in enumerate(labels)]
    held = layouts.shape_in(shape, order)
    tensor = e.emit("strided_slice", inputs, held, name, StridedSliceAttributes())
    return Value(tensor, shape, layouts.stored(shape, order))


def _pads(e: Emitter, node: Node, rank: int) -> list[tuple[int, int]]:
    """(before, after) of each dimension."""
    flat = e.numbers(node, "pads", 1) or e.numbers(node, "paddings", 1)
    if flat is None or min(flat) < 0:
        raise UnsupportedNodeError("it crops")
    axes: Sequence[int] = range(rank)
    if len(node.inputs) > 3 and node.inputs[3]:
        axes = [int(axis) % rank for axis in e.weights(node, 3)]
    pads = [(0, 0)] * rank
    for i, axis in enumerate(axes):
        pads[axis] = (flat[i], flat[i + len(axes)])
    return pads


def _pad_value(e: Emitter, node: Node) -> float:
    if len(node.inputs) > 2 and node.inputs[2]:
        values: Array = e.weights(node, 2)
        return float(values.reshape(-1)[0])
    return float(node.attributes.get("value", 0.0))


def _blocks(e: Emitter, node: Node, kind: str, table: str) -> None:
    x, name = e.value(node), node.outputs[0]
    order = layouts.channels_last(4)
    attributes = options(table, blockSize=int(node.attributes["blocksize"]))
    shape = layouts.shape_in(e.source.shapes[name], order)
    e.define(name, e.emit(kind, [e.tensor_in(x, order)], shape, name, attributes), order)
