"""SUB."""

from __future__ import annotations

import numpy as np

from edgekit.ir import Array
from edgekit.ops.add import Add


class Sub(Add):
    """As ADD, with its kernel: the second input has a sign."""

    stem = "sub"
    builtin_code = 41
    options_type = 28
    activates_int32 = True
    sign = -1

    def plain(self, first: Array, second: Array) -> Array:
        """first - second."""
        return np.asarray(first - second)
