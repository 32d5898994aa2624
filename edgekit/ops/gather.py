"""GATHER: the slices of a tensor that indices name. Only of constants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgekit.ir import Array, Operator
from edgekit.ops.definition import require, slot
from edgekit.ops.movement import axis_of
from edgekit.ops.static import Static, given


@dataclass(frozen=True, slots=True)
class GatherAttributes:
    """GatherOptions."""

    axis: int = slot(0, "int32", 0)
    batch_dims: int = slot(1, "int32", 0)


class Gather(Static[GatherAttributes]):
    """Inputs: the tensor, the indices."""

    stem = "gather"
    builtin_code = 36
    options_type = 23
    attributes = GatherAttributes

    def evaluate(self, operator: Operator, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
        """Indices count from 0."""
        source, indices = given(inputs, 2)
        require(operator.attributes.batch_dims == 0, "batch_dims")
        axis = axis_of(operator.attributes.axis, source.ndim)
        inside = (indices >= 0) & (indices < source.shape[axis])
        require(bool(inside.all()), f"an index outside 0..{source.shape[axis] - 1}")
        return (np.asarray(np.take(source, indices, axis)),)
