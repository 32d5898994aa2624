"""TANH."""

from __future__ import annotations

import numpy as np

from edgekit.ir import Operator
from edgekit.ops.definition import NoAttributes
from edgekit.ops.fixed_point import Int64, rounding_shift_right
from edgekit.ops.logistic import INTEGER_BITS, check_argument_scale, fixed_point_argument
from edgekit.ops.lookup import Lookup
from edgekit.ops.transcendental import tanh


class Tanh(Lookup[NoAttributes]):
    """int8; the output is taken to have scale 1/128 and zero point 0, as TFLite Micro does."""

    stem = "tanh"
    builtin_code = 28

    def check(self, operator: Operator) -> None:
        """As LOGISTIC, with any output zero point."""
        super().check(operator)
        check_argument_scale(operator.input(0))

    def function(self, operator: Operator, values: Int64) -> Int64:
        """In Q4.27, saturated outside of ±15."""
        argument, side = fixed_point_argument(operator.input(0), values)
        result = rounding_shift_right(tanh(argument, INTEGER_BITS), 24)
        return np.select([side < 0, side > 0], [-128, 127], result)
