"""Makes weights that were stored small float32 again: "dynamic range" int8, and float16."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgekit.conversion.sources import editing
from edgekit.frontends import schema
from edgekit.ir import Array

_FLOAT32 = schema.TENSOR_TYPES.index("float32")
_STORED = {"int8": "<i1", "uint8": "<u1", "int16": "<i2", "float16": "<f2"}


def in_float32(tree: Any) -> bool:
    """Turn constants that operators on float32 read into float32, in place; True if there were any.

    Only weights can be: a computed tensor of int8 is left for the checks to refuse.
    """
    graph = tree.subgraphs[0]
    computed = {i for op in graph.operators or [] for i in editing.indices(op.outputs)}
    computed.update(editing.indices(graph.inputs))
    folded: list[Any] = []
    changed = False
    for operator in graph.operators or []:
        outputs = [graph.tensors[i] for i in editing.indices(operator.outputs)]
        if any(editing.type_name(t) != "float32" for t in outputs):
            continue
        for i in editing.indices(operator.inputs):
            if i >= 0 and i not in computed:
                changed |= _restore(tree, graph.tensors[i])
        if editing.kind(tree, operator) == "DEQUANTIZE":
            source = graph.tensors[editing.indices(operator.inputs)[0]]
            if editing.constant_bytes(tree, source) is not None:
                outputs[0].buffer = source.buffer
                folded.append(operator)
    if folded:
        graph.operators = [op for op in graph.operators if not any(op is f for f in folded)]
    return changed or bool(folded)


def _restore(tree: Any, tensor: Any) -> bool:
    """Give a constant the real numbers that it stands for; False if it is none that can be."""
    kind, stored = editing.type_name(tensor), editing.constant_bytes(tree, tensor)
    quantization = tensor.quantization
    scales = None if quantization is None else quantization.scale
    if stored is None or kind not in _STORED or (kind != "float16" and scales is None):
        return False
    values = np.frombuffer(stored, _STORED[kind]).reshape(editing.indices(tensor.shape))
    if kind != "float16":
        values = _dequantised(values, quantization)
    editing.set_constant(tree, tensor, np.asarray(values, "<f4"))
    tensor.type, tensor.quantization = _FLOAT32, None
    return True


def _dequantised(values: Array, quantization: Any) -> Array:
    scales = np.asarray(quantization.scale, np.float32)
    zero = quantization.zeroPoint
    zeros = np.zeros(1) if zero is None or not len(zero) else np.asarray(zero, np.float32)
    if scales.size > 1:
        shape = [1] * values.ndim
        shape[quantization.quantizedDimension] = scales.size
        scales = scales.reshape(shape)
        zeros = zeros.reshape(shape) if zeros.size > 1 else zeros
    return np.asarray((values.astype(np.float32) - zeros) * scales, np.float32)
