"""MUL."""

from __future__ import annotations

import numpy as np

from edgekit.ir import Array, DType, Operator
from edgekit.ops.binary import Binary, binary_kernel
from edgekit.ops.definition import KernelNeeds, require
from edgekit.ops.fixed_point import Int64, quantize_multiplier, requantize, wrap_int32

#: The greatest left shift of a product that ek_mul_s8 and ek_mul_s16 have room for.
_MOST_SHIFT = {DType.INT8: 14, DType.INT16: 0}


class Mul(Binary):
    """The product of what is above the zero points, requantised."""

    stem = "mul"
    builtin_code = 18
    options_type = 21

    def check(self, operator: Operator) -> None:
        """Refuse left shifts that might overflow."""
        super().check(operator)
        most = _MOST_SHIFT[operator.output.dtype]
        require(_multiplier(operator)[1] <= most, "its output's scale is far too small")

    def quantized(self, operator: Operator, first: Int64, second: Int64) -> Int64:
        """One requantisation."""
        a, b = first - operator.input(0).zero_point, second - operator.input(1).zero_point
        return requantize(wrap_int32(a * b), *_multiplier(operator))

    def plain(self, first: Array, second: Array) -> Array:
        """first * second."""
        return np.asarray(first * second)

    def kernel(self, operator: Operator) -> KernelNeeds:
        """The left shift of int8 includes one that the high multiply wants."""
        multiplier, shift = _multiplier(operator)
        of_bytes = {
            "zero_points": (operator.input(0).zero_point, operator.input(1).zero_point),
            "left_shift": 1 + max(shift, 0),
        }
        return binary_kernel(
            operator,
            stem="mul",
            order=(0, 1),
            parameters=of_bytes if operator.output.dtype is DType.INT8 else {},
            output=(multiplier, shift),
        )


def _multiplier(operator: Operator) -> tuple[int, int]:
    product = operator.input(0).scale * operator.input(1).scale
    return quantize_multiplier(product / operator.output.scale)
