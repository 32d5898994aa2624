"""What MAXIMUM and MINIMUM share: one of two elements, without any arithmetic."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import numpy as np

from edgekit.ir import Array, Operator, Shape
from edgekit.ops.binary import check_pair, common_shape, walk_needs
from edgekit.ops.definition import Definition, KernelNeeds, NoAttributes, kernel_for


class Extremum(Definition[NoAttributes]):
    """int8 or int16; integers are compared as they are, whatever they mean, as in TFLite Micro."""

    in_place_inputs = (0, 1)

    @abstractmethod
    def choose(self, first: Array, second: Array) -> Array:
        """One element of each pair."""

    @abstractmethod
    def bounds(self, operator: Operator, value: int) -> tuple[int, int]:
        """(least, greatest) output where one input is `value` throughout."""

    def check(self, operator: Operator) -> None:
        """Any two shapes that fit."""
        check_pair(operator)

    def output_shapes(self, operator: Operator) -> tuple[Shape, ...]:
        """The common shape."""
        return (common_shape(operator),)

    def evaluate(self, operator: Operator, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
        """Broadcasts as NumPy does."""
        first, second = inputs[:2]
        assert first is not None and second is not None
        return (np.asarray(self.choose(first, second)),)

    def kernel(self, operator: Operator) -> KernelNeeds:
        """A walk over both inputs."""
        parameters, constants = walk_needs(operator)
        return KernelNeeds(
            kernel=kernel_for(self.stem, operator.output.dtype),
            template="extremum",
            parameters=parameters,
            constants=constants,
        )

    def output_clamp(self, operator: Operator) -> tuple[int, int] | None:
        """The bound, where input 1 is one number and input 0 means the same as the output."""
        source, bound = operator.input(0), operator.input(1).constant
        if bound is None or np.unique(bound).size != 1 or source.shape != operator.output.shape:
            return None
        if not source.means_the_same_as(operator.output):
            return None
        return self.bounds(operator, int(bound.flat[0]))
