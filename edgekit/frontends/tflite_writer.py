"""Graph -> .tflite, for TFLite Micro: for tests' models, and for graphs that passes rewrote."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import flatbuffers
import numpy as np

from edgekit import ops
from edgekit.errors import ModelError
from edgekit.frontends import schema
from edgekit.ir import Array, Graph, Operator, Quantization, Tensor

_ALIGNMENT = 16  # of constants, as TFLite's own writer
_TYPE_NUMBERS = {dtype: number for number, dtype in schema.DTYPES.items()}
_SPARE_BYTES = 1 << 12


@dataclasses.dataclass(frozen=True, slots=True)
class PackedOptions:
    """Attributes of an operator whose options are written by other means than edgekit.ops."""

    type: int  # union tag of the options table; 0: the operator has none
    pack: Callable[[Any], int] | None  # writes the table with a flatbuffers.Builder


def write(graph: Graph, metadata: Mapping[str, bytes] | None = None) -> bytes:
    """The .tflite of `graph`; the same graph gives the same bytes.

    Tensors are numbered anew in the order of their ids, operators in their order: a graph that was
    just read keeps its numbers if its file had no unused tensors.

    Args:
        graph: what to write.
        metadata: named buffers to add, e.g. TFLite Micro's "OfflineMemoryAllocation".

    Raises:
        ModelError: an operator has no form in a .tflite: its kind is unknown (unless its attributes
            are NoAttributes, which says that it needs none), or a pass gave it attributes that
            TFLite does not have.
    """
    constants = sum(t.size_bytes for t in graph.tensors if t.constant is not None)
    builder = flatbuffers.Builder(constants + _SPARE_BYTES)
    tensors = sorted(graph.tensors, key=lambda tensor: tensor.id)
    contents, buffer_of = _contents(tensors)
    named = {name: len(contents) + i for i, name in enumerate(metadata or {})}
    contents += (metadata or {}).values()
    buffers = _tables(builder, [_buffer(builder, content) for content in contents])
    kinds = {operator.kind: operator for operator in reversed(graph.operators)}
    operator_codes = _tables(builder, [_operator_code(builder, op) for op in kinds.values()])
    subgraphs = _tables(builder, [_subgraph(builder, graph, buffer_of, list(kinds))])
    entries = _tables(builder, [_metadata(builder, *item) for item in named.items()])
    slots = schema.Model
    builder.StartObject(slots.SLOTS)
    builder.PrependUint32Slot(slots.VERSION, schema.VERSION, 0)
    builder.PrependUOffsetTRelativeSlot(slots.OPERATOR_CODES, operator_codes, 0)
    builder.PrependUOffsetTRelativeSlot(slots.SUBGRAPHS, subgraphs, 0)
    builder.PrependUOffsetTRelativeSlot(slots.BUFFERS, buffers, 0)
    if named:
        builder.PrependUOffsetTRelativeSlot(slots.METADATA, entries, 0)
    builder.Finish(builder.EndObject(), file_identifier=schema.IDENTIFIER)
    return bytes(builder.Output())


def _contents(tensors: Sequence[Tensor]) -> tuple[list[bytes], dict[Tensor, int]]:
    """The buffers, and which of them each tensor has: equal constants share one.

    Buffer 0 is empty: that of every computed tensor.
    """
    number_of = {b"": 0}
    buffer_of = {}
    for tensor in tensors:
        content = b"" if tensor.constant is None else _bytes(tensor.constant)
        buffer_of[tensor] = number_of.setdefault(content, len(number_of))
    return list(number_of), buffer_of


def _bytes(value: Array) -> bytes:
    return np.ascontiguousarray(value).tobytes()


def _tables(builder: Any, offsets: Sequence[int]) -> int:
    """A vector of tables (or strings)."""
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return int(builder.EndVector())


def _numbers(builder: Any, values: Sequence[float], dtype: str) -> int:
    return int(builder.CreateNumpyVector(np.array(values, dtype)))


def _buffer(builder: Any, content: bytes) -> int:
    data = None
    if content:
        builder.StartVector(1, len(content), _ALIGNMENT)
        builder.head = builder.Head() - len(content)
        builder.Bytes[builder.Head() : builder.Head() + len(content)] = content
        data = builder.EndVector()
    builder.StartObject(schema.Buffer.SLOTS)
    if data is not None:
        builder.PrependUOffsetTRelativeSlot(schema.Buffer.DATA, data, 0)
    return int(builder.EndObject())


def _metadata(builder: Any, name: str, buffer: int) -> int:
    text = builder.CreateString(name)
    builder.StartObject(schema.Metadata.SLOTS)
    builder.PrependUOffsetTRelativeSlot(schema.Metadata.NAME, text, 0)
    builder.PrependUint32Slot(schema.Metadata.BUFFER, buffer, 0)
    return int(builder.EndObject())


def _operator_code(builder: Any, operator: Operator) -> int:
    slots = schema.OperatorCode
    code, custom = _code(operator)
    text = None if custom is None else builder.CreateString(custom)
    builder.StartObject(slots.SLOTS)
    builder.PrependInt8Slot(slots.DEPRECATED_BUILTIN_CODE, min(code, 127), 0)
    if text is not None:
        builder.PrependUOffsetTRelativeSlot(slots.CUSTOM_CODE, text, 0)
    builder.PrependInt32Slot(slots.VERSION, 1, 1)
    builder.PrependInt32Slot(slots.BUILTIN_CODE, code, 0)
    return int(builder.EndObject())


def _code(operator: Operator) -> tuple[int, str | None]:
    """(BuiltinOperator, name of a custom operator or None)."""
    if ops.is_known(operator):
        return ops.definition_of(operator).builtin_code, None
    kind = operator.kind
    if kind.startswith("custom:"):
        return schema.CUSTOM, kind.removeprefix("custom:")
    if kind.upper() not in schema.BUILTIN_OPERATORS:
        raise _not_written(operator, "TFLite has no operator of that name")
    return schema.BUILTIN_OPERATORS.index(kind.upper()), None


def _subgraph(builder: Any, graph: Graph, buffer_of: Mapping[Tensor, int], codes: list[str]) -> int:
    """`buffer_of`: every tensor in the order of its number, with its buffer's."""
    slots = schema.SubGraph
    numbers: dict[Tensor | None, int] = {tensor: i for i, tensor in enumerate(buffer_of)}
    numbers[None] = -1
    tensor_table = _tables(builder, [_tensor(builder, t, b) for t, b in buffer_of.items()])
    operators = _tables(
        builder, [_operator(builder, op, codes.index(op.kind), numbers) for op in graph.operators]
    )
    inputs = _numbers(builder, [numbers[t] for t in graph.inputs], "int32")
    outputs = _numbers(builder, [numbers[t] for t in graph.outputs], "int32")
    builder.StartObject(slots.SLOTS)
    builder.PrependUOffsetTRelativeSlot(slots.TENSORS, tensor_table, 0)
    builder.PrependUOffsetTRelativeSlot(slots.INPUTS, inputs, 0)
    builder.PrependUOffsetTRelativeSlot(slots.OUTPUTS, outputs, 0)
    builder.PrependUOffsetTRelativeSlot(slots.OPERATORS, operators, 0)
    return int(builder.EndObject())


