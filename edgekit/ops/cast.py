"""CAST: the same integers in another type. Only of constants."""

from __future__ import annotations

from collections.abc import Sequence

from edgekit.ir import Array, DType, Operator
from edgekit.ops.definition import NoAttributes, require
from edgekit.ops.static import Static, given


class Cast(Static[NoAttributes]):
    """The tensors' types say from what to what; CastOptions says it once more."""

    stem = "cast"
    builtin_code = 53
    options_type = 37

    def evaluate(self, operator: Operator, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
        """Keeps the low bits, as C does."""
        (source,) = given(inputs, 1)
        dtype = operator.output.dtype
        require(dtype is not DType.FLOAT32, "only integers are supported")
        return (source.astype(dtype.numpy),)
