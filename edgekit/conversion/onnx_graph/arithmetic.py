"""Two operands element by element, and what is made of such steps: batch norm, clipping."""

from __future__ import annotations

import math
from functools import reduce

import numpy as np

from edgekit.conversion.onnx_graph.emitter import Emitter, Lowering, Value
from edgekit.conversion.onnx_graph.layout import Layout, Order, stored
from edgekit.conversion.onnx_graph.source import Node, UnsupportedNodeError
from edgekit.ir import Array, Shape, Tensor
from edgekit.ops.binary import BinaryAttributes

Operand = Value | Array
_ATTRIBUTES = {"add", "sub", "mul"}
_SIX = 6.0  # where RELU6 ends


def binary(kind: str) -> Lowering:
    """ADD, SUB, MUL, MAXIMUM or MINIMUM of two or more operands, from left to right."""

    def lower(e: Emitter, node: Node) -> None:
        operands = [_operand(e, name) for name in node.inputs]
        if len(operands) == 1:
            assert isinstance(operands[0], Value)
            e.define_as(node.outputs[0], operands[0].tensor, operands[0].layout)
            return
        name = node.outputs[0]
        made = reduce(lambda a, b: combine(e, kind, a, b, name), operands)
        assert isinstance(made, Value)
        e.define_as(name, made.tensor, made.layout)

    return lower


def subtract(e: Emitter, node: Node) -> None:
    """SUB; of a constant, ADD of its opposite, which convolutions can take in."""
    constant = e.constant(node.inputs[1])
    if constant is None:
        binary("sub")(e, node)
        return
    made = combine(e, "add", e.value(node), -constant, node.outputs[0])
    e.define_as(node.outputs[0], made.tensor, made.layout)


def divide(e: Emitter, node: Node) -> None:
    """MUL by the inverse of a constant, which alone TFLite Micro has in int8."""
    divisor = e.constant(node.inputs[1])
    if divisor is None:
        raise UnsupportedNodeError("it divides by what is computed")
    made = combine(e, "mul", e.value(node), 1 / divisor, node.outputs[0])
    e.define_as(node.outputs[0], made.tensor, made.layout)


def power(e: Emitter, node: Node) -> None:
    """The square only."""
    exponent = e.weights(node, 1)
    if exponent.size != 1 or float(exponent.reshape(-1)[0]) != 2:
        raise UnsupportedNodeError("its exponent is not 2")
    x = e.value(node)
    made = combine(e, "mul", x, x, node.outputs[0])
    e.define_as(node.outputs[0], made.tensor, made.layout)


def negate(e: Emitter, node: Node) -> None:
    """MUL by -1."""
    made = combine(e, "mul", e.value(node), np.array(-1.0), node.outputs[0])
    e.define_as(node.outputs[0], made.tensor, made.layout)


def batch_normalization(e: Emitter, node: Node) -> None:
    """MUL and ADD with numbers of each channel."""
    if int(node.attributes.get("training_mode", 0)):
        raise UnsupportedNodeError("it is in training mode: call model.eval() before the export")
    x = e.value(node)
    scale, bias, mean, variance = (e.weights(node, i).astype(np.float64) for i in range(1, 5))
    factor = scale / np.sqrt(variance + float(node.attributes.get("epsilon", 1e-5)))
    channels = (-1, *([1] * (len(x.shape) - 2)))
    name = node.outputs[0]
    scaled = combine(e, "mul", x, factor.reshape(channels), f"{name}/scaled")
    made = combine(e, "add", scaled, (bias - mean * factor).reshape(channels), name)
    e.define_as(name, made.tensor, made.layout)


def clip(e: Emitter, node: Node) -> None:
    """RELU or RELU6, between additions and multiplications where it clips elsewhere."""
    low, high = _limit(e, node, "min", 1), _limit(e, node, "max", 2)
    x, name = e.value(node), node.outputs[0]
    if low == -math.inf and high == math.inf:
        e.define_as(name, x.tensor, x.layout)
        return
    made = clipped(e, x, low, high, name)
    e.define_as(name, made.tensor, made.layout)


def hard_sigmoid(e: Emitter, node: Node) -> None:
    """alpha * x + beta, clipped to 0..1."""
    alpha = float(node.attributes.get("alpha", 0.2))
    beta = float(node.attributes.get("beta", 0.5))
    name = node.outputs[0]
    line = _shifted(e, _scaled(e, e.value(node), _SIX * alpha, name), _SIX * beta, name)
    made = _scaled(e, unary(e, "relu6", line, f"{name}/relu6"), 1 / _SIX, name)
    e.define_as(name, made.tensor, made.layout)


