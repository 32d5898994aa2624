"""SOFTMAX: exp(beta x) / sum exp(beta x), along the last axis."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgekit.ir import Array, Operator, Shape
from edgekit.ops.definition import Definition, KernelNeeds, check_types, require, slot
from edgekit.ops.fixed_point import (
    Int64,
    doubling_high_mul,
    quantize_multiplier,
    rounding_shift_right,
)
from edgekit.ops.transcendental import exp_of_negative, reciprocal_of_one_plus

_INTEGER_BITS = 5  # of exp's argument
_SUM_BITS = 12  # before the binary point of the sum
#: Smaller exponentials (in Q0.31) change neither the sum nor, after rounding, any output.
_LEAST_EXP = 1 << (_SUM_BITS - 1)


@dataclass(frozen=True, slots=True)
class SoftmaxAttributes:
    """SoftmaxOptions."""

    beta: float = slot(0, "float32", 0.0)


class Softmax(Definition[SoftmaxAttributes]):
    """int8 to int8 with scale 1/256 and zero point -128."""

    stem = "softmax"
    builtin_code = 25
    options_type = 9
    attributes = SoftmaxAttributes
    in_place_inputs = (0,)

    def check(self, operator: Operator) -> None:
        """The output's quantisation is fixed; so is it in TFLite Micro."""
        check_types(operator)
        source, output = operator.input(0), operator.output
        require(len(source.shape) >= 1, "its input is a scalar")
        require(output.scale == 1 / 256, "its output's scale is not 1/256")
        require(output.zero_point == -128, "its output's zero point is not -128")
        require(_real_multiplier(operator) > 1.0, "its beta or its input's scale is too small")
        require(source.shape[-1] < 1 << _SUM_BITS, "it has 4096 classes or more")
        require(source.constant is None, "its input is constant")

    def output_shapes(self, operator: Operator) -> tuple[Shape, ...]:
        """The input's."""
        return (operator.input(0).shape,)

    def evaluate(self, operator: Operator, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
        """exp of the distance to the greatest, times the reciprocal of the sum."""
        (source,) = inputs
        assert source is not None
        values = source.astype(np.int64)
        exps = exponentials(operator)[values.max(axis=-1, keepdims=True) - values]
        terms = rounding_shift_right(exps, _SUM_BITS)
        reciprocal, shift = _reciprocal(terms.sum(axis=-1, keepdims=True))
        # from 2**9 on TFLite Micro gives up; rounding goes on to give 0
        scaled = doubling_high_mul(exps, reciprocal)
        rounded = np.where(shift > 31, 0, rounding_shift_right(scaled, np.minimum(shift, 31)))
        return (np.clip(rounded - 128, -128, 127).astype(np.int8),)

    def kernel(self, operator: Operator) -> KernelNeeds:
        """A table of exponentials, up to the first that is negligible."""
        shape, table = operator.input(0).shape, exponentials(operator)
        negligible = np.flatnonzero(table < _LEAST_EXP)
        last = int(negligible[0]) if negligible.size else len(table) - 1
        return KernelNeeds(
            kernel="softmax_s8",
            template="softmax",
            parameters={
                "rows": math.prod(shape[:-1]),
                "depth": shape[-1],
                "last_difference": last,
            },
            constants={"exps": np.where(table < _LEAST_EXP, 0, table)[: last + 1].astype(np.int32)},
        )


def exponentials(operator: Operator) -> Int64:
    """exp(-beta * scale * d) in Q0.31 for d = 0..255; 0 where TFLite ignores d."""
    return _exponentials(_real_multiplier(operator))


@functools.lru_cache(maxsize=16)
def _exponentials(real_multiplier: float) -> Int64:
    multiplier, shift = quantize_multiplier(real_multiplier)
    radius = math.floor(31.0 * 2.0 ** (31 - _INTEGER_BITS - shift))
    difference = np.arange(256, dtype=np.int64)
    counted = difference <= radius
    argument = doubling_high_mul(-np.where(counted, difference, 0) << shift, multiplier)
    return np.where(counted, exp_of_negative(argument, _INTEGER_BITS), 0)


def _real_multiplier(operator: Operator) -> float:
    """From the input's integers to Q5.26; very large ones are all the same."""
    product = operator.attributes.beta * operator.input(0).scale
    return float(min(product * 2.0 ** (31 - _INTEGER_BITS), 2.0**31 - 1.0))


def _reciprocal(total: Int64) -> tuple[Int64, Int64]:
    """1 / total as (Q0.31 r, shift): out = exp * r >> shift is in units of 1/256."""
    length = np.frexp(total.astype(np.float64))[1].astype(np.int64)  # bits of total
    fraction = (total << (32 - length)) - (1 << 31)
    return reciprocal_of_one_plus(fraction), _SUM_BITS - (32 - length) + 23
