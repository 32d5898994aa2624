"""exp, 1 / (1 + x), logistic and tanh in fixed point, bit for bit as TFLite Micro's int8 kernels.

Numbers are Qm.n: m bits before the binary point, n = 31 - m behind it, in int64 arrays. The
approximations (a Taylor polynomial and factors exp(-2**k) for exp, Newton-Raphson division) and
their roundings are those of gemmlowp's fixedpoint.h. On a device only the reciprocal is computed
(firmware/kernels/softmax_s8.c); all else becomes a table on the host.
"""

from __future__ import annotations

import numpy as np

from edgekit.ops.fixed_point import Int64, doubling_high_mul, rounding_shift_right

_ONE = (1 << 31) - 1  # in Q0.31, where 1 itself does not fit
_EXP_MINUS_EIGHTH = 1895147668  # exp(-1/8) in Q0.31
_THIRD = 715827883  # 1/3 in Q0.31
#: (k, exp(-2**k) in Q0.31)
_EXP_FACTORS = (
    (-2, 1672461947),
    (-1, 1302514674),
    (0, 790015084),
    (1, 290630308),
    (2, 39332535),
    (3, 720401),
    (4, 242),
)
_48_OVER_17 = 1515870810  # in Q2.29
_MINUS_32_OVER_17 = -1010580540  # in Q2.29


def exp_of_negative(a: Int64, integer_bits: int) -> Int64:
    """exp(a) in Q0.31, for a <= 0 in Q<integer_bits>, integer_bits <= 5."""
    fraction_bits = 31 - integer_bits
    quarter = 1 << (fraction_bits - 2)
    part = (a & (quarter - 1)) - quarter  # a = part - rest, part in [-1/4, 0)
    rest = part - a
    result = _exp_between_minus_quarter_and_0(part << integer_bits)
    for k, factor in _EXP_FACTORS:
        if k < integer_bits:
            has_bit = (rest & (1 << (fraction_bits + k))) != 0
            result = np.where(has_bit, doubling_high_mul(result, factor), result)
    return np.where(a == 0, _ONE, result)


def _exp_between_minus_quarter_and_0(a: Int64) -> Int64:
    """exp(a) for a in [-1/4, 0), both Q0.31: Taylor's polynomial of degree 4 around -1/8."""
    x = a + (1 << 28)
    x2 = doubling_high_mul(x, x)
    x3 = doubling_high_mul(x2, x)
    x4 = doubling_high_mul(x2, x2)
    tail = doubling_high_mul(rounding_shift_right(x4, 2) + x3, _THIRD) + x2
    polynomial = x + rounding_shift_right(tail, 1)
    return _EXP_MINUS_EIGHTH + doubling_high_mul(polynomial, _EXP_MINUS_EIGHTH)


def reciprocal_of_one_plus(x: Int64) -> Int64:
    """1 / (1 + x) in Q0.31, for x in [0, 1) in Q0.31."""
    return _shift_left_saturating(_twice_reciprocal_of_one_plus(x), 1)


def logistic(a: Int64, integer_bits: int) -> Int64:
    """1 / (1 + exp(-a)) in Q0.31, for a in Q<integer_bits>."""
    positive = reciprocal_of_one_plus(exp_of_negative(-np.abs(a), integer_bits))
    return np.where(a == 0, 1 << 30, np.where(a > 0, positive, _ONE - positive))


def tanh(a: Int64, integer_bits: int) -> Int64:
    """tanh(a) in Q0.31, for a in Q<integer_bits>: (1 - y) / (1 + y) with y = exp(-2 |a|)."""
    y = exp_of_negative(-np.abs(a), integer_bits + 1)  # the same bits mean 2 a
    magnitude = _shift_left_saturating(_twice_reciprocal_of_one_plus(y) - (1 << 29), 2)
    return np.asarray(np.sign(a) * magnitude, np.int64)


def _twice_reciprocal_of_one_plus(x: Int64) -> Int64:
    """2 / (1 + x) in Q2.29, for x in [0, 1] in Q0.31: three Newton-Raphson steps."""
    half_denominator = (x + _ONE + 1) >> 1  # rounds half up: all positive
    y = _48_OVER_17 + doubling_high_mul(half_denominator, _MINUS_32_OVER_17)
    for _ in range(3):
        error = (1 << 29) - doubling_high_mul(half_denominator, y)
        y = y + _shift_left_saturating(doubling_high_mul(y, error), 2)
    return y


def _shift_left_saturating(x: Int64, bits: int) -> Int64:
    return np.asarray(np.clip(x << bits, -(1 << 31), (1 << 31) - 1), np.int64)
