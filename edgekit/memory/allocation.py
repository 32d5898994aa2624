"""MemoryPlan: where every tensor lies in the arena, and how good that is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from edgekit.errors import MemoryPlanError
from edgekit.ir import Tensor
from edgekit.memory.lifetimes import aligned

#: Why no plan can be smaller: it is as small as the bytes live at one step; an exact solver
#: searched all plans; or there is no proof.
Proof = Literal["lower bound", "exact solver", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation:
    """Where one tensor, or the scratch of one step, lies in the arena, and for how long."""

    tensor: Tensor | None  # None: scratch
    offset_bytes: int  # from the start of the arena
    size_bytes: int
    first_step: int  # that writes it; -1: before the first step
    last_step: int  # that reads it, inclusive; the number of steps: after the last

    @property
    def end_bytes(self) -> int:
        """The first byte behind it, from the start of the arena."""
        return self.offset_bytes + self.size_bytes

    def shares_bytes_with(self, other: Allocation) -> bool:
        """True if some byte belongs to both, at whatever step."""
        return self.offset_bytes < other.end_bytes and other.offset_bytes < self.end_bytes

    def overlaps(self, other: Allocation) -> bool:
        """True if both need the same byte at the same step."""
        in_time = self.first_step <= other.last_step and other.first_step <= self.last_step
        return in_time and self.shares_bytes_with(other)


@dataclass(frozen=True, kw_only=True)
class MemoryPlan:
    """A place in the arena for every tensor that needs one, and for every scratch."""

    steps: int
    allocations: tuple[Allocation, ...]
    arena_bytes: int  # a multiple of 16, as is every offset
    lower_bound_bytes: int  # proven: no plan for this graph and scratch is smaller
    proof: Proof
    heuristic: str  # that found these offsets
    hint: str | None = None  # what to try where there is no proof

    @property
    def optimal(self) -> bool:
        """True if it is proven that no plan is smaller."""
        return self.proof != "none"

    def allocation_of(self, tensor: Tensor) -> Allocation:
        """The place of `tensor`; MemoryPlanError if it needs none, as constants."""
        if tensor not in self._by_tensor:
            raise MemoryPlanError(f"tensor %{tensor.id} {tensor.name!r} has no place in the arena")
        return self._by_tensor[tensor]

    def offset_of(self, tensor: Tensor) -> int:
        """Bytes from the start of the arena to `tensor`; equal for a view and its source."""
        return self.allocation_of(tensor).offset_bytes

    def scratch_offset(self, step: int) -> int | None:
        """Bytes from the start of the arena to the scratch of `step`; None if it has none."""
        allocation = self._scratch_by_step.get(step)
        return None if allocation is None else allocation.offset_bytes

    def live_bytes(self, step: int) -> int:
        """Bytes in use at `step` (-1 to `steps`), rounded up to the alignment.

        Bytes that several tensors share count once. The greatest of these is `arena_bytes` less
        what is lost in gaps.
        """
        live = (a for a in self.allocations if a.first_step <= step <= a.last_step)
        places = sorted((a.offset_bytes, aligned(a.end_bytes)) for a in live)
        total = reached = 0
        for start, end in places:
            total += max(0, end - max(start, reached))
            reached = max(reached, end)
        return total

    @cached_property
    def _by_tensor(self) -> dict[Tensor, Allocation]:
        return {a.tensor: a for a in self.allocations if a.tensor is not None}

    @cached_property
    def _scratch_by_step(self) -> dict[int, Allocation]:
        return {a.first_step: a for a in self.allocations if a.tensor is None}
