"""MEAN: the mean over some dimensions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgekit.ir import Array, DType, Operator
from edgekit.ops.definition import (
    KernelNeeds,
    check_types,
    kernel_for,
    require,
    slot,
)
from edgekit.ops.fixed_point import quantize_multiplier, requantize, to_output, wrap_int32
from edgekit.ops.reduction import Reduction, reduced_axes, reduction_loops


@dataclass(frozen=True, slots=True)
class MeanAttributes:
    """ReducerOptions."""

    keep_dims: bool = slot(0, "bool", False)


class Mean(Reduction[MeanAttributes]):
    """int8 or int16, with any scales."""

    stem = "mean"
    builtin_code = 40
    options_type = 27
    attributes = MeanAttributes

    def check(self, operator: Operator) -> None:
        """A multiplier within ek_requantize's reach."""
        check_types(operator, types=(DType.INT8, DType.INT16))
        reduced_axes(operator)
        _, shift = _multiplier(operator)
        require(-31 <= shift <= 30, "its scales differ too much")

    def evaluate(self, operator: Operator, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
        """The division is part of the multiplier."""
        source = inputs[0]
        assert source is not None
        sums = source.sum(axis=reduced_axes(operator), dtype=np.int64)
        acc = wrap_int32(sums - operator.input(0).zero_point * _count(operator))
        values = requantize(acc, *_multiplier(operator))
        output = operator.output
        out = to_output(values, output.zero_point, output.dtype.min, output.dtype.max, output.dtype)
        return (out.reshape(output.shape),)

    def kernel(self, operator: Operator) -> KernelNeeds:
        """Neighbouring dimensions with the same fate become one."""
        multiplier, shift = _multiplier(operator)
        kept, reduced = reduction_loops(operator)
        bias = -operator.input(0).zero_point * _count(operator)
        return KernelNeeds(
            kernel=kernel_for("mean", operator.output.dtype),
            template="mean",
            parameters={
                "kept": kept,
                "reduced": reduced,
                "bias": int(wrap_int32(np.array(bias))),
                "multiplier": multiplier,
                "shift": shift,
                "output_zero_point": operator.output.zero_point,
            },
        )


def _count(operator: Operator) -> int:
    """Elements that go into one mean."""
    shape = operator.input(0).shape
    return math.prod(shape[axis] for axis in reduced_axes(operator))


def _multiplier(operator: Operator) -> tuple[int, int]:
    """(multiplier, shift) from sum to output, the division folded in as TFLite does."""
    count = _count(operator)
    multiplier, shift = quantize_multiplier(operator.input(0).scale / operator.output.scale)
    bits = min(count.bit_length() - 1, 32, 31 + shift)
    return (multiplier << bits) // count, shift - bits
