"""CONCATENATION: the inputs one after the other along an axis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgekit.ir import Array, DType, Operator, Shape, Tensor
from edgekit.ops.definition import Definition, KernelNeeds, require, slot
from edgekit.ops.fixed_point import Activation
from edgekit.ops.movement import axis_of, check_same_type, same_shape_but
from edgekit.ops.strided_copy import joined


@dataclass(frozen=True, slots=True)
class ConcatenationAttributes:
    """ConcatenationOptions."""

    axis: int = slot(0, "int32", 0)  # negative: from the end
    activation: Activation = slot(1, "int8", Activation.NONE)


class Concatenation(Definition[ConcatenationAttributes]):
    """Any number of inputs. Nothing is requantised: int8 scales must be equal, as in TFLite Micro.

    Of int16 TFLite Micro asks no more than zero points of 0, and moves the values as they are.
    """

    stem = "concatenation"
    builtin_code = 2
    options_type = 10
    attributes = ConcatenationAttributes

    def check(self, operator: Operator) -> None:
        """No fused activation; inputs that mean the same as the output."""
        sources = _inputs(operator)
        check_same_type(operator, *range(len(sources)))
        activation = operator.attributes.activation
        require(activation is Activation.NONE, f"fused activation {activation.name}")
        output = operator.output
        if output.dtype is DType.INT8:
            require(
                all(tensor.means_the_same_as(output) for tensor in sources),
                "its inputs and output differ in scale or zero point",
            )
        if output.dtype is DType.INT16:
            quantizations = [t.quantization for t in (*sources, output) if t.quantization]
            require(not any(z for q in quantizations for z in q.zero_points), "a zero point")
        self.output_shapes(operator)

    def output_shapes(self, operator: Operator) -> tuple[Shape, ...]:
        """The inputs' shape with their sizes along the axis added up."""
        shapes = [tensor.shape for tensor in _inputs(operator)]
        axis = axis_of(operator.attributes.axis, len(shapes[0]))
        require(len({len(shape) for shape in shapes}) == 1, "its inputs differ in rank")
        require(same_shape_but(axis, shapes), "its inputs' shapes do not match")
        total = sum(shape[axis] for shape in shapes)
        return ((*shapes[0][:axis], total, *shapes[0][axis + 1 :]),)

    def evaluate(self, operator: Operator, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
        """Moves values only."""
        arrays = [array for array in inputs if array is not None]
        return (np.concatenate(arrays, axis=operator.attributes.axis),)

    def kernel(self, operator: Operator) -> KernelNeeds:
        """A copy for each input: its rows along the axis into the output's longer ones."""
        sources, output = _inputs(operator), operator.output
        axis = axis_of(operator.attributes.axis, len(output.shape))
        runs = [math.prod(t.shape[axis:]) * t.dtype.size_bytes for t in sources]
        return joined(operator, math.prod(output.shape[:axis]), runs)


def _inputs(operator: Operator) -> list[Tensor]:
    return [operator.input(i) for i in range(len(operator.inputs))]
