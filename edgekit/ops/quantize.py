"""QUANTIZE: real numbers, or integers of another quantisation, to integers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgekit.ir import Array, DType, Operator, Tensor
from edgekit.ops.definition import KernelNeeds, NoAttributes, kernel_for, require
from edgekit.ops.fixed_point import Int64, quantize_multiplier, requantize
from edgekit.ops.lookup import Lookup, check_scale
from edgekit.ops.relu import check_shift

#: A difference of int16 shifts out of 32 bits from here on.
_MAX_RATIO_S16 = 2.0**14

#: Quotients beyond this saturate in every type that has fewer bits.
_FAR = 2.0**40


#: The kernels between integers of which one at least has 16 bits.
_KERNELS = {
    (DType.INT8, DType.INT16): "quantize_s8_s16",
    (DType.INT16, DType.INT8): "quantize_s16_s8",
    (DType.INT16, DType.INT16): "quantize_s16_s16",
}


class Quantize(Lookup[NoAttributes]):
    """float32 and int16 by kernels of their own, bytes to bytes by a table.

    Where TFLite Micro's conversion from float to int32 is undefined (quotients of 2**31 and more,
    infinities, NaN) this one is not: it saturates, and NaN becomes the zero point.
    """

    stem = "quantize"
    builtin_code = 114
    types = (
        (DType.INT8, DType.INT8),
        (DType.INT8, DType.UINT8),
        (DType.UINT8, DType.INT8),
        *_KERNELS,
    )

    def check(self, operator: Operator) -> None:
        """One scale at the output, and at an input of integers."""
        source, output = operator.input(0), operator.output
        if source.dtype is not DType.FLOAT32:
            super().check(operator)
            ratio = source.scale / output.scale
            check_shift(ratio)
            small = source.dtype is not DType.INT16 or ratio < _MAX_RATIO_S16
            require(small, "its output's scale is too small")
            return
        check_scale(output)
        known = output.dtype in (DType.INT8, DType.INT16)
        require(known, f"float32 to {output.dtype.value} is not supported")
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
        source, output = operator.input(0), operator.output
        if source.dtype is DType.FLOAT32:
            return KernelNeeds(
                kernel=kernel_for("quantize", output.dtype),
                template="quantize",
                parameters={
                    "elements": output.elements,
                    "scale": float.hex(output.scale),
                    "zero_point": output.zero_point,
                },
            )
        if (source.dtype, output.dtype) not in _KERNELS:
            return super().kernel(operator)
        multiplier, shift = quantize_multiplier(source.scale / output.scale)
        return KernelNeeds(
            kernel=_KERNELS[source.dtype, output.dtype],
            template="quantize_integers",
            parameters={
                "elements": output.elements,
                "in_zero_point": source.zero_point,
                "multiplier": multiplier,
                "shift": shift,
                "out_zero_point": output.zero_point,
            },
        )

    def output_clamp(self, operator: Operator) -> tuple[int, int] | None:
        """The whole range where an int16 stays what it is; None for float32."""
        source, output = operator.input(0), operator.output
        if source.dtype is DType.INT16:
            dtype = output.dtype
            return (dtype.min, dtype.max) if source.means_the_same_as(output) else None
        return None if source.dtype is DType.FLOAT32 else super().output_clamp(operator)


def quantized(reals: Array, tensor: Tensor) -> Array:
    """float32 `reals` as integers of `tensor`, which has one scale; saturated, NaN its zero."""
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        quotient = (reals / np.float32(tensor.scale)).astype(np.float64)
    quotient = np.clip(np.nan_to_num(quotient, nan=0.0), -_FAR, _FAR)
    rounded = np.trunc(quotient + np.copysign(0.5, quotient)).astype(np.int64)
    values = np.clip(rounded + tensor.zero_point, tensor.dtype.min, tensor.dtype.max)
    return values.astype(tensor.dtype.numpy)
