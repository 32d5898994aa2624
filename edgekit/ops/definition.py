"""What a file in this folder says of its operator."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, Literal, TypeVar

from edgekit.ir import Array, DType, Operator, Shape

A = TypeVar("A")

#: How a scalar (or, with brackets, a vector of int32) of an options table lies in a .tflite.
Wire = Literal["bool", "int8", "int32", "float32", "[int32]"]


def slot(number: int, wire: Wire, default: Any) -> Any:
    """A field of an attributes dataclass that is stored in the .tflite.

    Args:
        number: the field's position in its table of TFLite's schema, counted from 0.
        wire: its type there. Enums are "int8".
        default: its default there, as the dataclass's type.
    """
    return field(default=default, metadata={"slot": number, "wire": wire})


@dataclass(frozen=True, slots=True)
class NoAttributes:
    """For operators that have no options table, or none that matters."""


class UnsupportedError(Exception):
    """There is no kernel for this operator as it stands; the text says why, in half a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelNeeds:
    """The portable kernel of one operator, and all that its call needs.

    `templates/ops/<template>.c.j2` renders the body of the C function of this step; it sees
    `step.inputs`, `step.outputs`, `step.constants` by name, `step.scratch_offset` and `p`, the
    parameters. A constant named `input<i>` is the value of input i: the template then reads that
    input as if it lay in the arena.
    """

    kernel: str  # firmware/kernels/<kernel>.c, edgekit/ek_<kernel>.h, function ek_<kernel>
    template: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    constants: Mapping[str, Array] = field(default_factory=dict)  # arrays for flash memory
    scratch_bytes: int = 0  # in the arena, during this step only


class Definition(ABC, Generic[A]):
    """An operator of TFLite: its attributes, shape rule, integer meaning and kernel needs."""

    stem: ClassVar[str]  # of every file about it; also Operator.kind
    builtin_code: ClassVar[int]  # BuiltinOperator in TFLite's schema
    options_type: ClassVar[int] = 0  # BuiltinOptions in TFLite's schema; 0: no table
    attributes: ClassVar[type[Any]] = NoAttributes
    #: Inputs whose bytes the output may take over while the kernel runs (element i of the output
    #: is written after element i of the input was read for the last time, and sizes are equal).
    in_place_inputs: ClassVar[tuple[int, ...]] = ()
    #: True where the output has the input's bytes in the input's order: it costs nothing in place.
    is_view: ClassVar[bool] = False

    @property
    def name(self) -> str:
        """TFLite's name, e.g. "CONV_2D"."""
        return self.stem.upper()

    @abstractmethod
    def check(self, operator: Operator) -> None:
        """Raise UnsupportedError unless `kernel` can serve this operator exactly."""

    @abstractmethod
    def output_shapes(self, operator: Operator) -> tuple[Shape, ...]:
        """The shape rule: what the inputs and attributes make of the outputs' shapes."""

    @abstractmethod
    def evaluate(self, operator: Operator, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
        """The integer meaning: the outputs, bit for bit as TFLite Micro computes them."""

    @abstractmethod
    def kernel(self, operator: Operator) -> KernelNeeds:
        """The portable kernel and its arguments, for an operator that passed `check`."""

    def macs(self, operator: Operator) -> int:
        """Multiply-accumulates of one invoke."""
        del operator
        return 0

    def output_clamp(self, operator: Operator) -> tuple[int, int] | None:
        """(min, max) if the operator does nothing but clamp integers to that range, else None."""
        del operator
        return None

    def clamped(self, operator: Operator, low: int, high: int) -> Operator | None:
        """This operator with its output clamped to [low, high] as well; None if it cannot."""
        attributes = operator.attributes
        if not hasattr(attributes, "clamp"):
            return None
        was_low, was_high = attributes.clamp or (low, high)
        clamp = (min(max(was_low, low), high), min(max(was_high, low), high))
        return dataclasses.replace(
            operator, attributes=dataclasses.replace(attributes, clamp=clamp)
        )


def require(condition: bool, reason: str) -> None:
    """Raise UnsupportedError with `reason` unless `condition` holds."""
    if not condition:
        raise UnsupportedError(reason)


def check_types(operator: Operator, *inputs: int, types: Sequence[DType] = (DType.INT8,)) -> None:
    """Refuse unless the `inputs` (default: the first) and the output are of one of these types.

    All of them are of the same one, and each has one scale. Those of int16 have zero points of 0,
    as kernels for int16 assume.
    """
    output, only = operator.output, " and ".join(dtype.value for dtype in types)
    tensors = [*(operator.input(i) for i in inputs or (0,)), output]
    for tensor in tensors:
        require(tensor.dtype in types, f"{tensor.dtype.value} is not supported, only {only}")
        require(
            tensor.quantization is not None and tensor.quantization.per_tensor,
            f"tensor {tensor.name!r} has no single scale",
        )
    for tensor in tensors:
        require(tensor.dtype is output.dtype, f"{tensor.dtype.value} becomes {output.dtype.value}")
        require(
            tensor.dtype is not DType.INT16 or tensor.zero_point == 0,
            f"tensor {tensor.name!r} is int16 with a zero point",
        )


def kernel_for(stem: str, dtype: DType) -> str:
    """The name of a kernel on elements of `dtype`: <stem>_s8 or <stem>_s16."""
    return f"{stem}_s{8 * dtype.size_bytes}"
