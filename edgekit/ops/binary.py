"""What ADD, SUB and MUL share: two inputs, broadcasting, a fused activation."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from edgekit.ir import Array, DType, Operator, Shape
from edgekit.ops.broadcast import broadcast_shape, loop_array, loops
from edgekit.ops.definition import (
    Definition,
    KernelNeeds,
    check_types,
    kernel_for,
    require,
    slot,
)
from edgekit.ops.fixed_point import Activation, Int64, to_output
from edgekit.ops.weighted import check_activation, output_range

_QUANTIZED = (DType.INT8, DType.INT16)
_PLAIN = (DType.INT32, DType.INT64, DType.FLOAT32)
_REAL_BOUNDS: dict[Activation, tuple[float, float]] = {
    Activation.RELU: (0.0, math.inf),
    Activation.RELU6: (0.0, 6.0),
    Activation.RELU_N1_TO_1: (-1.0, 1.0),
}


@dataclass(frozen=True, slots=True)
class BinaryAttributes:
    """AddOptions, SubOptions, MulOptions."""

    activation: Activation = slot(0, "int8", Activation.NONE)
    clamp: tuple[int, int] | None = None  # added by a pass
    #: MUL has none. TFLite Micro scales int16 in one way, whatever it says.
    pot_scale_int16: bool = slot(1, "bool", True)


class Binary(Definition[BinaryAttributes]):
    """int8 and int16 by a kernel; int32 and float32 only on the host, for constants."""

    attributes = BinaryAttributes
    in_place_inputs = (0, 1)
    #: TFLite Micro forgets the fused activation of ADD in int32.
    activates_int32: ClassVar[bool] = True

    @abstractmethod
    def quantized(self, operator: Operator, first: Int64, second: Int64) -> Int64:
        """The output's integers, before its zero point is added."""

    @abstractmethod
    def plain(self, first: Array, second: Array) -> Array:
        """The numbers themselves, where integers are not quantised."""

    def check(self, operator: Operator) -> None:
        """int8 or int16, shapes that fit, at most one constant."""
        check_pair(operator)
        check_activation(operator.attributes.activation)

    def output_shapes(self, operator: Operator) -> tuple[Shape, ...]:
        """The common shape."""
        return (common_shape(operator),)

    def evaluate(self, operator: Operator, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
        """Quantised integers, int32 that wraps, or float32."""
        first, second = inputs
        assert first is not None and second is not None
        output = operator.output
        if output.dtype in _PLAIN:
            return (self._evaluate_plain(operator, first, second),)
        known = output.dtype in _QUANTIZED and output.quantization is not None
        require(known, f"{output.dtype.value} is not supported")
        values = self.quantized(operator, first.astype(np.int64), second.astype(np.int64))
        low, high = output_range(operator)
        return (to_output(values, output.zero_point, low, high, output.dtype),)

    def _evaluate_plain(self, operator: Operator, first: Array, second: Array) -> Array:
        is_float = operator.output.dtype is DType.FLOAT32
        with np.errstate(all="ignore"):
            values = np.asarray(self.plain(first, second))
        if not is_float and not self.activates_int32:
            return values
        bounds = np.finfo(values.dtype) if is_float else np.iinfo(values.dtype)
        low, high = _REAL_BOUNDS.get(operator.attributes.activation, (-math.inf, math.inf))
        # 0-dimensional arrays stay arrays
        clamped = np.clip(values, max(low, bounds.min), min(high, bounds.max))
        return np.asarray(clamped, values.dtype)


def binary_kernel(
    operator: Operator,
    stem: str,
    order: tuple[int, int],
    parameters: dict[str, Any],
    output: tuple[int, int],
) -> KernelNeeds:
    """A kernel that walks two inputs.

    Args:
        operator: ADD, SUB or MUL.
        stem: of the kernel for these types and of its template.
        order: the inputs that the kernel takes as its first and second.
        parameters: those of this kernel alone.
        output: multiplier and shift of the output.
    """
    multiplier, shift = output
    low, high = output_range(operator)
    walk, constants = walk_needs(operator, order)
    return KernelNeeds(
        kernel=kernel_for(stem, operator.output.dtype),
        template=stem,
        parameters={
            **parameters,
            **walk,
            "order": order,
            "multiplier": multiplier,
            "half": (1 << -shift) >> 1 if shift < 0 else 0,
            "shift": max(-shift, 0),
            "zero_point": operator.output.zero_point,
            "min": low,
            "max": high,
        },
        constants=constants,
    )


def walk_needs(
    operator: Operator, order: tuple[int, int] = (0, 1)
) -> tuple[dict[str, Any], dict[str, Array]]:
    """Parameters and constants of an ek_walk over two inputs, and those inputs that are known."""
    row, *outer = loops(*(operator.input(i).shape for i in order))
    constants: dict[str, Array] = {
        f"input{i}": tensor.constant
        for i, tensor in enumerate((operator.input(0), operator.input(1)))
        if tensor.constant is not None
    }
    if outer:
        constants["outer"] = loop_array(tuple(outer))
    parameters = {
        "row": row,
        "rows": math.prod(loop.size for loop in outer),
        "outer": len(outer),
    }
    return parameters, constants


def check_pair(operator: Operator) -> None:
    """Refuse unless both inputs are int8 or int16, their shapes fit, and one is not constant."""
    check_types(operator, 0, 1, types=_QUANTIZED)
    first, second = operator.input(0), operator.input(1)
    require(
        broadcast_shape(first.shape, second.shape) is not None,
        f"shapes {list(first.shape)} and {list(second.shape)} do not fit",
    )
    require(bool(operator.activations), "both inputs are constant")


def common_shape(operator: Operator) -> Shape:
    """What both inputs' shapes stretch to; the first input's, if there is no such shape."""
    first, second = operator.input(0).shape, operator.input(1).shape
    common = broadcast_shape(first, second)
    return first if common is None else common
