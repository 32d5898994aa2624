"""SQUEEZE: the same values without dimensions of size 1."""

from __future__ import annotations

from dataclasses import dataclass

from edgekit.ir import Operator, Shape
from edgekit.ops.definition import require, slot
from edgekit.ops.movement import View, axis_of


@dataclass(frozen=True, slots=True)
class SqueezeAttributes:
    """SqueezeOptions."""

    squeeze_dims: tuple[int, ...] = slot(0, "[int32]", ())  # none: all of size 1


class Squeeze(View[SqueezeAttributes]):
    """A view."""

    stem = "squeeze"
    builtin_code = 43
    options_type = 30
    attributes = SqueezeAttributes

    def output_shapes(self, operator: Operator) -> tuple[Shape, ...]:
        """The input's, without the dimensions that are named, or without any of size 1."""
        shape = operator.input(0).shape
        named = {axis_of(axis, len(shape)) for axis in operator.attributes.squeeze_dims}
        require(all(shape[axis] == 1 for axis in named), "it squeezes a size that is not 1")
        dropped = named or {axis for axis, size in enumerate(shape) if size == 1}
        return (tuple(size for axis, size in enumerate(shape) if axis not in dropped),)
