"""A copy of an array along any strides: TRANSPOSE, STRIDED_SLICE, CONCATENATION, PACK, SPLIT.

The C kernel is firmware/kernels/strided_copy.c; the loops that it runs are laid out here.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from edgekit.ir import Operator, Shape
from edgekit.ops.definition import KernelNeeds
from edgekit.ops.movement import constant_inputs, flash_array


@dataclass(frozen=True, slots=True)
class Loop:
    """One loop of a copy: `size` turns, each so many bytes on in the input and in the output."""

    size: int
    in_step_bytes: int
    out_step_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StridedCopy:
    """Loops, outermost first; each turn of the innermost copies `run_bytes` contiguous bytes."""

    loops: tuple[Loop, ...]  # at least one
    run_bytes: int
    in_offset_bytes: int  # of the first byte read
    out_offset_bytes: int  # of the first byte written


def steps_bytes(shape: Shape, element_bytes: int) -> tuple[int, ...]:
    """How far apart two neighbours along each axis of a whole array lie."""
    return tuple(math.prod(shape[axis + 1 :]) * element_bytes for axis in range(len(shape)))


def plan_copy(
    loops: Iterable[Loop], element_bytes: int, *, in_offset: int = 0, out_offset: int = 0
) -> StridedCopy:
    """The fewest loops that copy the same elements, with the longest one innermost."""
    merged = _merged([loop for loop in loops if loop.size > 1])
    run_bytes = element_bytes
    if merged and merged[-1].in_step_bytes == merged[-1].out_step_bytes == element_bytes:
        run_bytes *= merged.pop().size
    return StridedCopy(
        loops=tuple(sorted(merged, key=lambda loop: loop.size)) or (Loop(1, 0, 0),),
        run_bytes=run_bytes,
        in_offset_bytes=in_offset,
        out_offset_bytes=out_offset,
    )


def _merged(loops: list[Loop]) -> list[Loop]:
    """Two neighbours become one loop where the outer one goes on where the inner one ends."""
    made: list[Loop] = []
    for inner in loops:
        outer = made[-1] if made else None
        if (
            outer is not None
            and outer.in_step_bytes == inner.size * inner.in_step_bytes
            and outer.out_step_bytes == inner.size * inner.out_step_bytes
        ):
            made.pop()
            inner = Loop(outer.size * inner.size, inner.in_step_bytes, inner.out_step_bytes)
        made.append(inner)
    return made


def joined(operator: Operator, outer: int, run_bytes: Sequence[int]) -> KernelNeeds:
    """The kernel that writes, `outer` times, the next `run_bytes[i]` of each input i in turn."""
    starts = list(itertools.accumulate(run_bytes, initial=0))
    copies = [
        plan_copy((Loop(outer, size, starts[-1]), Loop(size, 1, 1)), 1, out_offset=start)
        for start, size in zip(starts, run_bytes, strict=False)
    ]
    return needs(operator, copies)


def needs(operator: Operator, copies: Sequence[StridedCopy]) -> KernelNeeds:
    """The kernel that makes `copies[i]` from each input i into the output."""
    sources = [operator.input(i) for i in range(len(copies))]
    return KernelNeeds(
        kernel="strided_copy",
        template="strided_copy",
        parameters={"copies": tuple(copies)},
        constants=constant_inputs(sources),
    )


def parted(operator: Operator, i: int, outer: int, run_bytes: Sequence[int]) -> KernelNeeds:
    """The kernel that moves, `outer` times, `run_bytes[k]` of input `i` to each output k."""
    starts = list(itertools.accumulate(run_bytes, initial=0))
    copies = [
        plan_copy((Loop(outer, starts[-1], size), Loop(size, 1, 1)), 1, in_offset=start)
        for start, size in zip(starts, run_bytes, strict=False)
    ]
    value = operator.input(i).constant
    return KernelNeeds(
        kernel="strided_copy",
        template="split",
        parameters={"copies": tuple(copies), "source": i},
        constants={} if value is None else {f"input{i}": flash_array(value)},
    )
