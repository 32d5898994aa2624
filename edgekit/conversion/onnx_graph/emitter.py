"""Collects the TFLite operators that ONNX's nodes become."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgekit import ops
from edgekit.conversion.onnx_graph.layout import (
    Layout,
    Order,
    in_memory,
    order_of,
    shape_in,
    stored,
    transposition,
    without_leading_ones,
)
from edgekit.conversion.onnx_graph.source import Node, Source, UnsupportedNodeError
from edgekit.errors import ToolMissingError
from edgekit.frontends.tflite_writer import PackedOptions
from edgekit.ir import Array, DType, Operator, Shape, Tensor
from edgekit.ops.reshape import ReshapeAttributes


@dataclass(frozen=True, slots=True, eq=False)
class Value:
    """A computed tensor of ONNX: the tensor that holds its elements, and where each lies in it."""

    tensor: Tensor
    shape: Shape  # ONNX's
    layout: Layout

    @property
    def order(self) -> Order | None:
        """Its dimensions as they lie in memory, with those of 1 that TFLite's tensor has in front.

        None if one of them is scattered.
        """
        order = order_of(self.layout, self.tensor.shape)
        if order is None or not without_leading_ones(
            shape_in(self.shape, order), self.tensor.shape
        ):
            return order
        return (None,) * (len(self.tensor.shape) - len(order)) + order


Lowering = Callable[["Emitter", Node], None]


class Emitter:
    """The .tflite so far. A lowering reads its node's inputs here and defines its outputs."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.operators: list[Operator] = []
        self.layers: dict[Tensor, str] = {}  # of operators' outputs
        self._values: dict[str, Value] = {}
        self._views: dict[tuple[Any, ...], Tensor] = {}
        self._ids = itertools.count()
        self._names: set[str] = set()
        self._layer = ""

    def begin(self, node: Node) -> None:
        """What is emitted from now on is for this node."""
        self._layer = node.layer

    # --- what a node reads

    def constant(self, name: str) -> Array | None:
        """The value of a constant input; None if it is computed or left out."""
        return self.source.constants.get(name)

    def numbers(self, node: Node, attribute: str, index: int) -> list[int] | None:
        """Integers that are an attribute or, in newer opsets, a constant input; None if neither."""
        if attribute in node.attributes:
            return [int(i) for i in np.atleast_1d(node.attributes[attribute])]
        if index >= len(node.inputs) or not node.inputs[index]:
            return None
        return [int(i) for i in self.weights(node, index).reshape(-1)]

    def weights(self, node: Node, index: int) -> Array:
        """A constant input that must be there."""
        value = self.constant(node.inputs[index]) if index < len(node.inputs) else None
        if value is None:
            raise UnsupportedNodeError(f"its input {index} is not constant")
        return value

    def value(self, node: Node, index: int = 0) -> Value:
        """An input that is computed; a constant one becomes a tensor."""
        return self.named(node.inputs[index])

    def named(self, name: str) -> Value:
        """A computed tensor or a constant by its name in ONNX."""
        if name not in self._values:
            constant = self.source.constants[name]
            tensor = self.constant_tensor(constant.astype(np.float32), name)
            return Value(tensor, constant.shape, stored(constant.shape, _plain(constant.shape)))
        return self._values[name]

    def is_computed(self, name: str) -> bool:
        """True for inputs of the model and what was made of them."""
        return name in self._values

    # --- what it makes

    def define(self, name: str, tensor: Tensor, order: Order) -> None:
        """Tensor `name` of ONNX lies in `tensor`, its dimensions in this order."""
        shape = self.source.shapes[name]
        if tensor.elements != int(np.prod(shape)):
            raise UnsupportedNodeError(f"its output is {list(shape)}, not {list(tensor.shape)}")
        self._values[name] = Value(tensor, shape, stored(shape, order))

    def define_as(self, name: str, tensor: Tensor, layout: Layout) -> None:
        """Tensor `name` of ONNX lies in `tensor` in this layout."""
        self._values[name] = Value(tensor, self.source.shapes[name], layout)

    def new_tensor(self, name: str, shape: Shape, constant: Array | None = None) -> Tensor:
        """A tensor with a name of its own."""
        unique, number = name, 1
        while unique in self._names:
            number += 1
            unique = f"{name}_{number}"
        self._names.add(unique)
        integral = constant is not None and constant.dtype.kind == "i"
        dtype = DType.INT32 if integral else DType.FLOAT32
        return Tensor(next(self._ids), unique, tuple(map(int, shape)), dtype, constant=constant)

    def constant_tensor(self, values: Array, name: str) -> Tensor:
        """A constant, of float32 or int32."""
        dtype = np.int32 if values.dtype.kind in "iu" else np.float32
        values = np.ascontiguousarray(values.astype(dtype))
        return self.new_tensor(name, values.shape, values)

    def emit(
        self,
        kind: str,
        inputs: Sequence[Tensor | None],
        shape: Shape,
        name: str,
        attributes: Any = None,
    ) -> Tensor:
        """Add an operator with one output.

        Args:
            kind: of edgekit.ops, or TFLite's name in lower case.
            inputs: TFLite's.
            shape: of the output.
            name: of the output.
            attributes: those of edgekit.ops, or `options`; none by default.
        """
        output = self.new_tensor(name, shape)
        self.operators.append(
            Operator(
                kind=kind,
                index=len(self.operators),
                inputs=tuple(inputs),
                outputs=(output,),
                attributes=ops.NoAttributes() if attributes is None else attributes,
            )
        )
        self.layers[output] = self._layer
        return output

    def tensor_in(self, value: Value, order: Order, *, exact: bool = True) -> Tensor:
        """A tensor with a value's dimensions in this order, by RESHAPE and TRANSPOSE at need.

        Args:
            value: a computed value.
            order: of its dimensions; has all that are larger than 1.
            exact: otherwise the tensor may have more dimensions of 1 in front.
        """
        wanted = shape_in(value.shape, order)
        if stored(value.shape, order) == value.layout:
            if not exact and without_leading_ones(wanted, value.tensor.shape):
                return value.tensor
            return self.viewed(value.tensor, wanted)
        sizes, permutation = _on_tensor(value, order) or transposition(value.layout, order)
        base = self.viewed(value.tensor, sizes)
        key = (base, permutation)
        if key not in self._views:
            axes = self.constant_tensor(np.array(permutation), f"{base.name}/permutation")
            shape = tuple(sizes[i] for i in permutation)
            name = f"{value.tensor.name}/transposed"
            self._views[key] = self.emit("transpose", [base, axes], shape, name)
        return self.viewed(self._views[key], wanted)

    def viewed(self, tensor: Tensor, shape: Shape) -> Tensor:
        """The same bytes under another shape."""
        if tensor.shape == shape:
            return tensor
        if tensor.constant is not None:
            return self.constant_tensor(tensor.constant.reshape(shape), tensor.name)
        key = (tensor, shape)
        if key not in self._views:
            sizes = self.constant_tensor(np.array(shape), f"{tensor.name}/shape")
            attributes = ReshapeAttributes(new_shape=shape)
            name = f"{tensor.name}/reshaped"
            self._views[key] = self.emit("reshape", [tensor, sizes], shape, name, attributes)
        return self._views[key]

    def array_like(self, values: Array, value: Value) -> Array:
        """Values of ONNX's shape, broadcast and laid out as `value`'s tensor is."""
        full = np.broadcast_to(values, value.shape)
        return in_memory(full, value.layout).reshape(value.tensor.shape)


