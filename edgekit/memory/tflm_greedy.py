"""TFLite Micro's GreedyMemoryPlanner, offset for offset.

Made after tensorflow/lite/micro/memory_planner/greedy_memory_planner.cc; the oracle's head in
tests/memory/test_tflm_greedy.py says whether it still is the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A buffer that the planner is asked for, in the order in which it is asked."""

    size_bytes: int  # a multiple of 16
    first_step: int
    last_step: int  # inclusive
    offset_bytes: int | None = None  # from an offline plan, which the planner takes as it is

    def meets(self, other: Request) -> bool:
        """True if both are needed at some step."""
        return self.first_step <= other.last_step and other.first_step <= self.last_step


def greedy_offsets(requests: Sequence[Request]) -> tuple[int, ...]:
    """The offset, in bytes from the start of the arena, that each of `requests` gets.

    Those with an offset keep it, come first, and are not checked against each other. The others
    follow, largest first; of equal ones the one asked for last. Each goes into the lowest gap that
    is large enough between those needed at the same time.
    """
    offsets = [-1] * len(requests)
    placed: list[int] = []  # by offset; of equal ones the one placed first
    for index in _order(requests):
        wanted = requests[index]
        offset = wanted.offset_bytes
        if offset is None:
            offset = _lowest_gap(requests, offsets, placed, wanted)
        offsets[index] = offset
        place = next((i for i, p in enumerate(placed) if offsets[p] > offset), len(placed))
        placed.insert(place, index)
    return tuple(offsets)


def head_of(requests: Sequence[Request], offsets: Sequence[int]) -> int:
    """Bytes from the start of the arena to behind the last buffer."""
    return max((o + r.size_bytes for r, o in zip(requests, offsets, strict=True)), default=0)


def _order(requests: Sequence[Request]) -> list[int]:
    fixed = [i for i, request in enumerate(requests) if request.offset_bytes is not None]
    others = [i for i, request in enumerate(requests) if request.offset_bytes is None]
    return fixed + sorted(reversed(others), key=lambda i: -requests[i].size_bytes)


def _lowest_gap(
    requests: Sequence[Request], offsets: Sequence[int], placed: Sequence[int], wanted: Request
) -> int:
    free = 0
    for index in placed:
        if not requests[index].meets(wanted):
            continue
        if offsets[index] - free >= wanted.size_bytes:
            break
        free = max(free, offsets[index] + requests[index].size_bytes)
    return free
