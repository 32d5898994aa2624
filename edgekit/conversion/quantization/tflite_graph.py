"""A float .tflite -> Graph that keeps every operator's options, and Graph -> .tflite.

edgekit.frontends.tflite knows the operators that edgekit compiles. A quantiser must carry all that
TFLite Micro runs: here an operator's attributes are the options as LiteRT's schema has them.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgekit.errors import CorruptModelError, ModelError, ToolMissingError
from edgekit.frontends import schema, tflite_writer
from edgekit.frontends.tflite_writer import PackedOptions
from edgekit.ir import Array, DType, Graph, Operator, Quantization, Tensor

_FLOAT16 = schema.TENSOR_TYPES.index("float16")
_DAMAGED = "the file is damaged: fetch or convert it again"


@dataclass(frozen=True, slots=True)
class Options:
    """An operator's options: LiteRT's object of the union's member `type`; none of type 0."""

    type: int = 0
    table: Any = None

    def get(self, field: str, default: Any = None) -> Any:
        """A field by its name in LiteRT's object, e.g. "fusedActivationFunction"."""
        return getattr(self.table, field, default)

    def with_field(self, field: str, value: Any) -> Options:
        """The same options with another value of one field."""
        table = copy.copy(self.table)
        setattr(table, field, value)
        return Options(self.type, table)


@dataclass(frozen=True, slots=True)
class File:
    """A written graph, and where its tensors are in it."""

    content: bytes
    indices: Mapping[Tensor, int]


def read(content: bytes, name: str) -> Graph:
    """The graph of a .tflite; float16 constants become float32.

    Raises:
        CorruptModelError: it is not a whole, well-formed .tflite.
        ModelError: control flow, state, dynamic shapes, or element types that a graph cannot hold.
        ToolMissingError: the extra `convert` is not installed.
    """
    model = _unpacked(content, name)
    if len(model.subgraphs) != 1:
        raise ModelError(
            f"{name} has {len(model.subgraphs)} subgraphs (control flow)",
            hint="export the model without loops and branches: unroll its recurrent layers",
        )
    try:
        return _graph(model, content, name)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise CorruptModelError(
            f"{name} is not well-formed: it names what it does not have", hint=_DAMAGED
        ) from error


def write(graph: Graph) -> File:
    """The .tflite of a graph whose operators' attributes are Options; equal graphs, equal bytes.

    Tensors that hold equal constants of equal meaning are written once.
    """
    merged = _merged_constants(graph)
    packed = merged.with_operators(_packed(operator) for operator in merged.operators)
    order = sorted(merged.tensors, key=lambda tensor: tensor.id)  # as the writer numbers them
    return File(tflite_writer.write(packed), {tensor: i for i, tensor in enumerate(order)})


def _unpacked(content: bytes, name: str) -> Any:
    try:
        from ai_edge_litert import schema_py_generated as litert
    except ImportError as error:
        raise ToolMissingError(
            "LiteRT, which reads float models, is not installed",
            hint="pip install 'edgekit[convert]'",
        ) from error
    if content[4:8] != schema.IDENTIFIER:
        raise CorruptModelError(f"{name} is not a .tflite", hint="give the float .tflite itself")
    try:
        model = litert.ModelT.InitFromPackedBuf(content, 0)
    except Exception as error:  # flatbuffers raises whatever its arithmetic runs into
        raise CorruptModelError(
            f"{name} is not a whole .tflite ({type(error).__name__})", hint=_DAMAGED
        ) from error
    if not model.subgraphs or not model.subgraphs[0].tensors or not model.buffers:
        raise CorruptModelError(f"{name} holds no graph", hint=_DAMAGED)
    return model


def _graph(model: Any, content: bytes, name: str) -> Graph:
    subgraph = model.subgraphs[0]
    tensors = [_tensor(i, t, model, content, name) for i, t in enumerate(subgraph.tensors)]
    return Graph(
        name=name,
        operators=tuple(
            _operator(i, operator, model.operatorCodes, tensors)
            for i, operator in enumerate(subgraph.operators or [])
        ),
        inputs=tuple(tensors[i] for i in _indices(subgraph.inputs)),
        outputs=tuple(tensors[i] for i in _indices(subgraph.outputs)),
    )


def _indices(vector: Any) -> list[int]:
    return [] if vector is None else [int(i) for i in vector]


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value or "")


