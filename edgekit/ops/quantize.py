"""QUANTIZE: real numbers, or integers of another quantisation, to integers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgekit.ir import Array, DType, Operator, Tensor
from edgekit.ops.definition import KernelNeeds, NoAttributes, require
from edgekit.ops.fixed_point import Int64, quantize_multiplier, requantize
from edgekit.ops.lookup import Lookup, check_scale
from edgekit.ops.relu import check_shift

#: Quotients beyond this saturate in every type that has fewer bits.
_FAR = 2.0**40


class Quantize(Lookup[NoAttributes]):
    """float32 to int8 by its own kernel, bytes to bytes by a table.

    Where TFLite Micro's conversion from float to int32 is undefined (quotients of 2**31 and more,
    infinities, NaN) this one is not: it saturates, and NaN becomes the zero point.
    """

    stem = "quantize"
    builtin_code = 114
    types = (
        (DType.INT8, DType.INT8),
        (DType.INT8, DType.UINT8),
        (DType.UINT8, DType.INT8),
    )

    def check(self, operator: Operator) -> None:
        """One scale at the output, and at an input of bytes."""
        source, output = operator.input(0), operator.output
        if source.dtype is not DType.FLOAT32:
            super().check(operator)
            check_shift(source.scale / output.scale)
            return
        check_scale(output)
        require(output.dtype is DType.INT8, f"float32 to {output.dtype.value} is not supported")
        require(source.constant is None, "its input is constant")

    def evaluate(self, operator: Operator, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
        """From float32: round(x / scale), ties away from zero, divided in float32."""
        (source,) = inputs
        assert source is not None
        if source.dtype != np.float32:
            return super().evaluate(operator, inputs)
        return (quantized(source, operator.output),)

    def function(self, operator: Operator, values: Int64) -> Int64:
        """Requantise; the ratio of scales is one of doubles."""
        source, output = operator.input(0), operator.output
        multiplier, shift = quantize_multiplier(source.scale / output.scale)
        return requantize(values - source.zero_point, multiplier, shift) + output.zero_point

    def kernel(self, operator: Operator) -> KernelNeeds:
        """A table for bytes."""
        output = operator.output
        if operator.input(0).dtype is not DType.FLOAT32:
            return super().kernel(operator)
        return KernelNeeds(
            kernel="quantize_s8",
            template="quantize",
            parameters={
                "elements": output.elements,
                "scale": float.hex(output.scale),
                "zero_point": output.zero_point,
            },
        )

    def output_clamp(self, operator: Operator) -> tuple[int, int] | None:
        """None for float32."""
        if operator.input(0).dtype is DType.FLOAT32:
            return None
        return super().output_clamp(operator)


def quantized(reals: Array, tensor: Tensor) -> Array:
    """float32 `reals` as integers of `tensor`, which has one scale; saturated, NaN its zero."""
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        quotient = (reals / np.float32(tensor.scale)).astype(np.float64)
    quotient = np.clip(np.nan_to_num(quotient, nan=0.0), -_FAR, _FAR)
    rounded = np.trunc(quotient + np.copysign(0.5, quotient)).astype(np.int64)
    values = np.clip(rounded + tensor.zero_point, tensor.dtype.min, tensor.dtype.max)
    return values.astype(tensor.dtype.numpy)
