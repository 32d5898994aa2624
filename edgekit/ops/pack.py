"""PACK: the inputs side by side along a new axis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgekit.ir import Array, Operator, Shape
from edgekit.ops.definition import Definition, KernelNeeds, require, slot
from edgekit.ops.movement import axis_of, check_same_type
from edgekit.ops.strided_copy import joined


@dataclass(frozen=True, slots=True)
class PackAttributes:
    """PackOptions."""

    values_count: int = slot(0, "int32", 0)  # how many inputs there are
    axis: int = slot(1, "int32", 0)  # of the output; negative: from its end


class Pack(Definition[PackAttributes]):
    """Inputs of one shape. TFLite Micro looks at no scale: the values are moved as they are."""

    stem = "pack"
    builtin_code = 83
    options_type = 59
    attributes = PackAttributes

    def check(self, operator: Operator) -> None:
        """Inputs that are alike."""
        check_same_type(operator, *range(len(operator.inputs)))
        self.output_shapes(operator)

    def output_shapes(self, operator: Operator) -> tuple[Shape, ...]:
        """The inputs' shape with their number put in at the axis."""
        count, shape = len(operator.inputs), operator.input(0).shape
        require(operator.attributes.values_count == count, f"it has {count} inputs")
        alike = all(operator.input(i).shape == shape for i in range(count))
        require(alike, "its inputs' shapes differ")
        axis = axis_of(operator.attributes.axis, len(shape) + 1)
        return ((*shape[:axis], count, *shape[axis:]),)

    def evaluate(self, operator: Operator, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
        """Moves values only."""
        arrays = [array for array in inputs if array is not None]
        return (np.stack(arrays, axis=operator.attributes.axis),)

    def kernel(self, operator: Operator) -> KernelNeeds:
        """A copy for each input."""
        source = operator.input(0)
        axis = axis_of(operator.attributes.axis, len(operator.output.shape))
        run_bytes = math.prod(source.shape[axis:]) * source.dtype.size_bytes
        return joined(operator, math.prod(source.shape[:axis]), [run_bytes] * len(operator.inputs))
