"""Two shapes stretched to a common one, as NumPy and TFLite do it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgekit.ir import Shape


@dataclass(frozen=True, slots=True)
class Loop:
    """One dimension of the output, or several that can be walked as one."""

    size: int
    steps: tuple[int, int]  # elements that each input moves on by; 0 repeats


def broadcast_shape(first: Shape, second: Shape) -> Shape | None:
    """The common shape, or None if there is none."""
    pairs = list(itertools.zip_longest(reversed(first), reversed(second), fillvalue=1))
    if any(a != b and 1 not in (a, b) for a, b in pairs):
        return None
    return tuple(max(pair) for pair in reversed(pairs))


def loops(first: Shape, second: Shape) -> tuple[Loop, ...]:
    """The fewest nested loops over the common shape, innermost first.

    In the innermost both steps are 0 or 1, and not both 0.
    """
    found: list[Loop] = []
    strides = [1, 1]
    for sizes in itertools.zip_longest(reversed(first), reversed(second), fillvalue=1):
        size = max(sizes)
        if size == 1:
            continue
        steps = tuple(0 if n == 1 else stride for n, stride in zip(sizes, strides, strict=True))
        strides = [stride * n for n, stride in zip(sizes, strides, strict=True)]
        inner = found[-1] if found else None
        if inner is not None and steps == tuple(s * inner.size for s in inner.steps):
            found[-1] = Loop(inner.size * size, inner.steps)
        else:
            found.append(Loop(size, (steps[0], steps[1])))
    return tuple(found) or (Loop(1, (1, 1)),)


def loop_array(outer: tuple[Loop, ...]) -> npt.NDArray[np.int32]:
    """What ek_elementwise.h reads: size and steps of each loop, shape [loops, 3]."""
    return np.array([(loop.size, *loop.steps) for loop in outer], np.int32).reshape(-1, 3)
