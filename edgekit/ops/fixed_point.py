"""Integer arithmetic of TFLite Micro's reference kernels: requantisation rounds twice.

Source: Jacob et al. 2018 (arXiv:1712.05877), section 2.2, for the idea; the roundings are those of
gemmlowp's fixedpoint.h as TFLite Micro builds it by default. The C twin is
firmware/include/edgekit/ek_requantize.h.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from edgekit.ir import Array, DType, Tensor

Int64 = npt.NDArray[np.int64]


class Activation(enum.IntEnum):
    """A fused activation function; the numbers are TFLite's."""

    NONE = 0
    RELU = 1
    RELU_N1_TO_1 = 2
    RELU6 = 3
    TANH = 4
    SIGN_BIT = 5


def quantize_multiplier(real: float) -> tuple[int, int]:
    """(multiplier, shift) with real ≈ multiplier * 2**(shift - 31).

    multiplier is 0 or in [2**30, 2**31); shift > 0 shifts left. Reals below about 2**-32 become 0.
    """
    if real == 0.0:
        return 0, 0
    fraction, shift = math.frexp(real)
    multiplier = math.floor(fraction * (1 << 31) + 0.5)
    if multiplier == 1 << 31:
        multiplier //= 2
        shift += 1
    return (0, 0) if shift < -31 else (multiplier, shift)


def quantize_multipliers(reals: Iterable[float]) -> tuple[npt.NDArray[np.int32], Int64]:
    """`quantize_multiplier` of each: arrays of multipliers and shifts."""
    pairs = [quantize_multiplier(real) for real in reals]
    multipliers = np.array([m for m, _ in pairs], np.int32)
    return multipliers, np.array([s for _, s in pairs], np.int64)


def wrap_int32(values: Int64) -> Int64:
    """What a 32-bit register keeps of `values` (two's complement), as int64."""
    return np.asarray(values, np.int64).astype(np.int32).astype(np.int64)


def doubling_high_mul(a: Int64, b: Int64 | int) -> Int64:
    """round(a * b / 2**31), ties towards +infinity; a int32, b int32 and not negative."""
    return (np.asarray(a, np.int64) * b + (1 << 30)) >> 31


def rounding_shift_right(x: Int64, bits: Int64 | int) -> Int64:
    """round(x / 2**bits), ties away from zero; 0 <= bits <= 31."""
    x, bits = np.asarray(x, np.int64), np.asarray(bits, np.int64)
    mask = (np.int64(1) << bits) - 1
    threshold = (mask >> 1) + (x < 0)
    return (x >> bits) + ((x & mask) > threshold)


def requantize(acc: Int64, multiplier: Int64 | int, shift: Int64 | int) -> Int64:
    """acc * multiplier * 2**(shift - 31), rounded twice as TFLite Micro does.

    Args:
        acc: int32 values in an int64 array, shape [..., C].
        multiplier: from `quantize_multiplier`; a scalar or shape [C].
        shift: likewise.
    """
    shift = np.asarray(shift, np.int64)
    shifted = wrap_int32(np.asarray(acc, np.int64) << np.maximum(shift, 0))
    return rounding_shift_right(doubling_high_mul(shifted, multiplier), np.maximum(-shift, 0))


def reduced_multiplier(multiplier: Int64) -> Int64:
    """A multiplier with 16 of its 32 bits, rounded: at most 0x7FFF, for 64-bit accumulators."""
    rounded: Int64 = (np.asarray(multiplier, np.int64) + (1 << 15)) >> 16
    return np.clip(rounded, 0, 0x7FFF)


def requantize_wide(acc: Int64, multiplier: Int64 | int, shift: Int64 | int) -> Int64:
    """acc * multiplier * 2**(shift - 15), rounded once, ties towards +infinity.

    So TFLite Micro requantizes accumulators of 64 bits. Of the result it keeps 32 bits.

    Args:
        acc: shape [..., C], less than 2**47 in magnitude.
        multiplier: from `reduced_multiplier`; a scalar or shape [C].
        shift: from `quantize_multiplier`; at most 7.
    """
    total = 15 - np.asarray(shift, np.int64)
    return wrap_int32(
        (np.asarray(acc, np.int64) * multiplier + (np.int64(1) << total - 1)) >> total
    )


def quantize_real(real: float, tensor: Tensor) -> int:
    """The integer that stands for `real` in `tensor`, not clamped; in float32, as TFLite does."""
    ratio = float(np.float32(real) / np.float32(tensor.scale))
    return tensor.zero_point + int(math.copysign(math.floor(abs(ratio) + 0.5), ratio))


def activation_range(
    activation: Activation, output: Tensor, clamp: tuple[int, int] | None = None
) -> tuple[int, int]:
    """Least and greatest integer that a fused activation (and an added clamp) lets out."""
    low, high = output.dtype.min, output.dtype.max
    bounds: dict[Activation, tuple[float | None, float | None]] = {
        Activation.RELU: (0.0, None),
        Activation.RELU6: (0.0, 6.0),
        Activation.RELU_N1_TO_1: (-1.0, 1.0),
    }
    real_low, real_high = bounds.get(activation, (None, None))
    if real_low is not None:
        low = max(low, quantize_real(real_low, output))
    if real_high is not None:
        high = min(high, quantize_real(real_high, output))
    if clamp is not None:
        low, high = (min(max(bound, clamp[0]), clamp[1]) for bound in (low, high))
    return low, high


def to_output(values: Int64, zero_point: int, low: int, high: int, dtype: DType) -> Array:
    """values + zero_point, which wraps at 32 bits, clamped to [low, high], as the output's type."""
    return np.clip(wrap_int32(values + zero_point), low, high).astype(dtype.numpy)
