"""SOFTMAX: exp(beta x) / sum exp(beta x), along the last axis."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgekit.ir import Array, DType, Operator, Shape
from edgekit.ops import interpolated
from edgekit.ops.definition import Definition, KernelNeeds, check_types, require, slot
from edgekit.ops.fixed_point import (
    Int64,
    doubling_high_mul,
    quantize_multiplier,
    requantize,
    rounding_shift_right,
)
from edgekit.ops.transcendental import exp_of_negative, reciprocal_of_one_plus

_INTEGER_BITS = 5  # of exp's argument
_SUM_BITS = 12  # before the binary point of the sum
#: Smaller exponentials (in Q0.31) change neither the sum nor, after rounding, any output.
_LEAST_EXP = 1 << (_SUM_BITS - 1)

_LEAST_ARGUMENT = -10.0  # of exp in int16; what lies below counts as this
_MAX_SHIFT_S16 = 15  # of a difference of int16 within 32 bits
_MAX_DEPTH_S16 = 1 << 16  # as many exponentials in Q0.15 stay within 32 bits


@dataclass(frozen=True, slots=True)
class SoftmaxAttributes:
    """SoftmaxOptions."""

    beta: float = slot(0, "float32", 0.0)


class Softmax(Definition[SoftmaxAttributes]):
    """int8 to int8 with scale 1/256 and zero point -128, or int16 to int16 with scale 1/32768."""

    stem = "softmax"
    builtin_code = 25
    options_type = 9
    attributes = SoftmaxAttributes
    in_place_inputs = (0,)

    def check(self, operator: Operator) -> None:
        """The output's quantisation is fixed; so is it in TFLite Micro."""
        check_types(operator, types=(DType.INT8, DType.INT16))
        source, output = operator.input(0), operator.output
        require(len(source.shape) >= 1, "its input is a scalar")
        require(source.constant is None, "its input is constant")
        if source.dtype is DType.INT16:
            _check_s16(operator)
            return
        require(output.scale == 1 / 256, "its output's scale is not 1/256")
        require(output.zero_point == -128, "its output's zero point is not -128")
        require(_real_multiplier(operator) > 1.0, "its beta or its input's scale is too small")
        require(source.shape[-1] < 1 << _SUM_BITS, "it has 4096 classes or more")

    def output_shapes(self, operator: Operator) -> tuple[Shape, ...]:
        """The input's."""
        return (operator.input(0).shape,)

    def evaluate(self, operator: Operator, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
        """exp of the distance to the greatest, times the reciprocal of the sum."""
        (source,) = inputs
        assert source is not None
        values = source.astype(np.int64)
        if operator.output.dtype is DType.INT16:
            return (_evaluate_s16(operator, values).astype(np.int16),)
        exps = exponentials(operator)[values.max(axis=-1, keepdims=True) - values]
        terms = rounding_shift_right(exps, _SUM_BITS)
        reciprocal, shift = _reciprocal(terms.sum(axis=-1, keepdims=True))
        # from 2**9 on TFLite Micro gives up; rounding goes on to give 0
        scaled = doubling_high_mul(exps, reciprocal)
        rounded = np.where(shift > 31, 0, rounding_shift_right(scaled, np.minimum(shift, 31)))
        return (np.clip(rounded - 128, -128, 127).astype(np.int8),)

    def kernel(self, operator: Operator) -> KernelNeeds:
        """A table of exponentials, up to the first that is negligible; int16 has two tables."""
        if operator.output.dtype is DType.INT16:
            return _kernel_s16(operator)
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


def _check_s16(operator: Operator) -> None:
    scale, depth = operator.output.scale, operator.input(0).shape[-1]
    require(abs(scale * 2.0**15 - 1.0) <= 1e-3, "its output's scale is not 1/32768")
    require(operator.attributes.beta >= 0.0, "its beta is negative")
    fits = _multiplier_s16(operator)[1] <= _MAX_SHIFT_S16
    require(fits, "its beta or its input's scale is too large")
    require(depth <= _MAX_DEPTH_S16, f"it has more than {_MAX_DEPTH_S16} classes")


def _evaluate_s16(operator: Operator, values: Int64) -> Int64:
    """Exponentials and the reciprocal of their sum, both by interpolation."""
    difference = values - values.max(axis=-1, keepdims=True)
    scaled = requantize(difference, *_multiplier_s16(operator)) + 32767
    exps = interpolated.look_up(np.maximum(scaled, -32768), exp_points())
    total = exps.sum(axis=-1, keepdims=True)  # Q16.15
    length = np.frexp(total.astype(np.float64))[1].astype(np.int64)  # bits of total
    fraction = ((total << (31 - length)) + (1 << 13)) >> 14  # 1 to 2 in Q1.16
    centred = np.minimum(fraction - (1 << 16) - (1 << 15), 32767)
    product = exps * interpolated.look_up(centred, reciprocal_points())
    rounded = (product + (np.int64(1) << (length - 2))) >> (length - 1)
    return np.asarray(np.clip(rounded, 0, 32767), np.int64)


def _kernel_s16(operator: Operator) -> KernelNeeds:
    shape = operator.input(0).shape
    multiplier, shift = _multiplier_s16(operator)
    return KernelNeeds(
        kernel="softmax_s16",
        template="softmax",
        parameters={
            "rows": math.prod(shape[:-1]),
            "depth": shape[-1],
            "multiplier": multiplier,
            "shift": shift,
        },
        constants={"exps": exp_points(), "reciprocals": reciprocal_points()},
    )


def _multiplier_s16(operator: Operator) -> tuple[int, int]:
    """From the input's integers to 65535ths of `_LEAST_ARGUMENT`."""
    product = operator.input(0).scale * operator.attributes.beta
    return quantize_multiplier(product / (-_LEAST_ARGUMENT / 65535.0))


@functools.cache
def exp_points() -> interpolated.Int16:
    """exp from `_LEAST_ARGUMENT` to 0 in Q0.15."""
    return interpolated.point_table(
        lambda x: np.exp(x.astype(np.float64)).astype(np.float32), _LEAST_ARGUMENT, 0.0
    )


@functools.cache
def reciprocal_points() -> interpolated.Int16:
    """1 / (1 + x) from 0 to 1 in Q0.15."""
    return interpolated.point_table(lambda x: np.float32(1) / (np.float32(1) + x), 0.0, 1.0)
