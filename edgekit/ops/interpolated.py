"""Functions of int16 by interpolation between the points of a table, as TFLite Micro has them.

The tables are TFLite Micro's: each point lies off its function by half of what a straight line to
the next point would be off halfway, so that the error is shared between both. They do not depend
on the model.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from edgekit.ir import DType, Operator, Tensor
from edgekit.ops.definition import KernelNeeds, require
from edgekit.ops.fixed_point import Int64

Int16 = npt.NDArray[np.int16]
Float32 = npt.NDArray[np.float32]

_POINTS = 256  # of the logistic function, 1/24 apart
_STEPS_PER_UNIT = 4096.0 * 3.0  # of the argument that `interpolate_logistic` takes
_STEPS = 512  # between the points of the other tables
_FULL = 32767.0


@functools.cache
def half_logistic() -> Int16:
    """1 / (1 + exp(-i / 24)) - 1/2 in Q0.16 for i = 0..255, the last one saturated."""

    def exact(i: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return 65536.0 / (1.0 + np.exp(-i / 24.0))

    i = np.arange(_POINTS, dtype=np.float64)
    bend = exact(i + 0.5) - (exact(i) + exact(i + 1)) / 2
    points = np.floor(exact(i) + bend / 2 + 0.5) - 32768.0
    points[-1] = _FULL
    return points.astype(np.int16)


def argument(source: Tensor, shifts: tuple[int, ...]) -> tuple[int, int]:
    """(multiplier, right shift) from `source` to the argument of `interpolate_logistic`.

    Args:
        source: the input.
        shifts: scales of 2**(shift - 12) that TFLite Micro multiplies by 3 alone; others get a
            multiplier of 15 bits, rounded down.
    """
    exponent = _log2(source.scale)
    if exponent is not None and exponent + 12 in shifts:
        return 3 << (exponent + 12), 0
    multiplier, shift = source.scale * _STEPS_PER_UNIT, 0
    while multiplier <= _FULL / 2 and shift <= 30:
        multiplier, shift = 2 * multiplier, shift + 1
    return int(multiplier), shift


def check_logistic(operator: Operator, shifts: tuple[int, ...]) -> None:
    """Refuse what the int16 kernels of LOGISTIC and TANH do not serve, nor TFLite Micro."""
    require(_log2(operator.output.scale) == -15, "its output's scale is not 1/32768")
    in_range = argument(operator.input(0), shifts)[0] <= DType.INT16.max
    require(in_range, "its input's scale is out of range")


def scaled_argument(values: Int64, multiplier: int, shift: int) -> Int64:
    """values * multiplier / 2**shift, ties towards +infinity."""
    return (values * multiplier + ((1 << shift) >> 1)) >> shift


def interpolate_logistic(x: Int64, fraction_bits: int, saturated: int) -> Int64:
    """`half_logistic` at |x|, times 2**fraction_bits.

    Args:
        x: of which the lowest bits lie between two points.
        fraction_bits: how many these are.
        saturated: what stands for the table's last point and all beyond.
    """
    table = half_logistic().astype(np.int64)
    i, fraction = np.abs(x) >> fraction_bits, np.abs(x) & ((1 << fraction_bits) - 1)
    inside = np.minimum(i, _POINTS - 2)
    line = (table[inside] << fraction_bits) + fraction * (table[inside + 1] - table[inside])
    return np.where(i > _POINTS - 2, saturated << fraction_bits, line)


def logistic_kernel(operator: Operator, shifts: tuple[int, ...]) -> KernelNeeds:
    """ek_logistic_s16 or ek_tanh_s16."""
    multiplier, shift = argument(operator.input(0), shifts)
    return KernelNeeds(
        kernel=f"{operator.kind}_s16",
        template="logistic",
        parameters={
            "elements": operator.output.elements,
            "multiplier": multiplier,
            "half": (1 << shift) >> 1,
            "shift": shift,
        },
        constants={"table": half_logistic()},
    )


def _log2(scale: float) -> int | None:
    """The binary logarithm of a scale that is nearly a power of two, as TFLite judges; or None."""
    exact = np.log(np.float32(scale)) * (np.float32(1) / np.log(np.float32(2)))
    nearest = math.floor(float(exact) + 0.5)
    return nearest if abs(float(exact) - nearest) < 1e-3 else None


def point_table(function: Callable[[Float32], Float32], least: float, greatest: float) -> Int16:
    """513 points of `function` from `least` to `greatest`, in Q0.15.

    Everything is rounded to float32 where TFLite Micro's is.
    """
    f32 = np.float32
    step = f32((f32(greatest) - f32(least)) / f32(_STEPS))
    x = f32(least) + np.arange(_STEPS + 1, dtype=f32) * step
    points = function(x) * f32(32768)
    exact = _rounded(points[:-1])
    line = _rounded((points[1:] + exact) / f32(2))
    bend = line - _rounded(function(x[:-1] + step / f32(2)) * f32(32768))
    shifted = exact - _rounded(bend / f32(2))
    return np.clip(np.append(shifted, _rounded(points[-1:])), -32768, 32767).astype(np.int16)


def look_up(x: Int64, table: Int16) -> Int64:
    """`table`, as `point_table` makes them, at x in -32768..32767."""
    wide: Int64 = table.astype(np.int64)
    i, fraction = 256 + (x >> 7), x & 127
    return np.asarray(wide[i] + (((wide[i + 1] - wide[i]) * fraction + 64) >> 7))


def _rounded(x: Float32) -> Float32:
    """The nearest integer, ties away from zero."""
    return np.copysign(np.floor(np.abs(x) + np.float32(0.5)), x)
