"""A model as edgekit sees it: tensors, operators, one graph. Everything is frozen."""

from __future__ import annotations

import dataclasses
import enum
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

Shape = tuple[int, ...]
Array = npt.NDArray[Any]


class DType(enum.Enum):
    """Element type of a tensor; the value is NumPy's name for it."""

    INT8 = "int8"
    UINT8 = "uint8"
    INT16 = "int16"
    INT32 = "int32"
    INT64 = "int64"
    FLOAT32 = "float32"
    BOOL = "bool"

    @property
    def numpy(self) -> np.dtype[Any]:
        """The NumPy dtype."""
        return np.dtype(self.value)

    @property
    def size_bytes(self) -> int:
        """Bytes of one element."""
        return self.numpy.itemsize

    @property
    def min(self) -> int:
        """Least value (integer types only)."""
        return int(np.iinfo(self.numpy).min)

    @property
    def max(self) -> int:
        """Greatest value (integer types only)."""
        return int(np.iinfo(self.numpy).max)


@dataclass(frozen=True, slots=True)
class Quantization:
    """real = scale * (value - zero_point), for the whole tensor or per index along `axis`."""

    scales: tuple[float, ...]  # float32 values, exactly as stored
    zero_points: tuple[int, ...]
    axis: int = 0  # meaningful when there is more than one scale

    @property
    def per_tensor(self) -> bool:
        """True if one scale serves all elements."""
        return len(self.scales) == 1


@dataclass(frozen=True, eq=False)
class Tensor:
    """A value in the graph. Identity, not content, makes two tensors the same."""

    id: int  # unique in its graph
    name: str
    shape: Shape
    dtype: DType
    quantization: Quantization | None = None
    constant: Array | None = field(default=None, repr=False)  # its value, when known on the host

    @property
    def elements(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def size_bytes(self) -> int:
        """Bytes of the value."""
        return self.elements * self.dtype.size_bytes

    @property
    def scale(self) -> float:
        """The scale of a per-tensor quantised tensor; ValueError for any other."""
        if self.quantization is None or not self.quantization.per_tensor:
            raise ValueError(f"tensor {self.name!r} has no single scale")
        return self.quantization.scales[0]

    @property
    def zero_point(self) -> int:
        """The zero point of a per-tensor quantised tensor; ValueError for any other."""
        if self.quantization is None or not self.quantization.per_tensor:
            raise ValueError(f"tensor {self.name!r} has no single zero point")
        return self.quantization.zero_points[0]

    def means_the_same_as(self, other: Tensor) -> bool:
        """True if equal integers in both stand for equal real numbers."""
        return (self.dtype, self.quantization) == (other.dtype, other.quantization)


@dataclass(frozen=True, eq=False)
class Operator:
    """A node: `kind` is the stem of its file in edgekit/ops, e.g. "conv_2d"."""

    kind: str
    index: int  # of its (first) operator in the .tflite
    inputs: tuple[Tensor | None, ...]  # None: an optional input that was left out
    outputs: tuple[Tensor, ...]
    attributes: Any  # the operator's frozen attributes dataclass

    def input(self, i: int) -> Tensor:
        """Input `i`, which must be there."""
        tensor = self.inputs[i] if i < len(self.inputs) else None
        if tensor is None:
            raise ValueError(f"operator #{self.index} {self.kind} has no input {i}")
        return tensor

    def optional_input(self, i: int) -> Tensor | None:
        """Input `i`, or None where the model leaves it out."""
        return self.inputs[i] if i < len(self.inputs) else None

    @property
    def output(self) -> Tensor:
        """The first output."""
        return self.outputs[0]

    @property
    def activations(self) -> tuple[Tensor, ...]:
        """Inputs that are computed, not constant."""
        return tuple(t for t in self.inputs if t is not None and t.constant is None)


@dataclass(frozen=True, eq=False)
class Graph:
    """Operators in an order in which they can run, with the tensors that go in and come out."""

    name: str  # a C identifier
    operators: tuple[Operator, ...]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    sha256: str = ""  # of the .tflite, hexadecimal

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """Every tensor once: inputs first, then in order of appearance."""
        seen: dict[Tensor, None] = dict.fromkeys(self.inputs)
        for operator in self.operators:
            seen.update(dict.fromkeys(t for t in operator.inputs if t is not None))
            seen.update(dict.fromkeys(operator.outputs))
        seen.update(dict.fromkeys(self.outputs))
        return tuple(seen)

    @property
    def next_id(self) -> int:
        """An id that no tensor has."""
        return 1 + max((t.id for t in self.tensors), default=-1)

    def producer(self, tensor: Tensor) -> Operator | None:
        """The operator that computes `tensor`; None for an input or a constant."""
        return next((op for op in self.operators if tensor in op.outputs), None)

    def consumers(self, tensor: Tensor) -> tuple[Operator, ...]:
        """The operators that read `tensor`, in order."""
        return tuple(op for op in self.operators if tensor in op.inputs)

    def with_operators(self, operators: Iterable[Operator]) -> Graph:
        """The same graph with other operators."""
        return dataclasses.replace(self, operators=tuple(operators))

    def with_tensors_replaced(self, new: Mapping[Tensor, Tensor]) -> Graph:
        """The same graph reading, writing and returning `new[t]` wherever it had `t`."""

        def swap(operator: Operator) -> Operator:
            inputs = tuple(None if t is None else new.get(t, t) for t in operator.inputs)
            outputs = tuple(new.get(t, t) for t in operator.outputs)
            if inputs == operator.inputs and outputs == operator.outputs:
                return operator
            return dataclasses.replace(operator, inputs=inputs, outputs=outputs)

        return dataclasses.replace(
            self,
            operators=tuple(swap(op) for op in self.operators),
            inputs=tuple(new.get(t, t) for t in self.inputs),
            outputs=tuple(new.get(t, t) for t in self.outputs),
        )