def _tensor(builder: Any, tensor: Tensor, buffer: int) -> int:
    slots = schema.Tensor
    name = builder.CreateString(tensor.name)
    shape = _numbers(builder, tensor.shape, "int32")
    quantization = None
    if tensor.quantization is not None:
        quantization = _quantization(builder, tensor.quantization)
    builder.StartObject(slots.SLOTS)
    builder.PrependUOffsetTRelativeSlot(slots.SHAPE, shape, 0)
    builder.PrependInt8Slot(slots.TYPE, _TYPE_NUMBERS[tensor.dtype], 0)
    builder.PrependUint32Slot(slots.BUFFER, buffer, 0)
    builder.PrependUOffsetTRelativeSlot(slots.NAME, name, 0)
    if quantization is not None:
        builder.PrependUOffsetTRelativeSlot(slots.QUANTIZATION, quantization, 0)
    return int(builder.EndObject())


def _quantization(builder: Any, quantization: Quantization) -> int:
    slots = schema.QuantizationParameters
    scales = _numbers(builder, quantization.scales, "float32")
    zero_points = _numbers(builder, quantization.zero_points, "int64")
    builder.StartObject(slots.SLOTS)
    builder.PrependUOffsetTRelativeSlot(slots.SCALE, scales, 0)
    builder.PrependUOffsetTRelativeSlot(slots.ZERO_POINT, zero_points, 0)
    builder.PrependInt32Slot(slots.QUANTIZED_DIMENSION, quantization.axis, 0)
    return int(builder.EndObject())


