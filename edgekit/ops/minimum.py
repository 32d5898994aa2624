"""MINIMUM: the smaller of two elements."""

from __future__ import annotations

import numpy as np

from edgekit.ir import Array, Operator
from edgekit.ops.extremum import Extremum


class Minimum(Extremum):
    """With ek_minimum_s8 or ek_minimum_s16."""

    stem = "minimum"
    builtin_code = 57

    def choose(self, first: Array, second: Array) -> Array:
        """The smaller one."""
        return np.asarray(np.minimum(first, second))

    def bounds(self, operator: Operator, value: int) -> tuple[int, int]:
        """Up to `value`."""
        return operator.output.dtype.min, value
