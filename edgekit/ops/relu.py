"""RELU: max(x, 0)."""

from __future__ import annotations

import numpy as np

from edgekit.ir import Operator
from edgekit.ops.definition import NoAttributes, require
from edgekit.ops.fixed_point import Int64, quantize_multiplier, requantize
from edgekit.ops.lookup import Lookup


class Relu(Lookup[NoAttributes]):
    """int8, with any scales."""

    stem = "relu"
    builtin_code = 19

    def check(self, operator: Operator) -> None:
        """Refuse scales so far apart that TFLite Micro's shift has no meaning."""
        super().check(operator)
        check_shift(operator.input(0).scale / operator.output.scale)

    def function(self, operator: Operator, values: Int64) -> Int64:
        """Requantise, then clamp at the output's zero."""
        source, output = operator.input(0), operator.output
        ratio = source.scale / output.scale
        scaled = requantize(values - source.zero_point, *quantize_multiplier(ratio))
        return np.maximum(scaled, 0) + output.zero_point


def check_shift(ratio: float) -> None:
    """Refuse a requantisation that shifts bytes out of 32 bits."""
    require(abs(ratio) < 2.0**22, "its output's scale is too small")
