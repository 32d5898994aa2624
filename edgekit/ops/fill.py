"""FILL: one value in every element. Only of constants."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from edgekit.ir import Array, Operator
from edgekit.ops.definition import NoAttributes, require
from edgekit.ops.static import Static, given


class Fill(Static[NoAttributes]):
    """Inputs: the shape, the value."""

    stem = "fill"
    builtin_code = 94
    options_type = 68

    def evaluate(self, operator: Operator, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
        """The value of the output's size."""
        sizes, value = given(inputs, 2)
        shape = tuple(int(size) for size in sizes.reshape(-1))
        require(value.size == 1, f"it has {value.size} values")
        positive = min(shape, default=1) > 0 and math.prod(shape) == operator.output.elements
        require(positive, f"its sizes {list(shape)} are not the output's")
        return (np.full(shape, value.reshape(()), value.dtype),)
