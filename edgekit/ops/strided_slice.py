"""STRIDED_SLICE: from each dimension every n-th value between a begin and an end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgekit.ir import Array, Operator, Shape
from edgekit.ops.definition import Definition, KernelNeeds, require, slot
from edgekit.ops.movement import check_same_type, static_values
from edgekit.ops.strided_copy import Loop, needs, plan_copy, steps_bytes


@dataclass(frozen=True, slots=True)
class StridedSliceAttributes:
    """StridedSliceOptions. Bit d of a mask is about dimension d."""

    begin_mask: int = slot(0, "int32", 0)  # as if the begin were left out
    end_mask: int = slot(1, "int32", 0)  # as if the end were left out
    ellipsis_mask: int = slot(2, "int32", 0)
    new_axis_mask: int = slot(3, "int32", 0)
    shrink_axis_mask: int = slot(4, "int32", 0)  # only the begin, and the dimension goes
    offset: bool = slot(5, "bool", False)


class StridedSlice(Definition[StridedSliceAttributes]):
    """Inputs 1, 2, 3: begins, ends, strides; constant, one for each dimension of the input."""

    stem = "strided_slice"
    builtin_code = 45
    options_type = 32
    attributes = StridedSliceAttributes

    def check(self, operator: Operator) -> None:
        """Refuses where TFLite Micro ignores what the model asks, or reads nothing."""
        check_same_type(operator)
        chosen = ranges(operator)
        require(all(chosen), "it takes nothing from a dimension")

    def output_shapes(self, operator: Operator) -> tuple[Shape, ...]:
        """How many values it takes from each dimension, without those that it shrinks."""
        mask = operator.attributes.shrink_axis_mask
        return (tuple(len(r) for d, r in enumerate(ranges(operator)) if not mask >> d & 1),)

    def evaluate(self, operator: Operator, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
        """Moves values only."""
        source = inputs[0]
        assert source is not None
        taken = source[np.ix_(*(np.array(r) for r in ranges(operator)))]
        return (taken.reshape(self.output_shapes(operator)[0]),)

    def kernel(self, operator: Operator) -> KernelNeeds:
        """A copy that walks the input in strides and the output in its order."""
        source, chosen = operator.input(0), ranges(operator)
        element_bytes = source.dtype.size_bytes
        in_steps = steps_bytes(source.shape, element_bytes)
        out_steps = steps_bytes(tuple(map(len, chosen)), element_bytes)
        loops = (
            Loop(len(r), r.step * in_step, out_step)
            for r, in_step, out_step in zip(chosen, in_steps, out_steps, strict=True)
        )
        start = sum(r[0] * in_step for r, in_step in zip(chosen, in_steps, strict=True))
        return needs(operator, [plan_copy(loops, element_bytes, in_offset=start)])


def ranges(operator: Operator) -> tuple[range, ...]:
    """Which indices it takes from each dimension of the input."""
    attributes = operator.attributes
    require(attributes.ellipsis_mask == 0, "its ellipsis_mask, which TFLite Micro ignores")
    require(attributes.new_axis_mask == 0, "its new_axis_mask, which TFLite Micro ignores")
    require(not attributes.offset, "its ends that count from the begins")
    shape = operator.input(0).shape
    begins = static_values(operator, 1, "begins")
    ends = static_values(operator, 2, "ends")
    strides = static_values(operator, 3, "strides")
    counts = {len(shape), len(begins), len(ends), len(strides)}
    require(len(counts) == 1, "it does not name all dimensions")
    return tuple(
        _range(attributes, d, size, slice(begins[d], ends[d], strides[d]))
        for d, size in enumerate(shape)
    )


def _range(attributes: StridedSliceAttributes, d: int, size: int, asked: slice) -> range:
    """The indices along dimension `d`; out of range means to the end, as in Python."""
    require(asked.step != 0, "its stride of 0")
    begin = None if attributes.begin_mask >> d & 1 else asked.start
    if attributes.shrink_axis_mask >> d & 1:
        require(asked.step > 0, "it shrinks a dimension that it walks backwards")
        first = slice(begin, None, asked.step).indices(size)[0]
        require(first < size, f"index {first} of {size}")
        return range(first, first + 1)
    end = None if attributes.end_mask >> d & 1 else asked.stop
    return range(*slice(begin, end, asked.step).indices(size))
