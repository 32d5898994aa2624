"""AVERAGE_POOL_2D: the average of each window, rounded; ties away from zero."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgekit.ir import Array, DType, Operator
from edgekit.ops.definition import require
from edgekit.ops.pooling import Pool2D, taps, window_axes
from edgekit.ops.weighted import output_range

#: Sums of fewer elements than this stay within 32 bits; the kernels rely on it.
MAX_TAPS = {DType.INT8: 1 << 24, DType.INT16: 1 << 16}


class AveragePool2D(Pool2D):
    """Divides by the number of elements inside the input; rounds the integers, not the reals."""

    stem = "average_pool_2d"
    builtin_code = 1

    def check(self, operator: Operator) -> None:
        """As any pool, with sums of 32 bits."""
        super().check(operator)
        y, x = window_axes(operator)
        most = MAX_TAPS[operator.output.dtype]
        require(y.filter * x.filter < most, f"windows of {y.filter}x{x.filter} are too large")

    def evaluate(self, operator: Operator, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
        """Sums and counts tap by tap."""
        source = inputs[0]
        assert source is not None
        sums, counts = (np.zeros(operator.output.shape, np.int64) for _ in range(2))
        for where, values in taps(operator, source):
            sums[where] += values
            counts[where] += 1
        averages = np.sign(sums) * ((np.abs(sums) + counts // 2) // counts)
        return (np.clip(averages, *output_range(operator)).astype(source.dtype),)
