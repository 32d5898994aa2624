"""SHAPE: the sizes of the input, which edgekit always knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgekit.ir import Array, DType, Operator
from edgekit.ops.definition import require, slot
from edgekit.ops.static import Static


@dataclass(frozen=True, slots=True)
class ShapeAttributes:
    """ShapeOptions. The output tensor's type says the same."""

    out_type: int = slot(0, "int8", 0)  # TensorType


class ShapeOf(Static[ShapeAttributes]):
    """A constant, whatever the input's values are."""

    stem = "shape"
    builtin_code = 77
    options_type = 55
    attributes = ShapeAttributes

    def is_known(self, operator: Operator) -> bool:
        """Every shape is static."""
        del operator
        return True

    def evaluate(self, operator: Operator, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
        """The input's shape."""
        del inputs
        dtype = operator.output.dtype
        require(dtype in (DType.INT32, DType.INT64), f"sizes as {dtype.value}")
        return (np.array(operator.input(0).shape, dtype.numpy),)
