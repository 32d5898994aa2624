"""Gemm and MatMul."""

from __future__ import annotations

import numpy as np

from edgekit.conversion.onnx_graph.arithmetic import combine
from edgekit.conversion.onnx_graph.emitter import Emitter, Value, options
from edgekit.conversion.onnx_graph.layout import in_memory, stored
from edgekit.conversion.onnx_graph.source import Node, UnsupportedNodeError
from edgekit.ir import Array, Tensor
from edgekit.ops.fully_connected import FullyConnectedAttributes


def gemm(e: Emitter, node: Node) -> None:
    """FULLY_CONNECTED: alpha * A * B + beta * C."""
    if int(node.attributes.get("transA", 0)):
        raise UnsupportedNodeError("its first matrix is transposed")
    alpha = float(node.attributes.get("alpha", 1.0))
    beta = float(node.attributes.get("beta", 1.0))
    matrix = e.weights(node, 1) * np.float32(alpha)
    if int(node.attributes.get("transB", 0)):
        matrix = matrix.T
    name = node.outputs[0]
    added = node.inputs[2] if len(node.inputs) > 2 else ""
    constant = e.constant(added) if added else np.zeros(1, np.float32)
    bias = None if constant is None else constant.reshape(-1) * np.float32(beta)
    if bias is not None and bias.size in (1, matrix.shape[1]):
        made = _dense(e, e.value(node), matrix, np.resize(bias, matrix.shape[1]), name)
    else:
        product = _dense(e, e.value(node), matrix, None, f"{name}/product")
        term = constant * beta if constant is not None else e.named(added)
        if isinstance(term, Value) and beta != 1:
            term = combine(e, "mul", term, np.array(beta), f"{name}/scaled")
        made = combine(e, "add", product, term, name)
    e.define_as(name, made.tensor, made.layout)


def matmul(e: Emitter, node: Node) -> None:
    """FULLY_CONNECTED by a constant matrix, BATCH_MATMUL by what is computed."""
    matrix, name = e.constant(node.inputs[1]), node.outputs[0]
    if matrix is not None and matrix.ndim == 2:
        made = _dense(e, e.value(node), matrix, None, name)
        e.define_as(name, made.tensor, made.layout)
        return
    sources = [e.named(read) for read in node.inputs]
    if any(len(value.shape) < 2 for value in sources):
        raise UnsupportedNodeError("it multiplies by a vector")
    plain = [e.tensor_in(value, tuple(range(len(value.shape)))) for value in sources]
    shape = e.source.shapes[name]
    tensor = e.emit("batch_matmul", plain, shape, name, options("BatchMatMulOptions"))
    e.define(name, tensor, tuple(range(len(shape))))


def _dense(e: Emitter, x: Value, matrix: Array, bias: Array | None, name: str) -> Value:
    """x * matrix [I, O] + bias [O] over the last dimension of x."""
    inputs, outputs = matrix.shape
    shape = (*x.shape[:-1], outputs)
    plain = tuple(range(len(shape)))
    if x.tensor.elements == inputs:  # one row: its elements may lie in any order
        rows = [in_memory(column, (x.layout[-1],)) for column in matrix.T]
        tensor = _fully_connected(e, x.tensor, np.stack(rows), bias, name, rows=None)
        return Value(tensor, shape, stored(shape, plain))
    source = e.tensor_in(x, plain)
    tensor = _fully_connected(e, source, matrix.T, bias, name, rows=shape[:-1])
    return Value(tensor, shape, stored(shape, plain))


def _fully_connected(
    e: Emitter,
    source: Tensor,
    weights: Array,
    bias: Array | None,
    name: str,
    *,
    rows: tuple[int, ...] | None,
) -> Tensor:
    outputs = weights.shape[0]
    values = np.zeros(outputs, np.float32) if bias is None else bias
    inputs = [
        source,
        e.constant_tensor(weights, f"{name}/weights"),
        e.constant_tensor(values, f"{name}/bias"),
    ]
    attributes = FullyConnectedAttributes(keep_num_dims=rows is not None)
    return e.emit("fully_connected", inputs, (*(rows or (1,)), outputs), name, attributes)
