"""Tensors of a .tflite -> Tensor."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from edgekit.errors import CorruptModelError, ModelError
from edgekit.frontends import schema
from edgekit.frontends.flatbuffer import FlatBuffer, Table
from edgekit.ir import Array, DType, Quantization, Shape, Tensor
from edgekit.ir.verify import MAX_RANK


class Tensors:
    """The tensors of one subgraph, each built when it is first asked for."""

    def __init__(self, file: FlatBuffer, tables: list[Table], buffers: list[Table]) -> None:
        self._file, self._tables, self._buffers = file, tables, buffers
        self._built: dict[int, Tensor] = {}

    def refusals(self, indices: Iterable[int]) -> dict[int, str]:
        """Why the IR cannot hold some of these tensors; CorruptModelError for one that is not."""
        refused = {}
        for index in indices:
            if not 0 <= index < len(self._tables):
                raise CorruptModelError(
                    f"tensor {index} is used but there are only {len(self._tables)} tensors",
                    hint="the file is damaged: fetch or convert it again",
                )
            why = _why_unsupported(self._tables[index])
            if why is not None:
                refused[index] = f"tensor %{index} {self._name(index)!r} {why}"
        return refused

    def type_name(self, index: int) -> str:
        """TFLite's name of a tensor's element type, also of one that the IR cannot hold."""
        number = self._tables[index].scalar(schema.Tensor.TYPE, "int8", 0)
        known = 0 <= number < len(schema.TENSOR_TYPES)
        return schema.TENSOR_TYPES[number] if known else f"type {number}"

    def __getitem__(self, index: int) -> Tensor:
        """Tensor `index`, which `refusals` does not name."""
        if index not in self._built:
            self._built[index] = self._build(index)
        return self._built[index]

    def _build(self, index: int) -> Tensor:
        table = self._tables[index]
        name = self._name(index)
        dtype = schema.DTYPES[table.scalar(schema.Tensor.TYPE, "int8", 0)]
        shape = _shape(table, f"tensor %{index} {name!r}")
        return Tensor(
            id=index,
            name=name,
            shape=shape,
            dtype=dtype,
            quantization=_quantization(table, len(shape)),
            constant=self._constant(table, shape, dtype),
        )

    def _name(self, index: int) -> str:
        return self._tables[index].string(schema.Tensor.NAME, "the name")

    def _constant(self, table: Table, shape: Shape, dtype: DType) -> Array | None:
        """The tensor's value, read-only, or None if it is computed."""
        start, size_bytes = self._extent(table)
        if size_bytes == 0:
            return None
        expected_bytes = math.prod(shape) * dtype.size_bytes
        if size_bytes != expected_bytes:
            why = f"has {size_bytes} bytes where shape {list(shape)} needs {expected_bytes}"
            raise self._file.corrupt(start, f"the value of {table.what}", why)
        content = self._file.content
        if dtype is DType.BOOL:
            value: Array = np.frombuffer(content, np.uint8, size_bytes, start) != 0
        else:
            value = np.frombuffer(content, dtype.numpy, math.prod(shape), start)
        if not value.flags.aligned:
            value = value.copy()
        value.setflags(write=False)
        return value.reshape(shape)

    def _extent(self, table: Table) -> tuple[int, int]:
        """(start, bytes) of the tensor's value in the file; no bytes if it is computed."""
        index = table.scalar(schema.Tensor.BUFFER, "uint32", 0)
        if index == 0 and not self._buffers:
            return 0, 0
        if index >= len(self._buffers):
            why = f"names buffer {index} of {len(self._buffers)}"
            raise self._file.corrupt(table.position, table.what, why)
        buffer = self._buffers[index]
        start: int = buffer.scalar(schema.Buffer.OFFSET, "uint64", 0)
        if start <= 1:
            return buffer.extent(schema.Buffer.DATA, f"the content of {buffer.what}", 1) or (0, 0)
        size_bytes: int = buffer.scalar(schema.Buffer.SIZE, "uint64", 0)
        if start + size_bytes > len(self._file.content):
            raise self._file.corrupt(start, f"the content of {buffer.what}", "ends after the file")
        return start, size_bytes


def _why_unsupported(table: Table) -> str | None:
    number = table.scalar(schema.Tensor.TYPE, "int8", 0)
    if not 0 <= number < len(schema.TENSOR_TYPES):
        return f"has the unknown element type {number}"
    if number not in schema.DTYPES:
        return f"is {schema.TENSOR_TYPES[number]}"
    if table.scalar(schema.Tensor.IS_VARIABLE, "bool", False):
        return "keeps its value between invokes (a variable)"
    if table.table(schema.Tensor.SPARSITY, f"the sparsity of {table.what}") is not None:
        return "is stored sparse"
    if table.scalar(schema.Tensor.EXTERNAL_BUFFER, "uint32", 0):
        return "has its value in another file"
    details = _details(table)
    return None if details is None else f"has {details} quantisation"


def _details(table: Table) -> str | None:
    quantization = _quantization_table(table)
    if quantization is None:
        return None
    number = quantization.scalar(schema.QuantizationParameters.DETAILS_TYPE, "uint8", 0)
    return schema.QUANTIZATION_DETAILS.get(number)


def _shape(table: Table, who: str) -> Shape:
    sizes = table.numbers(schema.Tensor.SHAPE, "the shape", "int32")
    if sizes is None:
        return ()
    if len(sizes) > MAX_RANK:
        raise ModelError(f"{who} has {len(sizes)} dimensions; {MAX_RANK} are supported")
    shape = tuple(sizes.tolist())
    if any(size < 1 for size in shape):
        raise ModelError(
            f"{who} has the dynamic shape {list(shape)}",
            hint="convert the model again with a fixed input shape and batch size 1",
        )
    return shape


def _quantization_table(table: Table) -> Table | None:
    return table.table(schema.Tensor.QUANTIZATION, f"the quantisation of {table.what}")


def _quantization(table: Table, rank: int) -> Quantization | None:
    """As TFLite Micro reads it: none without scales or without zero points; one may serve all."""
    slots = schema.QuantizationParameters
    parameters = _quantization_table(table)
    if parameters is None:
        return None
    scales = parameters.numbers(slots.SCALE, "the scales", "float32")
    zero_points = parameters.numbers(slots.ZERO_POINT, "the zero points", "int64")
    if scales is None or not len(scales) or zero_points is None or not len(zero_points):
        return None
    if len(zero_points) != len(scales):
        zero_points = np.broadcast_to(zero_points[0], scales.shape)
    axis = parameters.scalar(slots.QUANTIZED_DIMENSION, "int32", 0)
    return Quantization(
        scales=tuple(scales.tolist()),
        zero_points=tuple(zero_points.tolist()),
        # some converters give a bias the axis that its weights have
        axis=axis if len(scales) > 1 and rank > 1 else 0,
    )
