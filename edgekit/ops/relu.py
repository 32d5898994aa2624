"""RELU: max(x, 0)."""

from __future__ import annotations

import numpy as np

from edgekit.ir import DType, Operator
from edgekit.ops.definition import KernelNeeds, NoAttributes, require
from edgekit.ops.fixed_point import Int64, quantize_multiplier, requantize
from edgekit.ops.lookup import INT8_AND_INT16, Lookup, check_symmetric

#: Ratios of scales from which on a requantisation shifts values out of 32 bits.
_MAX_RATIOS = {DType.INT8: 2.0**22, DType.UINT8: 2.0**22, DType.INT16: 2.0**15}


class Relu(Lookup[NoAttributes]):
    """int8 and int16, with any scales."""

    stem = "relu"
    builtin_code = 19
    types = INT8_AND_INT16

    def check(self, operator: Operator) -> None:
        """Refuse scales so far apart that TFLite Micro's shift has no meaning."""
        super().check(operator)
        check_symmetric(operator)
        check_shift(_ratio(operator), operator.input(0).dtype)

    def function(self, operator: Operator, values: Int64) -> Int64:
        """Requantise, then clamp at the output's zero."""
        source, output = operator.input(0), operator.output
        scaled = requantize(values - source.zero_point, *quantize_multiplier(_ratio(operator)))
        return np.maximum(scaled, 0) + output.zero_point

    def kernel(self, operator: Operator) -> KernelNeeds:
        """A table, or ek_relu_s16 with nothing below zero."""
        if operator.output.dtype is DType.INT8:
            return super().kernel(operator)
        return relu_s16(operator, above=_ratio(operator), below=0.0, least=0)


def relu_s16(
    operator: Operator, *, above: float, below: float, least: int, greatest: int = DType.INT16.max
) -> KernelNeeds:
    """The kernel that LEAKY_RELU, RELU and RELU6 of int16 share.

    Args:
        operator: one of them.
        above: what values from 0 on are multiplied by.
        below: what negative values are multiplied by.
        least: the least output.
        greatest: the greatest output.
    """
    return KernelNeeds(
        kernel="relu_s16",
        template="relu",
        parameters={
            "elements": operator.output.elements,
            "above": quantize_multiplier(above),
            "below": quantize_multiplier(abs(below)),
            "below_sign": -1 if below < 0 else 1,
            "min": least,
            "max": greatest,
        },
    )


def check_shift(ratio: float, dtype: DType = DType.INT8) -> None:
    """Refuse a requantisation that shifts integers of `dtype` out of 32 bits."""
    require(abs(ratio) < _MAX_RATIOS[dtype], "its output's scale is too small")


def _ratio(operator: Operator) -> float:
    return operator.input(0).scale / operator.output.scale
