"""RESHAPE: the same values in another shape."""

from __future__ import annotations

from dataclasses import dataclass

from edgekit.ir import Operator, Shape
from edgekit.ops.definition import slot
from edgekit.ops.movement import View


@dataclass(frozen=True, slots=True)
class ReshapeAttributes:
    """ReshapeOptions. TFLite Micro goes by the shape that the output tensor has in the file."""

    new_shape: tuple[int, ...] | None = slot(0, "[int32]", None)


class Reshape(View[ReshapeAttributes]):
    """A view. Input 1, where there is one, is the shape once more."""

    stem = "reshape"
    builtin_code = 22
    options_type = 17
    attributes = ReshapeAttributes

    def output_shapes(self, operator: Operator) -> tuple[Shape, ...]:
        """The output's own, if it has as many elements as the input."""
        source, output = operator.input(0), operator.output
        return (output.shape if output.elements == source.elements else (source.elements,),)
