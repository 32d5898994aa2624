"""Functions of one element."""

from __future__ import annotations

from edgekit.conversion.onnx_graph.emitter import Emitter, Lowering, Value
from edgekit.conversion.onnx_graph.source import Node, UnsupportedNodeError
from edgekit.ir import Tensor
from edgekit.ops.leaky_relu import LeakyReluAttributes


def elementwise(kind: str) -> Lowering:
    """One TFLite operator that has no options, in whatever layout its input is."""

    def lower(e: Emitter, node: Node) -> None:
        x, name = e.value(node), node.outputs[0]
        _define(e, node, x, e.emit(kind, [x.tensor], x.tensor.shape, name))

    return lower


def leaky_relu(e: Emitter, node: Node) -> None:
    """LEAKY_RELU."""
    x, name = e.value(node), node.outputs[0]
    attributes = LeakyReluAttributes(alpha=float(node.attributes.get("alpha", 0.01)))
    _define(e, node, x, e.emit("leaky_relu", [x.tensor], x.tensor.shape, name, attributes))


def elu(e: Emitter, node: Node) -> None:
    """ELU, which TFLite has with alpha = 1."""
    if float(node.attributes.get("alpha", 1.0)) != 1:
        raise UnsupportedNodeError("its alpha is not 1")
    elementwise("elu")(e, node)


def prelu(e: Emitter, node: Node) -> None:
    """PRELU; with a single slope LEAKY_RELU, which costs less."""
    x, name = e.value(node), node.outputs[0]
    slope = e.weights(node, 1)
    if slope.size == 1:
        attributes = LeakyReluAttributes(alpha=float(slope.reshape(-1)[0]))
        _define(e, node, x, e.emit("leaky_relu", [x.tensor], x.tensor.shape, name, attributes))
        return
    order = x.order
    if order is None:
        raise UnsupportedNodeError("its input lies scattered in memory")
    extended = slope.reshape((1,) * (len(x.shape) - slope.ndim) + slope.shape)
    laid = extended.transpose([d for d in order if d is not None])
    source = e.tensor_in(x, order)
    alpha = e.constant_tensor(laid[0], f"{name}/slope")
    e.define(name, e.emit("prelu", [source, alpha], source.shape, name), order)


def _define(e: Emitter, node: Node, x: Value, tensor: Tensor) -> None:
    e.define_as(node.outputs[0], tensor, x.layout)
