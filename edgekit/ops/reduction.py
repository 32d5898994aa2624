"""What MEAN and REDUCE_MAX share: one value for all elements along some dimensions."""

from __future__ import annotations

from typing import Generic, TypeVar

from edgekit.ir import DType, Operator, Shape
from edgekit.ops.definition import Definition, require

A = TypeVar("A")

_LOOPS = 3  # EK_REDUCTION_LOOPS: enough for six dimensions that are kept and reduced in turn

#: (size, step) of each loop, outermost first.
Loops = tuple[tuple[int, int], ...]


class Reduction(Definition[A], Generic[A]):
    """Input 1: the dimensions to reduce, int32, constant; negative ones count from the end.

    The attributes have `keep_dims`.
    """

    def output_shapes(self, operator: Operator) -> tuple[Shape, ...]:
        """The input's sizes without the reduced ones, or 1 in their place with keep_dims."""
        reduced, shape = reduced_axes(operator), operator.input(0).shape
        if operator.attributes.keep_dims:
            return (tuple(1 if i in reduced else size for i, size in enumerate(shape)),)
        return (tuple(size for i, size in enumerate(shape) if i not in reduced),)


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


def reduction_loops(operator: Operator) -> tuple[Loops, Loops]:
    """(kept, reduced) loops, filled up to _LOOPS; neighbours with the same fate are one."""
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
