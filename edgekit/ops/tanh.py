"""TANH."""

from __future__ import annotations

import numpy as np

from edgekit.ir import DType, Operator
from edgekit.ops import interpolated
from edgekit.ops.definition import KernelNeeds, NoAttributes
from edgekit.ops.fixed_point import Int64, rounding_shift_right
from edgekit.ops.logistic import INTEGER_BITS, check_argument_scale, fixed_point_argument
from edgekit.ops.lookup import INT8_AND_INT16, Lookup, check_symmetric
from edgekit.ops.transcendental import tanh

#: Scales of int16 that need no multiplier: 2**-12 and 2**-11.
_SHIFTS = (0, 1)


class Tanh(Lookup[NoAttributes]):
    """int8 or int16.

    The output of int8 is taken to have scale 1/128 and zero point 0, as TFLite Micro does.
    """

    stem = "tanh"
    builtin_code = 28
    types = INT8_AND_INT16

    def check(self, operator: Operator) -> None:
        """As LOGISTIC, with any output zero point."""
        super().check(operator)
        check_symmetric(operator)
        if operator.output.dtype is DType.INT16:
            interpolated.check_logistic(operator, _SHIFTS)
            return
        check_argument_scale(operator.input(0))

    def function(self, operator: Operator, values: Int64) -> Int64:
        """int8 in Q4.27, saturated outside of ±15; int16 as 2 logistic(2x) - 1."""
        if operator.output.dtype is DType.INT16:
            x = interpolated.scaled_argument(
                values, *interpolated.argument(operator.input(0), _SHIFTS)
            )
            half = interpolated.interpolate_logistic(x, 8, (1 << 15) - 1)
            return np.where(x < 0, 127 - half, half + 128) >> 8
        argument, side = fixed_point_argument(operator.input(0), values)
        result = rounding_shift_right(tanh(argument, INTEGER_BITS), 24)
        return np.select([side < 0, side > 0], [-128, 127], result)

    def kernel(self, operator: Operator) -> KernelNeeds:
        """A table, or ek_tanh_s16."""
        if operator.output.dtype is DType.INT8:
            return super().kernel(operator)
        return interpolated.logistic_kernel(operator, _SHIFTS)
