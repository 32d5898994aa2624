"""MAX_POOL_2D: the greatest element of each window."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgekit.ir import Array, Operator
from edgekit.ops.pooling import Pool2D, taps
from edgekit.ops.weighted import output_range


class MaxPool2D(Pool2D):
    """Elements outside the input never win."""

    stem = "max_pool_2d"
    builtin_code = 17

    def evaluate(self, operator: Operator, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
        """The greatest so far, tap by tap."""
        source = inputs[0]
        assert source is not None
        greatest = np.full(operator.output.shape, operator.output.dtype.min, source.dtype)
        for where, values in taps(operator, source):
            greatest[where] = np.maximum(greatest[where], values)
        return (np.clip(greatest, *output_range(operator)).astype(source.dtype),)
