"""What operators of one input share: their function of a byte becomes a table of 256."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar, TypeVar

import numpy as np

from edgekit.ir import Array, DType, Operator, Shape, Tensor
from edgekit.ops.definition import Definition, KernelNeeds, require
from edgekit.ops.fixed_point import Int64

A = TypeVar("A")

#: What operators with a kernel of their own for int16 serve; that one has zero points of 0.
INT8_AND_INT16 = ((DType.INT8, DType.INT8), (DType.INT16, DType.INT16))


class Lookup(Definition[A]):
    """An operator whose every output element depends on one input element.

    The host evaluates it for all bytes that there are; the device only looks up. Operators that
    serve int16 too compute it on the device.
    """

    in_place_inputs = (0,)
    #: (input, output) types that TFLite Micro computes and a kernel serves.
    types: ClassVar[tuple[tuple[DType, DType], ...]] = ((DType.INT8, DType.INT8),)

    @abstractmethod
    def function(self, operator: Operator, values: Int64) -> Int64:
        """The output's integers for the input's integers `values`; they are saturated later."""

    def check(self, operator: Operator) -> None:
        """One scale in, one scale out."""
        source, output = operator.input(0), operator.output
        require(
            (source.dtype, output.dtype) in self.types,
            f"{source.dtype.value} to {output.dtype.value} is not supported",
        )
        check_scale(source)
        check_scale(output)
        require(source.constant is None, "its input is constant")

    def output_shapes(self, operator: Operator) -> tuple[Shape, ...]:
        """The input's."""
        return (operator.input(0).shape,)

    def evaluate(self, operator: Operator, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
        """`function`, element by element."""
        (source,) = inputs
        assert source is not None
        dtype = operator.output.dtype
        values = self.function(operator, source.astype(np.int64))
        return (np.clip(values, dtype.min, dtype.max).astype(dtype.numpy),)

    def kernel(self, operator: Operator) -> KernelNeeds:
        """One kernel for all: out[i] = table[in[i]]."""
        return KernelNeeds(
            kernel="lookup_s8",
            template="lookup",
            parameters={"elements": operator.output.elements},
            constants={"table": self._table(operator)[1].view(np.uint8)},
        )

    def output_clamp(self, operator: Operator) -> tuple[int, int] | None:
        """The function's range, if it is a clamp and both tensors mean the same."""
        if not operator.input(0).means_the_same_as(operator.output):
            return None
        values, table = self._table(operator)
        low, high = int(table.min()), int(table.max())
        return (low, high) if np.array_equal(table, np.clip(values, low, high)) else None

    def _table(self, operator: Operator) -> tuple[Array, Array]:
        """Every value of the input, in the order of its unsigned bits, and what becomes of it."""
        dtype = operator.input(0).dtype
        values = np.arange(1 << 8 * dtype.size_bytes).astype(dtype.numpy)
        (table,) = self.evaluate(operator, (values,))
        return values, table


def check_symmetric(operator: Operator) -> None:
    """Refuse int16 with zero points."""
    for tensor in (operator.input(0), operator.output):
        require(
            tensor.dtype is not DType.INT16 or tensor.zero_point == 0,
            f"tensor {tensor.name!r} is int16 with a zero point",
        )


def check_scale(tensor: Tensor) -> None:
    """Refuse a tensor without exactly one scale."""
    require(
        tensor.quantization is not None and tensor.quantization.per_tensor,
        f"tensor {tensor.name!r} has no single scale",
    )
