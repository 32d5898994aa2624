"""LOGISTIC: 1 / (1 + exp(-x))."""

from __future__ import annotations

import math

import numpy as np

from edgekit.ir import DType, Operator, Tensor
from edgekit.ops import interpolated
from edgekit.ops.definition import KernelNeeds, NoAttributes, require
from edgekit.ops.fixed_point import Int64, requantize, rounding_shift_right
from edgekit.ops.lookup import INT8_AND_INT16, Lookup, check_symmetric
from edgekit.ops.transcendental import logistic

#: Bits before the binary point of the function's argument, which so saturates at ±15.
INTEGER_BITS = 4


#: The scale of int16 that needs no multiplier is 2**-12 alone.
_SHIFTS = (0,)


class Logistic(Lookup[NoAttributes]):
    """int8 or int16.

    The output's scale of int8 is taken to be 1/256, whatever it says, as TFLite Micro does.
    """

    stem = "logistic"
    builtin_code = 14
    types = INT8_AND_INT16

    def check(self, operator: Operator) -> None:
        """TFLite Micro refuses every other output zero point."""
        super().check(operator)
        check_symmetric(operator)
        if operator.output.dtype is DType.INT16:
            interpolated.check_logistic(operator, _SHIFTS)
            return
        require(operator.output.zero_point == -128, "its output's zero point is not -128")
        check_argument_scale(operator.input(0))

    def function(self, operator: Operator, values: Int64) -> Int64:
        """int8 in Q4.27, saturated outside of ±15; int16 by interpolation, outside of ±10.6."""
        if operator.output.dtype is DType.INT16:
            x = interpolated.scaled_argument(
                values, *interpolated.argument(operator.input(0), _SHIFTS)
            )
            half = interpolated.interpolate_logistic(x, 9, (1 << 15) - 2)
            sign = np.where(x < 0, -1, 1)  # ties go up for it, down for its reflection
            return ((1 << 24) + sign * half + np.where(x < 0, 511, 512)) >> 10
        argument, side = fixed_point_argument(operator.input(0), values)
        result = rounding_shift_right(logistic(argument, INTEGER_BITS), 23) - 128
        return np.select([side < 0, side > 0], [-128, 127], result)

    def kernel(self, operator: Operator) -> KernelNeeds:
        """A table, or ek_logistic_s16."""
        if operator.output.dtype is DType.INT8:
            return super().kernel(operator)
        return interpolated.logistic_kernel(operator, _SHIFTS)


def check_argument_scale(source: Tensor) -> None:
    """Refuse scales whose Q4.27 form TFLite Micro cannot compute without overflow."""
    require(2.0**-28 <= source.scale < 2.0**31, "its input's scale is out of range")


def fixed_point_argument(source: Tensor, values: Int64) -> tuple[Int64, Int64]:
    """(`values` in Q4.27, or 0 where they do not fit; -1, 0, 1: they lie below, within, above)."""
    fraction, shift = math.frexp(source.scale * 2.0 ** (31 - INTEGER_BITS))
    multiplier = math.floor(fraction * 2.0**31 + 0.5)
    radius = math.floor(15.0 * 2.0 ** (27 - shift))
    centred = values - source.zero_point
    side = np.where(centred <= -radius, -1, np.where(centred >= radius, 1, 0))
    within = np.where(side == 0, centred, 0)
    # where the shift is greater nothing lies within
    return requantize(within, multiplier, min(shift, 31)), side
