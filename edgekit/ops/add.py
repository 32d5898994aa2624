"""ADD."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from edgekit.ir import Array, DType, Operator
from edgekit.ops.binary import Binary, binary_kernel
from edgekit.ops.definition import KernelNeeds, require
from edgekit.ops.fixed_point import Int64, quantize_multiplier, requantize

#: Inputs are multiplied by it before they are scaled.
_UNITS = {DType.INT8: 1 << 20, DType.INT16: 1 << 15}


class Add(Binary):
    """Both inputs are brought to twice the greater of their scales, added, and requantised."""

    stem = "add"
    builtin_code = 0
    options_type = 11
    activates_int32 = False
    sign: ClassVar[int] = 1  # of the second input

    def check(self, operator: Operator) -> None:
        """Refuse output scales of half the sum's unit or less (TFLite Micro: less than it)."""
        super().check(operator)
        require(_multipliers(operator)[2][1] < 0, "its output's scale is far too small")

    def quantized(self, operator: Operator, first: Int64, second: Int64) -> Int64:
        """Three requantisations; the zero points of int16 are 0."""
        scale_first, scale_second, scale_output = _multipliers(operator)
        unit = _UNITS[operator.output.dtype]
        a = requantize((first - operator.input(0).zero_point) * unit, *scale_first)
        b = requantize((second - operator.input(1).zero_point) * unit, *scale_second)
        return requantize(a + self.sign * b, *scale_output)

    def plain(self, first: Array, second: Array) -> Array:
        """first + second."""
        return np.asarray(first + second)

    def kernel(self, operator: Operator) -> KernelNeeds:
        """The input with the greater scale needs no more than a shift."""
        multipliers = _multipliers(operator)
        # its multiplier is then 1/2, exactly
        order = (0, 1) if operator.input(0).scale >= operator.input(1).scale else (1, 0)
        signs = (1, self.sign)
        unit = signs[order[0]] * _UNITS[operator.output.dtype]  # doubled, as the kernel wants it
        zero_points = {
            "offset": -unit * operator.input(order[0]).zero_point,
            "scaled_zero_point": operator.input(order[1]).zero_point,
        }
        return binary_kernel(
            operator,
            stem="add",
            order=order,
            parameters={
                "unit": unit,
                **(zero_points if operator.output.dtype is DType.INT8 else {}),
                **_scaled(*multipliers[order[1]], signs[order[1]]),
            },
            output=multipliers[2],
        )


def _multipliers(operator: Operator) -> tuple[tuple[int, int], ...]:
    """Multiplier and shift of each input and of their sum."""
    first, second = operator.input(0).scale, operator.input(1).scale
    twice = 2 * max(first, second)
    a, b = quantize_multiplier(first / twice), quantize_multiplier(second / twice)
    unit = _UNITS[operator.output.dtype]
    output = quantize_multiplier(twice / (unit * operator.output.scale))
    # what is too small to be a multiplier makes 0 of every sum; the kernel wants to shift right
    return a, b, output if output[0] else (0, -1)


def _scaled(multiplier: int, shift: int, sign: int) -> dict[str, Any]:
    """The kernel's parameters of the input that has to be scaled."""
    factor = 2 * sign  # doubled, as the unit
    if shift == 0:
        # only 1/2 has this shift; the kernel wants to shift right, and here it does so exactly
        factor, shift = 2 * factor, -1
    return {
        "scaled_multiplier": multiplier,
        "scaled_half": (1 << -shift) >> 1,
        "scaled_shift": -shift,
        "factor": factor,
    }
