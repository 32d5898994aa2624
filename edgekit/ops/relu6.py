"""RELU6: min(max(x, 0), 6)."""

from __future__ import annotations

import numpy as np

from edgekit.ir import Operator
from edgekit.ops.definition import NoAttributes, require
from edgekit.ops.fixed_point import Int64, quantize_real
from edgekit.ops.lookup import Lookup


class Relu6(Lookup[NoAttributes]):
    """int8; bytes are clamped in the input's scale and pass as they are, as TFLite Micro does."""

    stem = "relu6"
    builtin_code = 21

    def check(self, operator: Operator) -> None:
        """Refuse a six that does not fit 32 bits."""
        super().check(operator)
        require(6.0 / operator.input(0).scale < 2.0**31, "its input's scale is too small")

    def function(self, operator: Operator, values: Int64) -> Int64:
        """A clamp of the integers."""
        source = operator.input(0)
        six = min(quantize_real(6.0, source), source.dtype.max)
        # in this order: zero lies above a six that was saturated
        return np.where(values > six, six, np.maximum(values, source.zero_point))
