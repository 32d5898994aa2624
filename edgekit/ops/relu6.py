"""RELU6: min(max(x, 0), 6)."""

from __future__ import annotations

import numpy as np

from edgekit.ir import DType, Operator
from edgekit.ops.definition import KernelNeeds, NoAttributes, require
from edgekit.ops.fixed_point import Int64, quantize_real
from edgekit.ops.lookup import INT8_AND_INT16, Lookup, check_symmetric
from edgekit.ops.relu import relu_s16


class Relu6(Lookup[NoAttributes]):
    """Integers are clamped in the input's scale and pass as they are, as TFLite Micro does."""

    stem = "relu6"
    builtin_code = 21
    types = INT8_AND_INT16

    def check(self, operator: Operator) -> None:
        """Refuse a six that does not fit 32 bits."""
        super().check(operator)
        check_symmetric(operator)
        require(6.0 / operator.input(0).scale < 2.0**31, "its input's scale is too small")

    def function(self, operator: Operator, values: Int64) -> Int64:
        """A clamp of the integers."""
        source, six = operator.input(0), _six(operator)
        # in this order: zero lies above a six that was saturated
        return np.where(values > six, six, np.maximum(values, source.zero_point))

    def kernel(self, operator: Operator) -> KernelNeeds:
        """A table, or ek_relu_s16, which multiplies by 1."""
        if operator.output.dtype is DType.INT8:
            return super().kernel(operator)
        return relu_s16(operator, above=1.0, below=0.0, least=0, greatest=_six(operator))


def _six(operator: Operator) -> int:
    """6 in the input's scale, saturated."""
    source = operator.input(0)
    return min(quantize_real(6.0, source), source.dtype.max)
