"""Steps that a weighted operator can take in, and hard-swish in pieces: fewer operators."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import numpy as np

from edgekit.ir import Array, Graph, Operator, Tensor
from edgekit.ops import NoAttributes
from edgekit.ops.fixed_point import Activation

_WEIGHTED = ("conv_2d", "depthwise_conv_2d", "fully_connected")
_ACTIVATIONS = {"relu": Activation.RELU, "relu6": Activation.RELU6}
_FUSING = (*_WEIGHTED, "add", "sub", "mul", "average_pool_2d", "max_pool_2d")


#: Operators that others take the place of: those given up, those made.
_Change = tuple[tuple[Operator, ...], Operator]


def fused(graph: Graph, layers: dict[Tensor, str]) -> Graph:
    """The graph with what can be taken in taken in, and without operators that nobody reads.

    Args:
        graph: what was lowered.
        layers: the layer of each operator by its output; kept up to date, so that what was taken
            in counts for the layer that took it in.
    """
    graph = _needed(graph)
    for step in (_hard_swish, _scale, _activation):
        graph = _until_done(graph, step, layers)
    return graph


def _until_done(
    graph: Graph, step: Callable[[Graph, Operator], _Change | None], layers: dict[Tensor, str]
) -> Graph:
    """Apply a step wherever it fits, until it fits nowhere."""
    changed = True
    while changed:
        changed = False
        for operator in graph.operators:
            change = step(graph, operator) if operator in graph.operators else None
            if change is not None:
                (first, *_), new = old, _ = change
                layers[new.output] = layers[first.output]
                graph, changed = _needed(_replaced(graph, old, new)), True
    return graph


def _replaced(graph: Graph, old: tuple[Operator, ...], new: Operator) -> Graph:
    """The graph with one operator where the last of some others was."""
    swapped = (new if op is old[-1] else op for op in graph.operators)
    return graph.with_operators(op for op in swapped if op not in old)


def _needed(graph: Graph) -> Graph:
    """Without operators whose outputs nobody reads."""
    read: set[Tensor] = set(graph.outputs)
    kept: list[Operator] = []
    for operator in reversed(graph.operators):
        if read & set(operator.outputs):
            kept.append(operator)
            read |= {tensor for tensor in operator.inputs if tensor is not None}
    return graph.with_operators(reversed(kept))


def _only_reader(graph: Graph, tensor: Tensor) -> Operator | None:
    """The one operator that reads a tensor; None if others do, or the world."""
    readers = graph.consumers(tensor)
    return readers[0] if len(readers) == 1 and tensor not in graph.outputs else None


def _activation(graph: Graph, operator: Operator) -> _Change | None:
    """A RELU or RELU6 that alone reads what can clip by itself."""
    reader = _only_reader(graph, operator.output)
    if operator.kind not in _FUSING or reader is None or reader.kind not in _ACTIVATIONS:
        return None
    if operator.attributes.activation is not Activation.NONE:
        return None
    attributes = dataclasses.replace(operator.attributes, activation=_ACTIVATIONS[reader.kind])
    new = dataclasses.replace(operator, outputs=reader.outputs, attributes=attributes)
    return (operator, reader), new


def _scale(graph: Graph, operator: Operator) -> _Change | None:
    """A MUL or ADD of a number for each channel, into the weights and the bias before it."""
    reader = _only_reader(graph, operator.output)
    if operator.kind not in _WEIGHTED or reader is None or reader.kind not in ("mul", "add"):
        return None
    if operator.attributes.activation is not Activation.NONE:
        return None
    if reader.output.shape != operator.output.shape:
        return None
    factor = _per_channel(reader, operator.output.shape[-1])
    weights, bias = operator.input(1), operator.input(2)
    if factor is None or weights.constant is None or bias.constant is None:
        return None
    values, offsets = weights.constant, bias.constant
    if reader.kind == "add":
        offsets = offsets + factor
    else:
        last = operator.kind == "depthwise_conv_2d"
        values = values * (factor if last else factor.reshape(-1, *[1] * (values.ndim - 1)))
        offsets = offsets * factor
    inputs = (operator.input(0), _with(weights, values), _with(bias, offsets))
    attributes = dataclasses.replace(operator.attributes, activation=reader.attributes.activation)
    new = dataclasses.replace(
        operator, inputs=inputs, outputs=reader.outputs, attributes=attributes
    )
    return (operator, reader), new


def _per_channel(operator: Operator, channels: int) -> Array | None:
    """The constant operand as a number for each of the last dimension; None if it is none."""
    constant = next((t.constant for t in operator.inputs if t and t.constant is not None), None)
    if constant is None or constant.size not in (1, channels):
        return None
    if constant.size > 1 and constant.shape[-1] != channels:
        return None
    flat = constant.reshape(-1).astype(np.float64)
    return np.broadcast_to(flat, (channels,))


def _with(tensor: Tensor, values: Array) -> Tensor:
    return dataclasses.replace(tensor, constant=np.ascontiguousarray(values, np.float32))


def _hard_swish(graph: Graph, operator: Operator) -> _Change | None:
    """x * relu6(x + 3) / 6, multiplied in any order."""
    if operator.kind != "mul":
        return None
    factors, scale = _product(graph, operator)
    if len(factors) != 2 or not math.isclose(scale, 1 / 6, rel_tol=1e-5):
        return None
    for x, limited in (factors, factors[::-1]):
        producer = graph.producer(limited)
        if producer is None or producer.kind != "relu6":
            continue
        line = graph.producer(producer.input(0))
        if line is None or line.kind != "add" or x not in line.inputs:
            continue
        offset = _number(line)
        if offset is not None and math.isclose(offset, 3, rel_tol=1e-6):
            new = Operator("hard_swish", operator.index, (x,), operator.outputs, NoAttributes())
            return (operator,), new
    return None


def _product(graph: Graph, operator: Operator) -> tuple[list[Tensor], float]:
    """The factors of a tree of MULs that only this one reads, and their constant factor."""
    factors: list[Tensor] = []
    scale = 1.0
    for i in (0, 1):
        tensor = operator.input(i)
        if tensor.constant is not None:
            if tensor.constant.size != 1:
                return [], 0.0
            scale *= float(tensor.constant.reshape(-1)[0])
            continue
        inner = graph.producer(tensor)
        if inner is not None and inner.kind == "mul" and _only_reader(graph, tensor) is operator:
            more, number = _product(graph, inner)
            factors, scale = factors + more, scale * number
        else:
            factors.append(tensor)
    return factors, scale


def _number(operator: Operator) -> float | None:
    """The constant operand, if it is one number."""
    constants = [t.constant for t in operator.inputs if t is not None and t.constant is not None]
    if len(constants) != 1 or constants[0].size != 1:
        return None
    return float(constants[0].reshape(-1)[0])