def options(table: str, **fields: Any) -> PackedOptions:
    """Options of an operator that edgekit.ops does not have, by the names of TFLite's schema."""
    try:
        from ai_edge_litert import schema_py_generated as schema
    except ImportError as error:
        raise ToolMissingError(
            "LiteRT, which has TFLite's schema, is not installed",
            hint="pip install 'edgekit[convert]'",
        ) from error
    made = getattr(schema, f"{table}T")()
    for name, content in fields.items():
        setattr(made, name, content)
    return PackedOptions(getattr(schema.BuiltinOptions, table), made.Pack)


def _plain(shape: Shape) -> Order:
    return tuple(range(len(shape)))


def _on_tensor(value: Value, order: Order) -> tuple[Shape, tuple[int, ...]] | None:
    """A TRANSPOSE of the tensor's own dimensions, if no RESHAPE need come before it."""
    held = value.tensor.shape
    wanted = [part for d in order if d is not None for part in value.layout[d]]
    left = [i for i, size in enumerate(held) if size > 1]
    dimensions: dict[tuple[int, int], list[int]] = {}  # of the tensor, that a part consists of
    for part in sorted(wanted, key=lambda part: -part[1]):
        taken = dimensions[part] = []
        while left and math.prod(held[i] for i in taken) < part[0]:
            taken.append(left.pop(0))
        if math.prod(held[i] for i in taken) != part[0]:
            return None
    small = [i for i, size in enumerate(held) if size == 1]
    return held, tuple(small + [i for part in wanted for i in dimensions[part]])
