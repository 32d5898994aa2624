"""A float .tflite -> FloatModel, and what holds for the .tflite of every source."""

from __future__ import annotations

import dataclasses
import struct
from pathlib import Path
from typing import Any

import numpy as np

from edgekit.conversion.sources import batch, editing, tensor_names, weights
from edgekit.conversion.sources.float_model import FloatModel
from edgekit.errors import CorruptModelError, ModelError
from edgekit.frontends import schema, tflite

_NO_FLOAT32 = ("int8", "uint8", "int16", "int4", "int2", "uint4")


def load(source: Path | bytes) -> FloatModel:
    """The model in a float .tflite, not yet checked."""
    if isinstance(source, bytes):
        return FloatModel(content=source, name="model", origin="the .tflite", layers={}, log=None)
    try:
        content = source.read_bytes()
    except OSError as error:
        raise ModelError(f"{source} cannot be read: {error.strerror}") from error
    return FloatModel(
        content=content, name=source.stem, origin=f".tflite {source.name}", layers={}, log=None
    )


def checked(model: FloatModel) -> FloatModel:
    """`model` with a batch of 1, no dimension left open, and all layers that its names tell.

    Raises:
        ModelError: it is no float32 model that a microcontroller could run, and why.
        CorruptModelError: it is damaged.
    """
    try:
        unreadable = _refusal(model)
        try:
            content, layers = _settled(model)
        except (TypeError, AttributeError, LookupError, ValueError, struct.error) as error:
            raise unreadable or _damaged() from error
        if unreadable is not None and content is model.content:
            raise unreadable
        tflite.read(content, model.name)
    except ModelError as error:
        if not str(error).startswith((f"{model.origin}: ", f"{model.name}: ")):
            error.args = (f"{model.origin}: {error}",)
        raise
    return dataclasses.replace(model, content=content, layers=layers)


def _settled(model: FloatModel) -> tuple[bytes, dict[str, str]]:
    """(the .tflite in float32 with a batch of 1, the layer of each output tensor)."""
    tree = editing.parse(model.content)
    restored = len(tree.subgraphs) == 1 and weights.in_float32(tree)
    layers = {**tensor_names.layers(tree), **model.layers}
    for check in (_check_graphs, _check_operators, _check_types, _check_numbers):
        check(tree, layers)
    content = editing.pack(tree) if restored else model.content
    return batch.with_batch_1(tree, content, layers), layers


def _damaged() -> CorruptModelError:
    return CorruptModelError(
        "its tables do not fit together", hint="fetch or convert the file again"
    )


def _refusal(model: FloatModel) -> ModelError | None:
    """Why edgekit's own reader refuses the model: the checks here may say it better.

    Raises:
        CorruptModelError: no check can be made.
    """
    try:
        tflite.read(model.content, model.name)
    except CorruptModelError:
        raise
    except ModelError as error:
        return error
    return None


def _check_graphs(tree: Any, layers: dict[str, str]) -> None:
    """One straight line of operators from at least one input to at least one output."""
    graph = tree.subgraphs[0]
    loops = [op for op in graph.operators or [] if editing.kind(tree, op) in schema.CONTROL_FLOW]
    if loops:
        listed = ", ".join(dict.fromkeys(_made_by(tree, graph, op, layers) for op in loops))
        raise ModelError(
            f"it has control flow: {listed}",
            hint="a recurrent layer of Keras becomes a straight line with unroll=True; "
            "convolutions over time need none",
        )
    if len(tree.subgraphs) > 1:
        names = [editing.text(s.name) for s in tree.subgraphs]
        raise ModelError(
            f"it has {len(names)} functions ({', '.join(names)})",
            hint="convert the trained model with one signature",
        )
    if not len(editing.indices(graph.inputs)) or not len(editing.indices(graph.outputs)):
        raise ModelError("it has no inputs or no outputs: there is nothing to run")


def _check_operators(tree: Any, layers: dict[str, str]) -> None:
    """Refuse operators that TFLite itself lacks, all at once."""
    graph = tree.subgraphs[0]
    odd = [op for op in graph.operators or [] if editing.is_custom(tree, op)]
    if odd:
        listed = ", ".join(dict.fromkeys(_made_by(tree, graph, op, layers) for op in odd))
        what = "an operator" if len(odd) == 1 else f"{len(odd)} operators"
        raise ModelError(
            f"it uses {what} that TFLite does not have: {listed}",
            hint="replace these layers with ones made of the operators that the README lists",
        )


def _check_types(tree: Any, layers: dict[str, str]) -> None:
    """Refuse what is no float32 model: quantised ones, float16 weights, integers as inputs."""
    graph = tree.subgraphs[0]
    inputs, tensors = editing.indices(graph.inputs), graph.tensors
    for i in inputs:
        kind, name = editing.type_name(tensors[i]), editing.text(tensors[i].name)
        if kind in _NO_FLOAT32 and _is_scaled(tensors[i]):
            raise ModelError(
                f"it is quantised already: input {name!r} is {kind}",
                hint="edgekit run takes it as it is; to quantise anew, give the float model",
            )
        if kind != "float32":
            raise ModelError(
                f"input {name!r} is of type {kind}",
                hint="edgekit converts models of float32 inputs",
            )
    for operator in graph.operators or []:
        for i in (*editing.indices(operator.inputs), *editing.indices(operator.outputs)):
            kind = editing.type_name(tensors[i]) if i >= 0 else "float32"
            if (kind in _NO_FLOAT32 and _is_scaled(tensors[i])) or kind == "float16":
                raise ModelError(
                    f"{_made_by(tree, graph, operator, layers)} computes with {kind}",
                    hint="convert the trained model to a float .tflite, without optimizations",
                )


def _is_scaled(tensor: Any) -> bool:
    return tensor.quantization is not None and tensor.quantization.scale is not None


def _check_numbers(tree: Any, layers: dict[str, str]) -> None:
    """Refuse weights that are NaN or infinite, naming all layers that have some."""
    graph = tree.subgraphs[0]
    bad: dict[str, None] = {}
    for operator in graph.operators or []:
        kind = editing.kind(tree, operator)
        for i in editing.indices(operator.inputs):
            tensor = graph.tensors[i] if i >= 0 else None
            if tensor is None or editing.type_name(tensor) != "float32" or kind == "PADV2":
                continue  # which pads with the lowest number there is
            stored = editing.constant_bytes(tree, tensor)
            if stored is not None and not np.isfinite(np.frombuffer(stored, "<f4")).all():
                bad[_made_by(tree, graph, operator, layers)] = None
    if bad:
        raise ModelError(
            f"weights are NaN or infinite in {', '.join(bad)}",
            hint="the training diverged: train again, with a smaller learning rate",
        )


def _made_by(tree: Any, graph: Any, operator: Any, layers: dict[str, str]) -> str:
    """An operator for messages, e.g. "WHILE of layer 'lstm'"."""
    outputs = [editing.text(graph.tensors[i].name) for i in editing.indices(operator.outputs)]
    layer = next((layers[name] for name in outputs if name in layers), None)
    number = next(i for i, other in enumerate(graph.operators) if other is operator)
    kind = editing.kind(tree, operator).removeprefix("Flex")
    return f"{kind} of layer {layer!r}" if layer else f"#{number} {kind}"
