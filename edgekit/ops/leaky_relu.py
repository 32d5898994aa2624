"""LEAKY_RELU: x where x is positive, alpha * x elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgekit.ir import DType, Operator
from edgekit.ops.definition import KernelNeeds, slot
from edgekit.ops.fixed_point import Int64, quantize_multiplier, requantize
from edgekit.ops.lookup import INT8_AND_INT16, Lookup, check_symmetric
from edgekit.ops.relu import check_shift, relu_s16


@dataclass(frozen=True, slots=True)
class LeakyReluAttributes:
    """LeakyReluOptions."""

    alpha: float = slot(0, "float32", 0.0)  # may be negative, or above 1


class LeakyRelu(Lookup[LeakyReluAttributes]):
    """int8 and int16, with any scales."""

    stem = "leaky_relu"
    builtin_code = 98
    options_type = 75
    types = INT8_AND_INT16
    attributes = LeakyReluAttributes

    def check(self, operator: Operator) -> None:
        """Refuse scales so far apart that TFLite Micro's shift has no meaning."""
        super().check(operator)
        check_symmetric(operator)
        for ratio in _ratios(operator):
            check_shift(ratio, operator.input(0).dtype)

    def function(self, operator: Operator, values: Int64) -> Int64:
        """Either side has its own multiplier."""
        centred = values - operator.input(0).zero_point
        alpha, identity = _ratios(operator)
        negative = requantize(centred, *quantize_multiplier(abs(alpha)))
        positive = requantize(centred, *quantize_multiplier(identity))
        scaled = np.where(centred >= 0, positive, -negative if alpha < 0 else negative)
        return scaled + operator.output.zero_point

    def kernel(self, operator: Operator) -> KernelNeeds:
        """A table, or ek_relu_s16."""
        if operator.output.dtype is DType.INT8:
            return super().kernel(operator)
        below, above = _ratios(operator)
        return relu_s16(operator, above=above, below=below, least=operator.output.dtype.min)


def _ratios(operator: Operator) -> tuple[float, float]:
    """What inputs below and above zero are multiplied by."""
    source, output = operator.input(0), operator.output
    alpha = float(np.float32(operator.attributes.alpha))  # as a .tflite stores it
    return source.scale * alpha / output.scale, source.scale / output.scale
