"""REDUCE_MAX: the greatest along some dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgekit.ir import Array, Operator
from edgekit.ops.definition import KernelNeeds, check_types, require, slot
from edgekit.ops.reduction import Reduction, reduced_axes, reduction_loops


@dataclass(frozen=True, slots=True)
class ReduceMaxAttributes:
    """ReducerOptions."""

    keep_dims: bool = slot(0, "bool", False)


class ReduceMax(Reduction[ReduceMaxAttributes]):
    """int8; TFLite Micro has none of int16."""

    stem = "reduce_max"
    builtin_code = 82
    options_type = 27
    attributes = ReduceMaxAttributes

    def check(self, operator: Operator) -> None:
        """The output on the input's scale, as TFLite Micro demands it."""
        check_types(operator)
        same = operator.input(0).means_the_same_as(operator.output)
        require(same, "its input and output differ in scale or zero point")
        reduced_axes(operator)

    def evaluate(self, operator: Operator, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
        """Integers are compared as they are."""
        source = inputs[0]
        assert source is not None
        greatest = np.asarray(source.max(axis=reduced_axes(operator)))
        return (greatest.reshape(operator.output.shape),)

    def kernel(self, operator: Operator) -> KernelNeeds:
        """The same walk as MEAN's."""
        kept, reduced = reduction_loops(operator)
        return KernelNeeds(
            kernel="reduce_max_s8",
            template="reduce_max",
            parameters={"kept": kept, "reduced": reduced},
        )
