"""REDUCE_PROD: the product along some dimensions. Only of constants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgekit.ir import Array, Operator
from edgekit.ops.definition import slot
from edgekit.ops.movement import axis_of
from edgekit.ops.static import Static, given


@dataclass(frozen=True, slots=True)
class ReduceProdAttributes:
    """ReducerOptions."""

    keep_dims: bool = slot(0, "bool", False)


class ReduceProd(Static[ReduceProdAttributes]):
    """Inputs: the tensor, the axes."""

    stem = "reduce_prod"
    builtin_code = 81
    options_type = 27
    attributes = ReduceProdAttributes

    def evaluate(self, operator: Operator, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
        """Products wrap, as C's do."""
        source, axes = given(inputs, 2)
        along = tuple({axis_of(int(axis), source.ndim) for axis in axes.reshape(-1)})
        keep = operator.attributes.keep_dims
        product: Array = source.prod(axis=along, dtype=source.dtype, keepdims=keep)
        return (product,)