def _tensor(index: int, stored: Any, model: Any, content: bytes, name: str) -> Tensor:
    label = f"{name}: tensor {_text(stored.name) or index!r}"
    type_name = schema.TENSOR_TYPES[stored.type]
    shape = tuple(_indices(stored.shape))
    if any(size < 1 for size in shape):
        raise ModelError(
            f"{label} has the dynamic shape {list(shape)}",
            hint="export the model with a fixed input shape and batch size 1",
        )
    if stored.isVariable:
        raise ModelError(
            f"{label} keeps its value between invokes",
            hint="export the model without stateful layers",
        )
    half = stored.type == _FLOAT16
    dtype = DType.FLOAT32 if half else schema.DTYPES.get(stored.type)
    if dtype is None:
        raise ModelError(f"{label} is {type_name}, which cannot be quantised")
    return Tensor(
        id=index,
        name=_text(stored.name) or f"tensor_{index}",
        shape=shape,
        dtype=dtype,
        quantization=_quantization(stored.quantization, len(shape)),
        constant=_constant(stored, model, content, dtype, half=half, label=label),
    )


def _quantization(stored: Any, rank: int) -> Quantization | None:
    if stored is None or stored.scale is None or not len(stored.scale):
        return None
    scales = tuple(float(scale) for scale in stored.scale)
    zero_points = _indices(stored.zeroPoint) or [0]
    if len(zero_points) != len(scales):
        zero_points = zero_points[:1] * len(scales)
    axis = int(stored.quantizedDimension) if len(scales) > 1 and rank > 1 else 0
    return Quantization(scales, tuple(zero_points), axis)


def _constant(
    stored: Any, model: Any, content: bytes, dtype: DType, *, half: bool, label: str
) -> Array | None:
    if not 0 <= stored.buffer < len(model.buffers):
        raise CorruptModelError(f"{label} names a buffer that is not there", hint=_DAMAGED)
    buffer = model.buffers[stored.buffer]
    raw = b"" if buffer.data is None else bytes(buffer.data)
    if buffer.offset > 1:
        raw = content[buffer.offset : buffer.offset + buffer.size]
    if not raw:
        return None
    shape = tuple(_indices(stored.shape))
    stored_dtype = np.dtype(np.float16) if half else dtype.numpy
    if len(raw) != math.prod(shape) * stored_dtype.itemsize:
        raise CorruptModelError(
            f"{label} has {len(raw)} bytes, not those of its shape {list(shape)}", hint=_DAMAGED
        )
    value: Array = np.frombuffer(raw, stored_dtype).astype(dtype.numpy).reshape(shape)
    value.setflags(write=False)
    return value


def _operator(index: int, stored: Any, codes: Any, tensors: list[Tensor]) -> Operator:
    code = codes[stored.opcodeIndex]
    number = max(code.builtinCode, code.deprecatedBuiltinCode)
    kind = schema.BUILTIN_OPERATORS[number].lower()
    if number == schema.CUSTOM:
        kind = f"custom:{_text(code.customCode)}"
    return Operator(
        kind=kind,
        index=index,
        inputs=tuple(None if i < 0 else tensors[i] for i in _indices(stored.inputs)),
        outputs=tuple(tensors[i] for i in _indices(stored.outputs)),
        attributes=Options(stored.builtinOptionsType, stored.builtinOptions),
    )


def _packed(operator: Operator) -> Operator:
    options: Options = operator.attributes
    attributes = PackedOptions(options.type, None if options.table is None else options.table.Pack)
    return Operator(
        kind=operator.kind,
        index=operator.index,
        inputs=operator.inputs,
        outputs=operator.outputs,
        attributes=attributes,
    )


def _merged_constants(graph: Graph) -> Graph:
    """The graph with one tensor for all constants of equal value, type and quantisation."""
    first: dict[tuple[Any, ...], Tensor] = {}
    replaced: dict[Tensor, Tensor] = {}
    for tensor in graph.tensors:
        if tensor.constant is None:
            continue
        key = (tensor.dtype, tensor.shape, tensor.quantization, tensor.constant.tobytes())
        same = first.setdefault(key, tensor)
        if same is not tensor:
            replaced[tensor] = same
    return graph.with_tensors_replaced(replaced) if replaced else graph
