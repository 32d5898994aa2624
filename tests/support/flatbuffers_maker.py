"""Any FlatBuffer from dictionaries, also those that no converter would write.

A table is a dictionary from slots to values; a NumPy scalar is a field of its type, an array a
vector, `bytes` an aligned vector, a list of dictionaries a vector of tables.
"""

from __future__ import annotations

from typing import Any

import flatbuffers
import numpy as np

from edgekit.frontends import schema

_PREPEND = {
    "bool": "PrependBool",
    "int8": "PrependInt8",
    "uint8": "PrependUint8",
    "int32": "PrependInt32",
    "uint32": "PrependUint32",
    "uint64": "PrependUint64",
    "float32": "PrependFloat32",
}


def build(root: dict[int, Any], identifier: bytes = b"TFL3") -> bytes:
    """The file whose root table is `root`."""
    builder = flatbuffers.Builder(1024)
    builder.Finish(_table(builder, root), file_identifier=identifier)
    return bytes(builder.Output())


def _table(builder: Any, table: dict[int, Any]) -> int:
    offsets = {
        slot: _offset(builder, value)
        for slot, value in table.items()
        if not isinstance(value, np.generic)
    }
    builder.StartObject(1 + max(table, default=-1))
    for slot, value in table.items():
        if slot in offsets:
            builder.PrependUOffsetTRelative(offsets[slot])
        else:
            getattr(builder, _PREPEND[value.dtype.name])(value.item())
        builder.Slot(slot)
    return int(builder.EndObject())


def _offset(builder: Any, value: Any) -> int:
    if isinstance(value, dict):
        return _table(builder, value)
    if isinstance(value, str):
        return int(builder.CreateString(value))
    if isinstance(value, bytes):
        builder.StartVector(1, len(value), 16)
        builder.head = builder.Head() - len(value)
        builder.Bytes[builder.Head() : builder.Head() + len(value)] = value
        return int(builder.EndVector())
    if isinstance(value, np.ndarray):
        return int(builder.CreateNumpyVector(value))
    offsets = [_offset(builder, item) for item in value]
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return int(builder.EndVector())


def int32s(*numbers: int) -> Any:
    """A vector of int32."""
    return np.array(numbers, np.int32)


def quantized(*scales: float, zero_points: tuple[int, ...] = (0,), axis: int = 0) -> dict[int, Any]:
    """A table of QuantizationParameters."""
    slots = schema.QuantizationParameters
    return {
        slots.SCALE: np.array(scales, np.float32),
        slots.ZERO_POINT: np.array(zero_points, np.int64),
        slots.QUANTIZED_DIMENSION: np.int32(axis),
    }


def dense_model() -> dict[int, Any]:
    """FULLY_CONNECTED with relu: int8 [1, 3] times [2, 3] gives [1, 2]. Take it and spoil it."""
    tensor, operator, options = schema.Tensor, schema.Operator, {0: np.int8(1)}
    int8 = np.int8(schema.TENSOR_TYPES.index("int8"))

    def one(name: str, *shape: int, buffer: int = 0) -> dict[int, Any]:
        return {
            tensor.NAME: name,
            tensor.TYPE: int8,
            tensor.SHAPE: int32s(*shape),
            tensor.BUFFER: np.uint32(buffer),
            tensor.QUANTIZATION: quantized(0.5),
        }

    subgraph = {
        schema.SubGraph.TENSORS: [one("in", 1, 3), one("w", 2, 3, buffer=1), one("out", 1, 2)],
        schema.SubGraph.INPUTS: int32s(0),
        schema.SubGraph.OUTPUTS: int32s(2),
        schema.SubGraph.OPERATORS: [
            {
                operator.OPCODE_INDEX: np.uint32(0),
                operator.INPUTS: int32s(0, 1, -1),
                operator.OUTPUTS: int32s(2),
                operator.BUILTIN_OPTIONS_TYPE: np.uint8(8),
                operator.BUILTIN_OPTIONS: options,
            }
        ],
    }
    return {
        schema.Model.VERSION: np.uint32(3),
        schema.Model.OPERATOR_CODES: [{schema.OperatorCode.DEPRECATED_BUILTIN_CODE: np.int8(9)}],
        schema.Model.SUBGRAPHS: [subgraph],
        schema.Model.BUFFERS: [{}, {schema.Buffer.DATA: bytes(range(6))}],
    }
