"""MEAN: the mean over some dimensions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgekit.ir import Array, DType, Operator, Shape
from edgekit.ops.definition import (
    Definition,
    KernelNeeds,
    check_types,
    kernel_for,
    require,
    slot,
)
from edgekit.ops.fixed_point import quantize_multiplier, requantize, to_output, wrap_int32

_LOOPS = 3  # EK_MEAN_LOOPS: enough for six dimensions that are kept and reduced in turn


@dataclass(frozen=True, slots=True)
class MeanAttributes:
    """ReducerOptions."""

    keep_dims: bool = slot(0, "bool", False)


class Mean(Definition[MeanAttributes]):
    """Input 1: the dimensions to reduce, int32, constant; negative ones count from the end."""

    stem = "mean"
    builtin_code = 40
    options_type = 27
    attributes = MeanAttributes

    def check(self, operator: Operator) -> None:
        """int8 or int16, with any scales."""
        check_types(operator, types=(DType.INT8, DType.INT16))
        reduced_axes(operator)
        _, shift = _multiplier(operator)
        require(-31 <= shift <= 30, "its scales differ too much")

    def output_shapes(self, operator: Operator) -> tuple[Shape, ...]:
        """The input's sizes without the reduced ones, or 1 in their place with keep_dims."""
        reduced, shape = reduced_axes(operator), operator.input(0).shape
        if operator.attributes.keep_dims:
            return (tuple(1 if i in reduced else size for i, size in enumerate(shape)),)
        return (tuple(size for i, size in enumerate(shape) if i not in reduced),)

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
        kept, reduced = _loops(operator)
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


def reduced_axes(operator: Operator) -> tuple[int, ...]:
    """The dimensions that are reduced, counted from 0, each once, in order."""
    axes, rank = operator.input(1), len(operator.input(0).shape)
    require(axes.dtype is DType.INT32, f"its axes are {axes.dtype.value}, not int32")
    require(axes.constant is not None, "its axes are computed, not constant")
    assert axes.constant is not None
    numbers = [int(axis) for axis in axes.constant.reshape(-1)]
    wrong = [axis for axis in numbers if not -rank <= axis < rank]
    require(not wrong, f"it has no dimension {wrong[0] if wrong else 0}")
    return tuple(sorted({axis % rank for axis in numbers}))


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


def _loops(operator: Operator) -> tuple[tuple[tuple[int, int], ...], tuple[tuple[int, int], ...]]:
    """(kept, reduced) loops of (size, step), outermost first, filled up to _LOOPS."""
    axes = reduced_axes(operator)
    loops: list[tuple[bool, int, int]] = []  # innermost first
    step = 1
    for axis in reversed(range(len(operator.input(0).shape))):
        size, is_reduced = operator.input(0).shape[axis], axis in axes
        if size > 1 and loops and loops[-1][0] == is_reduced:
            _, inner, inner_step = loops.pop()
            loops.append((is_reduced, inner * size, inner_step))
        elif size > 1:
            loops.append((is_reduced, size, step))
        step *= size

    def fate(is_reduced: bool) -> tuple[tuple[int, int], ...]:
        chosen = [(size, step) for fate, size, step in reversed(loops) if fate is is_reduced]
        return tuple([(1, 0)] * (_LOOPS - len(chosen)) + chosen)

    return fate(False), fate(True)
