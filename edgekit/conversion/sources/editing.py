"""A .tflite as an object tree that may be changed, for files with operators edgekit lacks."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from edgekit.errors import CorruptModelError, ToolMissingError
from edgekit.frontends import schema
from edgekit.ir import Array

_SPARE_BYTES = 1 << 16


def parse(content: bytes) -> Any:
    """The ModelT of a .tflite (names are those of TFLite's schema).

    Raises:
        CorruptModelError: the file is damaged.
        ToolMissingError: the extra `convert` is not installed.
    """
    try:
        return _schema().ModelT.InitFromPackedBuf(content, 0)
    except (struct.error, IndexError, ValueError, TypeError, MemoryError) as error:
        raise CorruptModelError(
            "its tables lead outside the file", hint="fetch or convert the file again"
        ) from error


def pack(model: Any) -> bytes:
    """The .tflite of a ModelT."""
    import flatbuffers

    _drop_unused(model)
    constants = sum(len(b.data) for b in model.buffers if b.data is not None)
    builder = flatbuffers.Builder(constants + _SPARE_BYTES)
    builder.Finish(model.Pack(builder), file_identifier=schema.IDENTIFIER)
    return bytes(builder.Output())


def _drop_unused(model: Any) -> None:
    """Empty the buffers that nothing reads any more."""
    used = {tensor.buffer for graph in model.subgraphs for tensor in graph.tensors}
    used.update(entry.buffer for entry in model.metadata or [])
    for i, buffer in enumerate(model.buffers):
        if i not in used:
            buffer.data = None


def kind(model: Any, operator: Any) -> str:
    """TFLite's name of an operator, e.g. "CONV_2D"; a custom operator's own name."""
    code = model.operatorCodes[operator.opcodeIndex]
    number = max(code.builtinCode, code.deprecatedBuiltinCode)
    if number == schema.CUSTOM:
        return text(code.customCode) or "CUSTOM"
    known = 0 <= number < len(schema.BUILTIN_OPERATORS)
    return schema.BUILTIN_OPERATORS[number] if known else f"BUILTIN_{number}"


def is_custom(model: Any, operator: Any) -> bool:
    """True if TFLite itself does not have the operator."""
    code = model.operatorCodes[operator.opcodeIndex]
    return bool(max(code.builtinCode, code.deprecatedBuiltinCode) == schema.CUSTOM)


def indices(numbers: Any) -> list[int]:
    """A list of tensors' or other numbers, which the file may leave out."""
    return [] if numbers is None else [int(number) for number in numbers]


def text(value: Any) -> str:
    """A string, which the file may leave out."""
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value or "")


def type_name(tensor: Any) -> str:
    """A tensor's element type, e.g. "float32"."""
    known = 0 <= tensor.type < len(schema.TENSOR_TYPES)
    return schema.TENSOR_TYPES[tensor.type] if known else f"type {tensor.type}"


def constant_bytes(model: Any, tensor: Any) -> bytes | None:
    """A constant's bytes, None for a computed tensor."""
    data = model.buffers[tensor.buffer].data
    return None if data is None or not len(data) else bytes(bytearray(data))


def set_constant(model: Any, tensor: Any, value: Array) -> None:
    """Make a tensor a constant, with the value's shape; its type stays."""
    made = type(model.buffers[0])()
    made.data = np.frombuffer(np.ascontiguousarray(value).tobytes(), np.uint8)
    model.buffers.append(made)
    tensor.buffer = len(model.buffers) - 1
    tensor.shape = np.array(np.shape(value), np.int32)


def _schema() -> Any:
    try:
        from ai_edge_litert import schema_py_generated
    except ImportError as error:
        raise ToolMissingError(
            "LiteRT, which runs float models, is not installed",
            hint="pip install 'edgekit[convert]'",
        ) from error
    return schema_py_generated
