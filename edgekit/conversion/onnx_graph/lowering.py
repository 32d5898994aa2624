"""The whole of a model: inputs, nodes in turn, outputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edgekit.conversion.onnx_graph.emitter import Emitter
from edgekit.conversion.onnx_graph.fusion import fused
from edgekit.conversion.onnx_graph.layout import Order, channels_last, shape_in
from edgekit.conversion.onnx_graph.source import Node, Source, UnsupportedNodeError
from edgekit.conversion.onnx_graph.table import LOWERINGS, REASONS
from edgekit.errors import ModelError
from edgekit.frontends import tflite_writer
from edgekit.ir import Graph, Operator, Tensor

_IMAGE = {"Conv", "ConvTranspose", "MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool"}
_IMAGE |= {"BatchNormalization", "Resize", "Upsample", "DepthToSpace", "SpaceToDepth", "PRelu"}
#: What says nothing of where the channels are: look at who reads its output.
_ANY = {"Add", "Sub", "Mul", "Div", "Relu", "Clip", "Sigmoid", "Tanh", "Pad", "Identity", "Dropout"}
_ANY |= {"LeakyRelu", "HardSwish", "HardSigmoid", "Concat", "Neg", "Pow", "Slice", "Split"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lowered:
    """A float32 .tflite, and how its tensors lie beside ONNX's."""

    content: bytes
    layers: Mapping[str, str]  # output tensor of an operator -> layer
    input_orders: tuple[Order, ...]  # dimensions of ONNX's inputs as they lie in TFLite's
    output_orders: tuple[Order, ...]


def lower(source: Source, origin: str) -> Lowered:
    """Lower a model.

    Args:
        source: the model.
        origin: what messages call it, e.g. "ONNX model a.onnx".

    Raises:
        ModelError: some nodes have no form in a .tflite for microcontrollers; all are named.
    """
    e = Emitter(source)
    orders = tuple(_input_order(source, name) for name in source.inputs)
    inputs = []
    for name, order in zip(source.inputs, orders, strict=True):
        tensor = e.new_tensor(name, shape_in(source.shapes[name], order))
        e.define(name, tensor, order)
        inputs.append(tensor)
    _lower_nodes(e, origin)
    outputs, output_orders = _outputs(e, tuple(inputs), origin)
    graph = Graph(name="model", operators=tuple(e.operators), inputs=tuple(inputs), outputs=outputs)
    graph = _renumbered(fused(graph, e.layers))
    return Lowered(
        content=tflite_writer.write(graph),
        layers=_layers(graph, e.layers),
        input_orders=orders,
        output_orders=output_orders,
    )


def _lower_nodes(e: Emitter, origin: str) -> None:
    refused: list[str] = []
    for node in e.source.nodes:
        reason = _refusal(e, node)
        if reason is not None:
            refused.append(f"{node} ({reason})")
            _define_anyhow(e, node)
    if refused:
        count = "an operator" if len(refused) == 1 else f"{len(refused)} operators"
        raise ModelError(
            f"{origin} has {count} that no .tflite for microcontrollers can hold: "
            f"{', '.join(refused)}",
            hint="replace them in the model and export it again",
        )


def _refusal(e: Emitter, node: Node) -> str | None:
    """Lower a node, or say why not."""
    if node.type not in LOWERINGS:
        return REASONS.get(node.type, "edgekit knows no TFLite operators for it")
    types = {e.source.types[name] for name in node.outputs if name}
    if types != {"float32"}:
        return f"it computes {', '.join(sorted(types - {'float32'}))}, not float32"
    e.begin(node)
    try:
        LOWERINGS[node.type](e, node)
    except UnsupportedNodeError as error:
        return str(error)
    return None


def _define_anyhow(e: Emitter, node: Node) -> None:
    """Outputs for a refused node, so that those after it can be looked at."""
    for name in node.outputs:
        if name and not e.is_computed(name):
            order = channels_last(len(e.source.shapes[name]))
            e.define(name, e.new_tensor(name, shape_in(e.source.shapes[name], order)), order)


def _input_order(source: Source, name: str) -> Order:
    """Channels last where the input is an image or a signal with channels, else as given."""
    rank = len(source.shapes[name])
    if rank not in (3, 4):
        return tuple(range(rank))
    return channels_last(rank) if _feeds_an_image(source, name, set()) else tuple(range(rank))


def _feeds_an_image(source: Source, name: str, seen: set[str]) -> bool:
    """True if what reads a tensor counts its channels second."""
    seen.add(name)
    for node in source.consumers(name):
        if node.type in _IMAGE:
            return True
        if node.type in _ANY:
            for output in node.outputs:
                if output not in seen and _feeds_an_image(source, output, seen):
                    return True
    return False


def _outputs(
    e: Emitter, inputs: tuple[Tensor, ...], origin: str
) -> tuple[tuple[Tensor, ...], tuple[Order, ...]]:
    """The tensors of the model's outputs; those with a channel dimension stay channels last."""
    tensors, orders = [], []
    for name in e.source.outputs:
        if not e.is_computed(name):
            raise ModelError(f"{origin}: output {name!r} does not depend on any input")
        value = e.named(name)
        order = tuple(d for d in value.order or range(len(value.shape)) if d is not None)
        tensor = e.tensor_in(value, order)
        if tensor in inputs:
            raise ModelError(f"{origin}: output {name!r} is an input: nothing is computed")
        tensors.append(tensor)
        orders.append(order)
    return tuple(tensors), tuple(orders)


def _renumbered(graph: Graph) -> Graph:
    """Operators counted from 0 again."""
    return graph.with_operators(
        Operator(op.kind, i, op.inputs, op.outputs, op.attributes)
        for i, op in enumerate(graph.operators)
    )


def _layers(graph: Graph, made: Mapping[Tensor, str]) -> dict[str, str]:
    return {op.output.name: made[op.output] for op in graph.operators}
