"""Conv, ConvTranspose and the pools: what slides a window over [N, C, L] or [N, C, H, W]."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgekit.conversion.onnx_graph.emitter import Emitter, Value, options
from edgekit.conversion.onnx_graph.layout import Order
from edgekit.conversion.onnx_graph.source import Node, UnsupportedNodeError
from edgekit.ir import Array, Shape, Tensor
from edgekit.ops.conv_2d import Conv2DAttributes
from edgekit.ops.depthwise_conv_2d import DepthwiseConv2DAttributes
from edgekit.ops.pooling import Pool2DAttributes
from edgekit.ops.strided_slice import StridedSliceAttributes
from edgekit.ops.windows import Padding

#: In NHWC, by rank: a window over [N, C, L] is one over [N, C, 1, L].
_ORDERS: dict[int, Order] = {3: (0, None, 2, 1), 4: (0, 2, 3, 1)}
_NON_NEGATIVE = {"relu", "relu6", "logistic", "softmax"}
_KEEP_SIGN = {"max_pool_2d", "average_pool_2d", "pad", "reshape", "transpose", "concatenation"}
_SYMMETRIC = 1  # MirrorPadMode


@dataclass(frozen=True, slots=True, kw_only=True)
class _Axis:
    """One spatial axis of a window, with the padding that it really reaches into."""

    size: int
    filter: int
    stride: int
    dilation: int
    before: int
    after: int
    outputs: int

    @property
    def reach(self) -> int:
        return (self.filter - 1) * self.dilation + 1

    @property
    def is_same(self) -> bool:
        """True if TFLite's SAME pads so."""
        total = max(0, (self.outputs - 1) * self.stride + self.reach - self.size)
        return self.outputs == -(-self.size // self.stride) and self.before == total // 2

    @property
    def is_valid(self) -> bool:
        """True if the window stays inside."""
        return self.before == self.after == 0


def conv(e: Emitter, node: Node) -> None:
    """CONV_2D, or DEPTHWISE_CONV_2D where each input channel has filters of its own."""
    x, order = _image(e, node)
    weights = _flat_weights(e.weights(node, 1))
    bias = _bias(e, node, weights.shape[0])
    axes = _axes(e, node, x, weights.shape[2:])
    groups = int(node.attributes.get("group", 1))
    source, padding = _padded(e, node, e.tensor_in(x, order), axes)
    y, across = axes
    common: dict[str, Any] = {
        "padding": padding,
        "stride_height": y.stride,
        "stride_width": across.stride,
        "dilation_height": y.dilation,
        "dilation_width": across.dilation,
    }
    shape = (1, y.outputs, across.outputs, weights.shape[0])
    name = node.outputs[0]
    attributes: Any = Conv2DAttributes(**common)
    kind, filters = "conv_2d", weights.transpose(0, 2, 3, 1)
    if groups > 1 and weights.shape[1] == 1 and groups == x.shape[1]:
        kind, filters = "depthwise_conv_2d", weights.transpose(1, 2, 3, 0)
        multiplier = weights.shape[0] // groups
        attributes = DepthwiseConv2DAttributes(depth_multiplier=multiplier, **common)
    inputs = [
        source,
        e.constant_tensor(filters, f"{name}/weights"),
        e.constant_tensor(bias, f"{name}/bias"),
    ]
    e.define(name, e.emit(kind, inputs, shape, name, attributes), order)


def conv_transpose(e: Emitter, node: Node) -> None:
    """TRANSPOSE_CONV, and a STRIDED_SLICE where ONNX crops otherwise than TFLite."""
    x, order = _image(e, node)
    weights = _flat_weights(e.weights(node, 1))  # [I, O, KH, KW]
    if int(node.attributes.get("group", 1)) != 1:
        raise UnsupportedNodeError("it has groups")
    two = len(x.shape) == 4
    strides, dilations = _pair(node, "strides", two), _pair(node, "dilations", two)
    if dilations != (1, 1):
        raise UnsupportedNodeError("it has dilations")
    sizes = (x.shape[2], x.shape[3]) if two else (1, x.shape[2])
    wanted = _spatial(e.source.shapes[node.outputs[0]])
    filters = weights.shape[2:]
    full = [(n - 1) * s + k for n, s, k in zip(sizes, strides, filters, strict=True)]
    begin = _crop_begin(node, full, wanted, two=two)
    same = all(
        out == n * s and b == max(0, f - out) // 2
        for out, n, s, b, f in zip(wanted, sizes, strides, begin, full, strict=True)
    )
    name, channels = node.outputs[0], weights.shape[1]
    made = wanted if same else (full[0], full[1])
    shape = (1, *made, channels)
    inputs = [
        e.constant_tensor(np.array(shape), f"{name}/shape"),
        e.constant_tensor(weights.transpose(1, 2, 3, 0), f"{name}/weights"),
        e.tensor_in(x, order),
        e.constant_tensor(_bias(e, node, channels), f"{name}/bias"),
    ]
    padding = int(Padding.SAME if same else Padding.VALID)
    attributes = options(
        "TransposeConvOptions", padding=padding, strideH=strides[0], strideW=strides[1]
    )
    output = e.emit("transpose_conv", inputs, shape, name, attributes)
    if made != wanted:
        output = _cropped(e, output, begin, (1, *wanted, channels))
    e.define(name, output, order)


def max_pool(e: Emitter, node: Node) -> None:
    """MAX_POOL_2D. Padding must never win: zeros serve after a RELU, else a mirror image does."""
    if len([name for name in node.outputs if name]) > 1:
        raise UnsupportedNodeError("its indices are used")
    _pool(e, node, "max_pool_2d")


def average_pool(e: Emitter, node: Node) -> None:
    """AVERAGE_POOL_2D, which never counts padding; a PAD before it does."""
    _pool(e, node, "average_pool_2d")


def global_max_pool(e: Emitter, node: Node) -> None:
    """MAX_POOL_2D with a window as large as its input."""
    x, order = _image(e, node)
    height, width = _spatial(x.shape)
    _emit_pool(e, node, "max_pool_2d", e.tensor_in(x, order), (height, width), order)


def _pool(e: Emitter, node: Node, kind: str) -> None:
    x, order = _image(e, node)
    two = len(x.shape) == 4
    axes = y, across = _axes(e, node, x, _pair(node, "kernel_shape", two))
    if (y.dilation, across.dilation) != (1, 1):
        raise UnsupportedNodeError("it has dilations")
    source = e.tensor_in(x, order)
    if kind == "max_pool_2d":
        source, padding = _padded_for_max(e, node, source, axes)
    elif int(node.attributes.get("count_include_pad", 0)):
        # SAME would not count what ONNX counts here
        source, padding = _padded(e, node, source, axes, may_be_same=False)
    elif all(a.is_same for a in axes) or all(a.is_valid for a in axes):
        source, padding = _padded(e, node, source, axes)
    else:
        raise UnsupportedNodeError("it leaves out of its means paddings that TFLite cannot pad so")
    shape = (1, y.outputs, across.outputs, x.shape[1])
    attributes = Pool2DAttributes(
        padding=padding,
        stride_height=y.stride,
        stride_width=across.stride,
        filter_height=y.filter,
        filter_width=across.filter,
    )
    name = node.outputs[0]
    e.define(name, e.emit(kind, [source], shape, name, attributes), order)


def _emit_pool(
    e: Emitter, node: Node, kind: str, source: Tensor, size: tuple[int, int], order: Order
) -> None:
    """A pool whose window is its whole input."""
    attributes = Pool2DAttributes(
        padding=Padding.VALID,
        stride_height=1,
        stride_width=1,
        filter_height=size[0],
        filter_width=size[1],
    )
    name = node.outputs[0]
    shape = (1, 1, 1, source.shape[3])
    e.define(name, e.emit(kind, [source], shape, name, attributes), order)


def _image(e: Emitter, node: Node) -> tuple[Value, Order]:
    """Input 0, and the order of its dimensions that TFLite's windows want."""
    x = e.value(node)
    if len(x.shape) not in _ORDERS:
        raise UnsupportedNodeError(f"its input has {len(x.shape)} dimensions, not 3 or 4")
    return x, _ORDERS[len(x.shape)]


def _flat_weights(weights: Array) -> Array:
    """With two spatial dimensions."""
    return weights[:, :, None] if weights.ndim == 3 else weights


def _bias(e: Emitter, node: Node, channels: int) -> Array:
    given = len(node.inputs) > 2 and node.inputs[2]
    return e.weights(node, 2) if given else np.zeros(channels, np.float32)


def _spatial(shape: Shape) -> tuple[int, int]:
    return (shape[2], shape[3]) if len(shape) == 4 else (1, shape[2])


def _pair(node: Node, attribute: str, two: bool) -> tuple[int, int]:
    """A number for each spatial axis; 1 for the one that [N, C, L] lacks."""
    values = node.attributes.get(attribute) or [1, 1]
    return (int(values[0]), int(values[1])) if two else (1, int(values[0]))


def _axes(e: Emitter, node: Node, x: Value, filters: Sequence[int]) -> tuple[_Axis, _Axis]:
    """(down, across), with as much padding behind as the last window reaches into."""
    two = len(x.shape) == 4
    outputs = _spatial(e.source.shapes[node.outputs[0]])
    strides, dilations = _pair(node, "strides", two), _pair(node, "dilations", two)
    made = []
    for i, size in enumerate(_spatial(x.shape)):
        reach = (filters[i] - 1) * dilations[i] + 1
        total = (outputs[i] - 1) * strides[i] + reach - size
        before = _pad_before(node, i if two else i - 1, max(0, total))
        made.append(
            _Axis(
                size=size,
                filter=filters[i],
                stride=strides[i],
                dilation=dilations[i],
                before=before,
                after=max(0, total - before),
                outputs=outputs[i],
            )
        )
    return made[0], made[1]


def _pad_before(node: Node, i: int, total: int) -> int:
    """The padding in front of spatial axis `i`; none for the one that was added."""
    automatic = node.attributes.get("auto_pad", "NOTSET")
    if i < 0 or automatic == "VALID":
        return 0
    if automatic == "SAME_UPPER":
        return total // 2
    if automatic == "SAME_LOWER":
        return total - total // 2
    return int((node.attributes.get("pads") or [0] * (i + 1))[i])


def _padded(
    e: Emitter, node: Node, source: Tensor, axes: Sequence[_Axis], *, may_be_same: bool = True
) -> tuple[Tensor, Padding]:
    """The input with a PAD where neither SAME nor VALID is what ONNX asks for."""
    if all(a.is_valid for a in axes):
        return source, Padding.VALID
    if may_be_same and all(a.is_same for a in axes):
        return source, Padding.SAME
    return _bordered(e, node, source, axes, "pad", None), Padding.VALID


def _padded_for_max(
    e: Emitter, node: Node, source: Tensor, axes: Sequence[_Axis]
) -> tuple[Tensor, Padding]:
    if _is_non_negative(e, source) or all(a.is_same or a.is_valid for a in axes):
        return _padded(e, node, source, axes)
    # What a mirror shows of the edge lies in the same window, if no more than half of it is padding
    if any(2 * max(a.before, a.after) > a.filter for a in axes):
        raise UnsupportedNodeError("more than half of a window is padding")
    mirror = options("MirrorPadOptions", mode=_SYMMETRIC)
    return _bordered(e, node, source, axes, "mirror_pad", mirror), Padding.VALID


def _bordered(
    e: Emitter, node: Node, source: Tensor, axes: Sequence[_Axis], kind: str, attributes: Any
) -> Tensor:
    y, across = axes
    pads = np.array([[0, 0], [y.before, y.after], [across.before, across.after], [0, 0]])
    name = f"{node.outputs[0]}/padded"
    shape = tuple(int(n) for n in np.array(source.shape) + pads.sum(axis=1))
    return e.emit(kind, [source, e.constant_tensor(pads, f"{name}/sizes")], shape, name, attributes)


def _is_non_negative(e: Emitter, tensor: Tensor) -> bool:
    """True if what computes the tensor cannot give less than 0."""
    producer = next((op for op in e.operators if op.output is tensor), None)
    if producer is None:
        return False
    if producer.kind in _NON_NEGATIVE:
        return True
    return producer.kind in _KEEP_SIGN and all(
        _is_non_negative(e, source) for source in producer.activations
    )


def _crop_begin(
    node: Node, full: Sequence[int], wanted: Sequence[int], *, two: bool
) -> tuple[int, int]:
    """How many rows and columns of the full result ONNX drops in front."""
    begin = []
    for i in range(2):
        excess = full[i] - wanted[i]
        before = _pad_before(node, i if two else i - 1, max(0, excess))
        if excess < before:
            raise UnsupportedNodeError("its output is larger than its windows reach")
        begin.append(before)
    return begin[0], begin[1]


def _cropped(e: Emitter, tensor: Tensor, begin: tuple[int, int], shape: Shape) -> Tensor:
    starts = np.array([0, *begin, 0])
    inputs = [
        tensor,
        e.constant_tensor(starts, f"{tensor.name}/begin"),
        e.constant_tensor(starts + shape, f"{tensor.name}/end"),
        e.constant_tensor(np.ones(4, np.int32), f"{tensor.name}/strides"),
    ]
    name = f"{tensor.name}/cropped"
    return e.emit("strided_slice", inputs, shape, name, StridedSliceAttributes())
