"""TRANSPOSE: the same values with the dimensions in another order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgekit.ir import Array, Operator, Shape
from edgekit.ops.definition import Definition, KernelNeeds, NoAttributes, require
from edgekit.ops.movement import check_same_type, static_values
from edgekit.ops.strided_copy import Loop, needs, plan_copy, steps_bytes


class Transpose(Definition[NoAttributes]):
    """Dimension d of the output is dimension permutation[d] of the input; input 1 is constant."""

    stem = "transpose"
    builtin_code = 39
    options_type = 26

    def check(self, operator: Operator) -> None:
        """A constant permutation, without negative axes as in TFLite Micro."""
        check_same_type(operator)
        permutation(operator)

    def output_shapes(self, operator: Operator) -> tuple[Shape, ...]:
        """The input's sizes in their new order."""
        shape = operator.input(0).shape
        return (tuple(shape[axis] for axis in permutation(operator)),)

    def evaluate(self, operator: Operator, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
        """Moves values only."""
        source = inputs[0]
        assert source is not None
        return (np.array(source.transpose(permutation(operator)), order="C"),)

    def kernel(self, operator: Operator) -> KernelNeeds:
        """A copy that walks the output in its order and the input in strides."""
        source, output = operator.input(0), operator.output
        element_bytes = source.dtype.size_bytes
        in_steps = steps_bytes(source.shape, element_bytes)
        out_steps = steps_bytes(output.shape, element_bytes)
        loops = (
            Loop(size, in_steps[axis], out_step)
            for size, axis, out_step in zip(
                output.shape, permutation(operator), out_steps, strict=True
            )
        )
        return needs(operator, [plan_copy(loops, element_bytes)])


def permutation(operator: Operator) -> tuple[int, ...]:
    """Where each dimension of the output comes from."""
    order = static_values(operator, 1, "permutation")
    rank = len(operator.input(0).shape)
    require(sorted(order) == list(range(rank)), f"{list(order)} is no order of {rank} dimensions")
    return order
