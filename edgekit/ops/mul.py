"""MUL."""

from __future__ import annotations

import numpy as np

from edgekit.ir import Array, Operator
from edgekit.ops.binary import Binary, binary_kernel
from edgekit.ops.definition import KernelNeeds, require
from edgekit.ops.fixed_point import Int64, quantize_multiplier, requantize, wrap_int32

#: The greatest left shift of a product of two bytes that ek_mul_s8 has room for.
_MOST_SHIFT = 14


class Mul(Binary):
    """The product of what is above the zero points, requantised."""

    stem = "mul"
    builtin_code = 18
    options_type = 21

    def check(self, operator: Operator) -> None:
        """Refuse left shifts that might overflow."""
        super().check(operator)
        require(_multiplier(operator)[1] <= _MOST_SHIFT, "its output's scale is far too small")

    def quantized(self, operator: Operator, first: Int64, second: Int64) -> Int64:
        """One requantisation."""
        a, b = first - operator.input(0).zero_point, second - operator.input(1).zero_point
        return requantize(wrap_int32(a * b), *_multiplier(operator))

    def plain(self, first: Array, second: Array) -> Array:
        """first * second."""
        return np.asarray(first * second)

    def kernel(self, operator: Operator) -> KernelNeeds:
        """The left shift includes one that the high multiply wants."""
        multiplier, shift = _multiplier(operator)
        return binary_kernel(
            operator,
            kernel="mul_s8",
            order=(0, 1),
            parameters={
                "zero_points": (operator.input(0).zero_point, operator.input(1).zero_point),
                "left_shift": 1 + max(shift, 0),
            },
            output=(multiplier, shift),
        )


def _multiplier(operator: Operator) -> tuple[int, int]:
    product = operator.input(0).scale * operator.input(1).scale
    return quantize_multiplier(product / operator.output.scale)