def _operator(
    builder: Any, operator: Operator, code: int, numbers: Mapping[Tensor | None, int]
) -> int:
    slots = schema.Operator
    options, options_type = _options(builder, operator)
    inputs = _numbers(builder, [numbers[t] for t in operator.inputs], "int32")
    outputs = _numbers(builder, [numbers[t] for t in operator.outputs], "int32")
    builder.StartObject(slots.SLOTS)
    builder.PrependUint32Slot(slots.OPCODE_INDEX, code, 0)
    builder.PrependUOffsetTRelativeSlot(slots.INPUTS, inputs, 0)
    builder.PrependUOffsetTRelativeSlot(slots.OUTPUTS, outputs, 0)
    if options_type:
        builder.PrependUint8Slot(slots.BUILTIN_OPTIONS_TYPE, options_type, 0)
        builder.PrependUOffsetTRelativeSlot(slots.BUILTIN_OPTIONS, options, 0)
    return int(builder.EndObject())


def _options(builder: Any, operator: Operator) -> tuple[int, int]:
    """The options table of an operator and its union tag; (0, 0) if it has none."""
    attributes = operator.attributes
    if isinstance(attributes, PackedOptions):
        return (0, 0) if attributes.pack is None else (attributes.pack(builder), attributes.type)
    if not ops.is_known(operator):
        if not isinstance(attributes, ops.NoAttributes):
            raise _not_written(operator, "its options were not kept")
        return 0, 0
    definition = ops.definition_of(operator)
    if not isinstance(attributes, definition.attributes):
        raise _not_written(operator, f"its attributes are a {type(attributes).__name__}")
    stored = _stored(operator)
    if not definition.options_type:
        if any(getattr(attributes, field.name) != field.default for field in stored):
            raise _not_written(operator, "TFLite keeps no options of this operator")
        return 0, 0
    vectors = {
        field.metadata["slot"]: _numbers(builder, value, "int32")
        for field in stored
        if field.metadata["wire"] == "[int32]"
        and (value := getattr(attributes, field.name)) != field.default
    }
    builder.StartObject(1 + max((field.metadata["slot"] for field in stored), default=-1))
    for slot, vector in vectors.items():
        builder.PrependUOffsetTRelativeSlot(slot, vector, 0)
    for field in stored:
        if field.metadata["wire"] != "[int32]":
            value, default = getattr(attributes, field.name), field.default
            _prepend(builder, field.metadata["wire"])(field.metadata["slot"], value, default)
    return int(builder.EndObject()), definition.options_type


def _prepend(builder: Any, wire: str) -> Callable[[int, Any, Any], None]:
    """The builder's method for a scalar field; it leaves defaults out."""
    methods: dict[str, Callable[[int, Any, Any], None]] = {
        "bool": builder.PrependBoolSlot,
        "int8": builder.PrependInt8Slot,
        "int32": builder.PrependInt32Slot,
        "float32": builder.PrependFloat32Slot,
    }
    return methods[wire]


def _stored(operator: Operator) -> list[dataclasses.Field[Any]]:
    """The attributes that TFLite keeps; ModelError if one that it does not keep is set."""
    fields = dataclasses.fields(operator.attributes)
    for field in fields:
        value = getattr(operator.attributes, field.name)
        if "slot" not in field.metadata and value != field.default:
            raise _not_written(operator, f"TFLite has no attribute {field.name} ({value})")
    return [field for field in fields if "slot" in field.metadata]


def _not_written(operator: Operator, why: str) -> ModelError:
    return ModelError(f"operator #{operator.index} {operator.kind} cannot be written: {why}")
