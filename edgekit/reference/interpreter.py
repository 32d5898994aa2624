"""Run a graph in NumPy, operator by operator, bit for bit as TFLite Micro would."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgekit import ops
from edgekit.errors import InputError, ModelError
from edgekit.ir import Array, Graph, Operator, Tensor


def evaluate(graph: Graph, inputs: Sequence[Array]) -> tuple[Array, ...]:
    """The outputs of `graph` for one set of inputs, of the shapes and types of its tensors.

    Raises:
        InputError: the inputs do not match the graph's.
        ModelError: an operator is of no kind that edgekit knows.
    """
    values = trace(graph, inputs)
    return tuple(values[t] if t.constant is None else t.constant for t in graph.outputs)


def trace(graph: Graph, inputs: Sequence[Array]) -> dict[Tensor, Array]:
    """The value of every tensor that is not constant, inputs first, then in order of operators."""
    if len(inputs) != len(graph.inputs):
        raise InputError(f"{graph.name} has {len(graph.inputs)} inputs, {len(inputs)} were given")
    values = {
        tensor: _checked(tensor, value, i)
        for i, (tensor, value) in enumerate(zip(graph.inputs, inputs, strict=True))
    }
    for operator in graph.operators:
        arguments = [_value(tensor, values) for tensor in operator.inputs]
        outputs = _definition(graph, operator).evaluate(operator, arguments)
        values.update(zip(operator.outputs, outputs, strict=True))
    return values


def _checked(tensor: Tensor, value: Array, index: int) -> Array:
    if value.shape != tensor.shape or value.dtype != tensor.dtype.numpy:
        raise InputError(
            f"input {index} is {value.dtype}{list(value.shape)}, "
            f"the model takes {tensor.dtype.value}{list(tensor.shape)}"
        )
    return np.ascontiguousarray(value).reshape(tensor.shape)


def _value(tensor: Tensor | None, values: dict[Tensor, Array]) -> Array | None:
    if tensor is None:
        return None
    return values[tensor] if tensor.constant is None else tensor.constant


def _definition(graph: Graph, operator: Operator) -> ops.Definition[object]:
    if not ops.is_known(operator):
        raise ModelError(
            f"{graph.name}: operator #{operator.index} {operator.kind.upper()} is unknown",
            hint="TFLite Micro itself may know it: install edgekit[oracle] (Linux x86-64)",
        )
    return ops.definition_of(operator)
