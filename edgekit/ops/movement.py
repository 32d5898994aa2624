"""What operators share that move values and compute nothing.

Bytes mean nothing to them, so every element type will do, those too that TFLite Micro's kernels
leave out: its int8 result is what the same moves make of any other type.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Generic, TypeVar

import numpy as np

from edgekit.ir import Array, DType, Operator, Shape, Tensor
from edgekit.ops.definition import Definition, KernelNeeds, UnsupportedError, require

A = TypeVar("A")

_AS_THEY_ARE = (DType.INT8, DType.UINT8, DType.INT16, DType.INT32)


def static_values(operator: Operator, i: int, what: str) -> tuple[int, ...]:
    """The integers of input `i`, flat; UnsupportedError if they are not known on the host."""
    tensor = operator.optional_input(i)
    if tensor is None:
        raise UnsupportedError(f"it has no {what}")
    require(tensor.dtype in (DType.INT32, DType.INT64), f"its {what}: {tensor.dtype.value}")
    if tensor.constant is None:
        raise UnsupportedError(f"its {what}: computed, not constant")
    return tuple(int(value) for value in tensor.constant.reshape(-1))


def axis_of(axis: int, rank: int) -> int:
    """`axis` counted from the front; a negative one counts from the end of `rank` dimensions."""
    require(-rank <= axis < rank, f"axis {axis} of {rank} dimensions")
    return axis % rank


def check_same_type(operator: Operator, *inputs: int) -> None:
    """Refuse unless the `inputs` (default: the first) are of the output's element type."""
    for tensor in (operator.input(i) for i in inputs or (0,)):
        require(
            tensor.dtype is operator.output.dtype,
            f"{tensor.dtype.value} becomes {operator.output.dtype.value}",
        )


def flash_array(array: Array) -> Array:
    """`array` as the C array that has its bytes."""
    plain = np.ascontiguousarray(array).reshape(-1)
    return plain if DType(str(plain.dtype)) in _AS_THEY_ARE else plain.view(np.uint8)


def constant_inputs(inputs: Sequence[Tensor]) -> dict[str, Array]:
    """The constants among the values that are moved, named as `KernelNeeds` has it."""
    return {
        f"input{i}": flash_array(tensor.constant)
        for i, tensor in enumerate(inputs)
        if tensor.constant is not None
    }


class View(Definition[A], Generic[A]):
    """An operator whose output has the bytes of its first input in the same order."""

    is_view = True

    def check(self, operator: Operator) -> None:
        """Only the number of elements must not change."""
        check_same_type(operator)
        (shape,) = self.output_shapes(operator)
        require(math.prod(shape) == operator.input(0).elements, "its sizes do not match")

    def evaluate(self, operator: Operator, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
        """The same values in another shape."""
        source = inputs[0]
        assert source is not None
        return (source.reshape(self.output_shapes(operator)[0]),)

    def kernel(self, operator: Operator) -> KernelNeeds:
        """Nothing where the memory plan lets both have the same bytes; a copy of a constant."""
        return KernelNeeds(
            kernel="copy",
            template="view",
            parameters={"size_bytes": operator.output.size_bytes},
            constants=constant_inputs((operator.input(0),)),
        )


def same_shape_but(axis: int, shapes: Sequence[Shape]) -> bool:
    """True if `shapes` are equal but for the size along `axis`."""
    return len({(*shape[:axis], *shape[axis + 1 :]) for shape in shapes}) == 1
