"""MAXIMUM: the greater of two elements."""

from __future__ import annotations

import numpy as np

from edgekit.ir import Array, Operator
from edgekit.ops.extremum import Extremum


class Maximum(Extremum):
    """With ek_maximum_s8 or ek_maximum_s16."""

    stem = "maximum"
    builtin_code = 55

    def choose(self, first: Array, second: Array) -> Array:
        """The greater one."""
        return np.asarray(np.maximum(first, second))

    def bounds(self, operator: Operator, value: int) -> tuple[int, int]:
        """From `value` on."""
        return value, operator.output.dtype.max
