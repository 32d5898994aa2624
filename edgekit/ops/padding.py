"""What PAD and PADV2 share: the paddings, the value that fills them, the kernel."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from edgekit.ir import Array, DType, Operator, Shape
from edgekit.ops.definition import Definition, KernelNeeds, NoAttributes, require
from edgekit.ops.movement import check_same_type, constant_inputs, flash_array, static_values

_TYPES = (DType.INT8, DType.INT16, DType.INT32)


class Padding(Definition[NoAttributes]):
    """Input 1: [rank, 2], how much before and after each dimension; constant.

    Input 2, where there is one: the value that fills them; constant, and on the output's scale.
    """

    def check(self, operator: Operator) -> None:
        """The types that TFLite Micro pads."""
        check_same_type(operator)
        dtype = operator.output.dtype
        require(dtype in _TYPES, f"{dtype.value} is not supported, only int8, int16, int32")
        paddings_of(operator)
        value = operator.optional_input(2)
        if value is not None:
            require(value.constant is not None, "its pad value is computed, not constant")
            require(value.elements == 1, f"it has {value.elements} pad values")
            require(value.dtype is dtype, f"its pad value is {value.dtype.value}")
            same = dtype is not DType.INT8 or value.means_the_same_as(operator.output)
            require(same, "its pad value and output differ in scale or zero point")

    def output_shapes(self, operator: Operator) -> tuple[Shape, ...]:
        """The input's sizes with their paddings added."""
        shape, paddings = operator.input(0).shape, paddings_of(operator)
        sizes = zip(shape, paddings, strict=True)
        return (tuple(before + size + after for size, (before, after) in sizes),)

    def evaluate(self, operator: Operator, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
        """Moves values only."""
        source = inputs[0]
        assert source is not None
        return (np.pad(source, paddings_of(operator), constant_values=pad_value(operator)),)

    def kernel(self, operator: Operator) -> KernelNeeds:
        """Fills and copies in turn, each byte of the output once and in order."""
        source = operator.input(0)
        value = flash_array(np.array([pad_value(operator)], source.dtype.numpy))
        if len(set(value.tobytes())) == 1:
            value = value.view(np.int8)[:1]  # equal bytes: the kernel fills faster with one
        return KernelNeeds(
            kernel="pad",
            template="pad",
            parameters=_layout(source.shape, paddings_of(operator), source.dtype.size_bytes)
            | {"value_bytes": value.nbytes},
            constants={"value": value, **constant_inputs((source,))},
        )


def paddings_of(operator: Operator) -> tuple[tuple[int, int], ...]:
    """(before, after) for each dimension of the input."""
    rank = len(operator.input(0).shape)
    flat = static_values(operator, 1, "paddings")
    require(len(flat) == 2 * rank, f"it has {len(flat)} paddings for {rank} dimensions")
    require(min(flat, default=0) >= 0, "it has a negative padding")
    return tuple(zip(flat[::2], flat[1::2], strict=True))


def pad_value(operator: Operator) -> int:
    """What fills the paddings: input 2, else for int8 the output's zero point, else 0."""
    value, output = operator.optional_input(2), operator.output
    if value is not None:
        assert value.constant is not None
        return int(value.constant.reshape(-1)[0])
    quantized = output.dtype is DType.INT8 and output.quantization is not None
    return output.zero_point if quantized else 0


def _layout(
    shape: Shape, paddings: Sequence[tuple[int, int]], element_bytes: int
) -> dict[str, object]:
    """Runs of the input, and the gaps between them in the output, all in bytes.

    The runs are as long as the dimensions go that have no padding inside. Each loop is (size,
    bytes between two of its turns).
    """
    rank = len(shape)
    padded = [axis for axis, pads in enumerate(paddings) if any(pads)]
    run_axis = padded[-1] if padded else 0
    before, after = [0] * (rank + 1), [0] * (rank + 1)  # of the block that axis, axis + 1 … make
    block_bytes = element_bytes
    for axis in reversed(range(rank)):
        before[axis] = before[axis + 1] + paddings[axis][0] * block_bytes
        after[axis] = after[axis + 1] + paddings[axis][1] * block_bytes
        block_bytes *= shape[axis] + sum(paddings[axis])
    loops: list[tuple[int, int]] = []
    for axis in range(run_axis):
        size, gap = shape[axis], after[axis + 1] + before[axis + 1]
        if loops and loops[-1][1] == gap:
            size *= loops.pop()[0]
        if size > 1:
            loops.append((size, gap))
    return {
        "loops": tuple(loops) or ((1, 0),),
        "run_bytes": math.prod(shape[run_axis:]) * element_bytes,
        "before_bytes": before[0],
        "after_bytes": after[0],
    }
