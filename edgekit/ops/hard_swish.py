"""HARD_SWISH: x * min(max(x + 3, 0), 6) / 6."""

from __future__ import annotations

import numpy as np

from edgekit.ir import Operator
from edgekit.ops.definition import NoAttributes, require
from edgekit.ops.fixed_point import Int64, quantize_multiplier, rounding_shift_right
from edgekit.ops.lookup import Lookup


class HardSwish(Lookup[NoAttributes]):
    """int8, computed in 16-bit fixed point."""

    stem = "hard_swish"
    builtin_code = 117

    def check(self, operator: Operator) -> None:
        """Refuse scales that TFLite Micro refuses, and those that its 16-bit shifts break on."""
        super().check(operator)
        _, output_shift = _output_multiplier(operator)
        _, gate_shift = _gate_multiplier(operator)
        require(output_shift <= 0, "its output's scale is too small")
        require(output_shift >= -15, "its output's scale is too large")
        require(-15 <= gate_shift <= 30, "its input's scale is out of range")

    def function(self, operator: Operator, values: Int64) -> Int64:
        """The input on the output's scale, times a gate in [0, 1]."""
        hires = (values - operator.input(0).zero_point) * 128
        multiplier, shift = _output_multiplier(operator)
        scaled = _high_mul(hires, multiplier)
        product = scaled * _gate(operator, hires)
        # TFLite rounds this product towards zero
        truncated = np.sign(product) * (np.abs(product) >> 15)
        return rounding_shift_right(truncated, -shift) + operator.output.zero_point


def _gate(operator: Operator, hires: Int64) -> Int64:
    """(x + 3) / 6 saturated to [0, 1], in Q0.15."""
    multiplier, shift = _gate_multiplier(operator)
    gate = hires
    if shift > 0:
        gate = _saturate(gate << (shift - 1))
    gate = _high_mul(gate, multiplier)
    gate = _saturate(gate << 1) if shift > 0 else rounding_shift_right(gate, -shift)
    return (gate + (1 << 15)) >> 1


def _output_multiplier(operator: Operator) -> tuple[int, int]:
    source, output = operator.input(0), operator.output
    return _multiplier_16(source.scale / 128 / output.scale)


def _gate_multiplier(operator: Operator) -> tuple[int, int]:
    """From 1/128 of the input's scale to one where 3 is 2**15."""
    return _multiplier_16(operator.input(0).scale / 128 / (3 / 32768))


def _multiplier_16(ratio: float) -> tuple[int, int]:
    """`quantize_multiplier` with a Q0.15 multiplier."""
    multiplier, shift = quantize_multiplier(ratio)
    return min((multiplier + (1 << 15)) >> 16, (1 << 15) - 1), shift


def _high_mul(a: Int64, b: int) -> Int64:
    """round(a * b / 2**15), ties towards +infinity."""
    return (a * b + (1 << 14)) >> 15


def _saturate(values: Int64) -> Int64:
    return np.clip(values, -(1 << 15), (1 << 15) - 1)
