"""SPLIT: equal parts along an axis, one for each output."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgekit.ir import Array, Operator, Shape
from edgekit.ops.definition import Definition, KernelNeeds, require, slot
from edgekit.ops.movement import axis_of, static_values
from edgekit.ops.strided_copy import parted


@dataclass(frozen=True, slots=True)
class SplitAttributes:
    """SplitOptions."""

    num_splits: int = slot(0, "int32", 0)  # how many outputs there are


class Split(Definition[SplitAttributes]):
    """Inputs: the axis, one constant integer; the tensor. TFLite Micro looks at no scale."""

    stem = "split"
    builtin_code = 49
    options_type = 35
    attributes = SplitAttributes

    def check(self, operator: Operator) -> None:
        """Outputs of the input's type."""
        source = operator.input(1)
        for output in operator.outputs:
            same = output.dtype is source.dtype
            require(same, f"{source.dtype.value} becomes {output.dtype.value}")
        self.output_shapes(operator)

    def output_shapes(self, operator: Operator) -> tuple[Shape, ...]:
        """The input's shape, its size along the axis divided by the number of outputs."""
        count, shape, axis = len(operator.outputs), operator.input(1).shape, _axis(operator)
        require(operator.attributes.num_splits == count, f"it has {count} outputs")
        require(shape[axis] % count == 0, f"{shape[axis]} elements make no {count} equal parts")
        part = (*shape[:axis], shape[axis] // count, *shape[axis + 1 :])
        return (part,) * count

    def evaluate(self, operator: Operator, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
        """Moves values only."""
        source = inputs[1]
        assert source is not None
        return tuple(np.split(source, len(operator.outputs), axis=_axis(operator)))

    def kernel(self, operator: Operator) -> KernelNeeds:
        """A copy for each output."""
        source, axis = operator.input(1), _axis(operator)
        run_bytes = math.prod(operator.output.shape[axis:]) * source.dtype.size_bytes
        outer = math.prod(source.shape[:axis])
        return parted(operator, 1, outer, [run_bytes] * len(operator.outputs))


def _axis(operator: Operator) -> int:
    axes = static_values(operator, 0, "axis")
    require(len(axes) == 1, f"it has {len(axes)} axes")
    return axis_of(axes[0], len(operator.input(1).shape))