def clipped(e: Emitter, x: Value, low: float, high: float, name: str) -> Value:
    """min(max(x, low), high) of operators that edgekit compiles; one limit may be infinite."""
    if low == -math.inf:  # min(x, high) = -max(-x, -high)
        return _scaled(e, clipped(e, _scaled(e, x, -1, name), -high, math.inf, name), -1, name)
    from_zero = _shifted(e, x, -low, name)
    if high == math.inf:
        return _shifted(e, unary(e, "relu", from_zero, name), low, name)
    scale = _SIX / (high - low)
    limited = unary(e, "relu6", _scaled(e, from_zero, scale, name), name)
    return _shifted(e, _scaled(e, limited, 1 / scale, name), low, name)


def unary(e: Emitter, kind: str, x: Value, name: str) -> Value:
    """An operator on each element."""
    return Value(e.emit(kind, [x.tensor], x.tensor.shape, name), x.shape, x.layout)


def combine(e: Emitter, kind: str, a: Operand, b: Operand, name: str) -> Value:
    """A binary operator with broadcasting as in ONNX; constants are laid out as values are."""
    shape = tuple(int(n) for n in np.broadcast_shapes(a.shape, b.shape))
    a, b = _extended(a, len(shape)), _extended(b, len(shape))
    values = [operand for operand in (a, b) if isinstance(operand, Value)]
    lead = max(values, key=lambda value: value.tensor.elements)
    if lead.shape == shape and all(v.layout == lead.layout for v in values):
        order = lead.order
        if order is None:  # scattered alike: element by element all the same
            tensors = [_as_it_lies(e, operand, lead, name) for operand in (a, b)]
            return _emit(e, kind, tensors, shape, lead.layout, name)
    order = lead.order or tuple(range(len(shape)))
    tensors = [_ordered(e, operand, order, name) for operand in (a, b)]
    return _emit(e, kind, tensors, shape, stored(shape, order), name)


def _emit(
    e: Emitter, kind: str, tensors: list[Tensor], shape: Shape, layout: Layout, name: str
) -> Value:
    held = tuple(int(n) for n in np.broadcast_shapes(*(t.shape for t in tensors)))
    attributes = BinaryAttributes() if kind in _ATTRIBUTES else None
    return Value(e.emit(kind, tensors, held, name, attributes), shape, layout)


def _operand(e: Emitter, name: str) -> Operand:
    constant = e.constant(name)
    return e.named(name) if constant is None else constant


def _extended(operand: Operand, rank: int) -> Operand:
    """With dimensions of 1 in front."""
    extra = rank - len(operand.shape)
    if isinstance(operand, Value):
        layout: Layout = ((),) * extra + operand.layout
        return Value(operand.tensor, (1,) * extra + operand.shape, layout)
    return operand.astype(np.float64).reshape((1,) * extra + operand.shape)


def _as_it_lies(e: Emitter, operand: Operand, lead: Value, name: str) -> Tensor:
    if isinstance(operand, Value):
        return e.viewed(operand.tensor, lead.tensor.shape)
    if operand.size == 1:
        return e.constant_tensor(operand.reshape(1), f"{name}/constant")
    return e.constant_tensor(e.array_like(operand, lead), f"{name}/constant")


def _ordered(e: Emitter, operand: Operand, order: Order, name: str) -> Tensor:
    if isinstance(operand, Value):
        return e.tensor_in(operand, order, exact=False)
    moved = operand.transpose([d for d in order if d is not None])
    first = next((i for i, size in enumerate(moved.shape) if size > 1), moved.ndim - 1)
    return e.constant_tensor(
        moved.reshape(moved.shape[max(0, first) :] or (1,)), f"{name}/constant"
    )


def _limit(e: Emitter, node: Node, attribute: str, index: int) -> float:
    """A limit of Clip: an attribute in old opsets, an input in newer ones."""
    default = -math.inf if attribute == "min" else math.inf
    if index < len(node.inputs) and node.inputs[index]:
        value = float(e.weights(node, index).reshape(-1)[0])
    else:
        value = float(node.attributes.get(attribute, default))
    return default if abs(value) > np.finfo(np.float32).max / 2 else value


def _scaled(e: Emitter, x: Value, factor: float, name: str) -> Value:
    if math.isclose(factor, 1, rel_tol=1e-6):
        return x
    return combine(e, "mul", x, np.array(factor), f"{name}/scaled")


def _shifted(e: Emitter, x: Value, offset: float, name: str) -> Value:
    return x if offset == 0 else combine(e, "add", x, np.array(offset), f"{name}/shifted")
