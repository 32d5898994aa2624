"""Sets the batch of a .tflite to 1, where that is what its first dimensions are."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from edgekit.conversion import litert
from edgekit.conversion.sources import editing
from edgekit.errors import ConversionError, ModelError
from edgekit.frontends import schema

_INT32 = schema.TENSOR_TYPES.index("int32")
_FIX = "convert the trained model again with a batch of 1"


def with_batch_1(tree: Any, content: bytes, layers: dict[str, str]) -> bytes:
    """`content` itself if there is nothing to do, else the .tflite with its shapes settled.

    A dimension that the file leaves open is -1 in `shape_signature` and 1 in `shape`. LiteRT finds
    the shapes that follow from the inputs'; what it computes from shapes alone becomes constant.

    Args:
        tree: the ModelT of `content`; it is changed.
        content: a .tflite with one subgraph.
        layers: output tensor -> layer, for messages.

    Raises:
        ModelError: an input is open elsewhere, or its first dimension is no batch.
    """
    graph = tree.subgraphs[0]
    inputs = [graph.tensors[i] for i in editing.indices(graph.inputs)]
    for tensor in inputs:
        _refuse_open(tensor)
    open_ = any(-1 in editing.indices(t.shapeSignature) for t in graph.tensors)
    single = all(editing.indices(t.shape)[:1] == [1] for t in inputs)
    if single and not open_:
        return content
    if not single:
        _refuse_no_batch(graph, inputs)
        _free_reshapes(tree, batch=editing.indices(inputs[0].shape)[0])
        for tensor in inputs:
            tensor.shape = np.array([1, *editing.indices(tensor.shape)[1:]], np.int32)
            tensor.shapeSignature = None
        content = editing.pack(tree)
    _settle(tree, content, layers)
    return editing.pack(tree)


def _refuse_open(tensor: Any) -> None:
    """Raise ModelError for an input with an open dimension that is not the batch."""
    shape = editing.indices(tensor.shapeSignature) or editing.indices(tensor.shape)
    name = editing.text(tensor.name)
    if not shape:
        raise ModelError(f"input {name!r} is a single number, without a batch", hint=_FIX)
    free = [i for i, size in enumerate(shape) if size < 1 and i > 0]
    if free:
        which = f"dimension {free[0]}" if len(free) == 1 else f"dimensions {free}"
        raise ModelError(
            f"input {name!r} has the shape {shape}: {which} has no fixed size",
            hint="convert the trained model again with a fixed input shape",
        )


def _refuse_no_batch(graph: Any, inputs: list[Any]) -> None:
    """Raise ModelError unless all inputs and outputs have the same first dimension."""
    outputs = [graph.tensors[i] for i in editing.indices(graph.outputs)]
    first = {tuple(editing.indices(t.shape)[:1]) for t in (*inputs, *outputs)}
    if len(first) > 1:
        odd = next(t for t in inputs if editing.indices(t.shape)[:1] != [1])
        raise ModelError(
            f"input {editing.text(odd.name)!r} has the shape {editing.indices(odd.shape)}, whose "
            "first dimension is not a batch of 1",
            hint=_FIX,
        )


def _free_reshapes(tree: Any, batch: int) -> None:
    """Let reshapes from `batch` samples to as many take one: each sample lies in one piece."""
    graph = tree.subgraphs[0]
    for operator in graph.operators:
        if editing.kind(tree, operator) != "RESHAPE":
            continue
        source, *rest = editing.indices(operator.inputs)
        shape = _constant_shape(tree, graph, operator, rest)
        if shape[:1] == [batch] == editing.indices(graph.tensors[source].shape)[:1]:
            made = copy.copy(graph.tensors[source])
            made.name, made.type = f"{editing.text(made.name)}/shape", _INT32
            made.quantization = made.shapeSignature = None
            graph.tensors.append(made)
            editing.set_constant(tree, made, np.array([1, *shape[1:]], np.int32))
            operator.inputs = np.array([source, len(graph.tensors) - 1], np.int32)
            if operator.builtinOptions is not None:
                operator.builtinOptions.newShape = np.array([1, *shape[1:]], np.int32)


def _constant_shape(tree: Any, graph: Any, operator: Any, inputs: list[int]) -> list[int]:
    """The shape that a RESHAPE asks for, [] if it is computed."""
    if inputs:
        stored = editing.constant_bytes(tree, graph.tensors[inputs[0]])
        return [] if stored is None else np.frombuffer(stored, "<i4").tolist()
    options = operator.builtinOptions
    return [] if options is None else editing.indices(options.newShape)


def _settle(tree: Any, content: bytes, layers: dict[str, str]) -> None:
    """Give each tensor the shape that it has with a batch of 1."""
    graph = tree.subgraphs[0]
    try:
        running = litert.interpreter(content, keep_all=True, optimised=False)
        for detail in running.get_input_details():
            running.set_tensor(detail["index"], np.zeros(detail["shape"], detail["dtype"]))
        running.invoke()
    except (ConversionError, RuntimeError, ValueError) as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise ModelError(f"it does not work with a batch of 1: {lines[0]}", hint=_FIX) from error
    values = _of_shapes(tree, running)
    used = {i for op in graph.operators for i in editing.indices(op.outputs)}
    for detail in running.get_tensor_details():
        index = detail["index"]
        if index < len(graph.tensors):
            tensor = graph.tensors[index]
            tensor.shapeSignature = None
            if index in used or index in editing.indices(graph.inputs):
                tensor.shape = np.array(detail["shape"], np.int32)
    for index, value in values.items():
        editing.set_constant(tree, graph.tensors[index], value)
    graph.operators = [op for op in graph.operators if editing.indices(op.outputs)[0] not in values]
    for i in editing.indices(graph.outputs):
        shape = editing.indices(graph.tensors[i].shape)
        if shape[:1] != [1]:
            name = layers.get(
                editing.text(graph.tensors[i].name), editing.text(graph.tensors[i].name)
            )
            raise ModelError(f"output {name!r} has the shape {shape} with a batch of 1", hint=_FIX)


def _of_shapes(tree: Any, running: Any) -> dict[int, Any]:
    """Tensor -> its value, of those that follow from shapes and constants alone."""
    graph = tree.subgraphs[0]
    values: dict[int, Any] = {}
    for operator in graph.operators:
        inputs = [i for i in editing.indices(operator.inputs) if i >= 0]
        known = all(
            i in values or editing.constant_bytes(tree, graph.tensors[i]) is not None
            for i in inputs
        )
        if known or editing.kind(tree, operator) in ("SHAPE", "RANK"):
            for i in editing.indices(operator.outputs):
                values[i] = running.get_tensor(i)
    return values
