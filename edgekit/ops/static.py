"""Operators that converters use to compute with shapes, which edgekit knows on the host.

Passes replace them by their value; what is left of them (an output of the model) is copied.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, TypeVar

from edgekit.ir import Array, Operator, Shape
from edgekit.ops.definition import Definition, KernelNeeds, require
from edgekit.ops.movement import flash_array

A = TypeVar("A")


class Static(Definition[A], Generic[A]):
    """An operator that runs on the host only. `evaluate` refuses what makes no sense."""

    def is_known(self, operator: Operator) -> bool:
        """True if the value can be computed on the host."""
        return not operator.activations

    def check(self, operator: Operator) -> None:
        """All inputs constant, so that the output is a constant too."""
        require(self.is_known(operator), "only static shapes can be computed with it")
        value, output = self._value(operator), operator.output
        require(value.dtype == output.dtype.numpy, f"it makes {value.dtype} values")

    def output_shapes(self, operator: Operator) -> tuple[Shape, ...]:
        """Of the value; nothing is said of an output that depends on the model's inputs."""
        known = self.is_known(operator)
        return (self._value(operator).shape if known else operator.output.shape,)

    def kernel(self, operator: Operator) -> KernelNeeds:
        """The value, copied."""
        return KernelNeeds(
            kernel="copy",
            template="constant",
            parameters={"size_bytes": operator.output.size_bytes},
            constants={"value": flash_array(self._value(operator))},
        )

    def _value(self, operator: Operator) -> Array:
        constants = [None if t is None else t.constant for t in operator.inputs]
        return self.evaluate(operator, constants)[0]


def given(inputs: Sequence[Array | None], count: int) -> tuple[Array, ...]:
    """The first `count` inputs, which must all be there; UnsupportedError if not."""
    present = tuple(array for array in inputs[:count] if array is not None)
    require(len(present) == count, f"it has {len(present)} inputs, not {count}")
    require(all(array.dtype.kind in "iub" for array in present), "only integers are supported")
    return present
