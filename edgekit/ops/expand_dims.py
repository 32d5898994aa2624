"""EXPAND_DIMS: the same values with one more dimension of size 1."""

from __future__ import annotations

from edgekit.ir import Operator, Shape
from edgekit.ops.definition import NoAttributes, require
from edgekit.ops.movement import View, axis_of, static_values


class ExpandDims(View[NoAttributes]):
    """A view. Input 1: the new dimension's place, one constant integer."""

    stem = "expand_dims"
    builtin_code = 70
    options_type = 52

    def output_shapes(self, operator: Operator) -> tuple[Shape, ...]:
        """The input's with a 1 put in; a negative place counts from the end of the output."""
        shape, places = operator.input(0).shape, static_values(operator, 1, "axis")
        require(len(places) == 1, f"it has {len(places)} axes")
        axis = axis_of(places[0], len(shape) + 1)
        return ((*shape[:axis], 1, *shape[axis:]),)
