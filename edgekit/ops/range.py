"""RANGE: integers from a start up to a limit. Only of constants."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgekit.ir import Array, Operator
from edgekit.ops.definition import NoAttributes, require
from edgekit.ops.static import Static, given


class Range(Static[NoAttributes]):
    """Inputs: start, limit (not reached), step; one integer each."""

    stem = "range"
    builtin_code = 96
    options_type = 73

    def evaluate(self, operator: Operator, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
        """[n] integers of the start's type."""
        bounds = given(inputs, 3)
        require(all(bound.size == 1 for bound in bounds), "its bounds are not single integers")
        start, limit, step = (int(bound.reshape(())) for bound in bounds)
        require(step != 0, "its step of 0")
        values = range(start, limit, step)
        require(len(values) == operator.output.elements, f"it makes {len(values)} integers")
        return (np.array(values, bounds[0].dtype),)
