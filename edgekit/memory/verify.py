"""Is a plan right? It is run on paper: who owns which bytes before and after each operator.

Nothing here looks at how the plan was made; lifetimes are not trusted but checked.
"""

from __future__ import annotations

from collections.abc import Sequence

from edgekit.errors import MemoryPlanError
from edgekit.ir import Graph, Operator, Tensor
from edgekit.memory.aliasing import OURS, Rules
from edgekit.memory.allocation import Allocation, MemoryPlan
from edgekit.memory.lifetimes import ALIGNMENT_BYTES, BEFORE


def verify(
    graph: Graph, scratch_bytes: Sequence[int], plan: MemoryPlan, *, rules: Rules = OURS
) -> None:
    """Raise MemoryPlanError unless every read of an invoke finds the bytes that were written.

    Besides: each allocation is aligned, as large as its tensor and inside the arena; its first
    and last step hold all uses; and the arena is not smaller than what is said to be possible.
    """
    if plan.arena_bytes < plan.lower_bound_bytes:
        raise MemoryPlanError(
            f"{graph.name}: an arena of {plan.arena_bytes:,} bytes is below its lower bound of "
            f"{plan.lower_bound_bytes:,}"
        )
    if plan.optimal and plan.arena_bytes != plan.lower_bound_bytes:
        raise MemoryPlanError(f"{graph.name}: the proof of {plan.proof} proves another size")
    for allocation in plan.allocations:
        _check_place(allocation, plan.arena_bytes)
    memory = _Memory(plan)
    moved = [t for t in graph.outputs if t.constant is not None and rules.constants_move]
    memory.write([plan.allocation_of(t) for t in dict.fromkeys((*graph.inputs, *moved))], BEFORE)
    for step, operator in enumerate(graph.operators):
        memory.read(operator.activations, step)
        _run(memory, plan, operator, step, scratch_bytes[step], rules)
    placed = [t for t in graph.outputs if t.constant is None or rules.constants_move]
    memory.read(placed, len(graph.operators))


class _Memory:
    """Which tensors' bytes are whole in the arena."""

    def __init__(self, plan: MemoryPlan) -> None:
        self._plan = plan
        self._whole: list[Allocation] = []

    def read(self, tensors: Sequence[Tensor], step: int) -> None:
        for tensor in tensors:
            allocation = self._plan.allocation_of(tensor)
            if allocation not in self._whole:
                raise MemoryPlanError(f"{_name(allocation)} is lost before step {step} reads it")
            if not allocation.first_step <= step <= allocation.last_step:
                raise MemoryPlanError(f"step {step} reads {_name(allocation)} out of its lifetime")

    def write(self, allocations: Sequence[Allocation], step: int) -> None:
        """Write all of them at once: what shared bytes with them is lost."""
        for i, one in enumerate(allocations):
            for other in allocations[:i]:
                if one.shares_bytes_with(other):
                    raise MemoryPlanError(
                        f"step {step} writes {_name(one)} and {_name(other)} to the same bytes"
                    )
        kept = [w for w in self._whole if not any(w.shares_bytes_with(a) for a in allocations)]
        self._whole = kept
        for allocation in allocations:
            self.view(allocation, step)

    def view(self, allocation: Allocation, step: int) -> None:
        """One more tensor has bytes that are whole."""
        if allocation.first_step != step:
            raise MemoryPlanError(f"step {step} writes {_name(allocation)} out of its lifetime")
        self._whole.append(allocation)


def _run(
    memory: _Memory,
    plan: MemoryPlan,
    operator: Operator,
    step: int,
    scratch_bytes: int,
    rules: Rules,
) -> None:
    written = [plan.allocation_of(tensor) for tensor in operator.outputs]
    read = {tensor: plan.allocation_of(tensor) for tensor in operator.activations}
    scratch = _scratch(plan, step, scratch_bytes)
    for place in read.values():
        if any(place.shares_bytes_with(s) for s in scratch):
            raise MemoryPlanError(f"the scratch of step {step} lies over {_name(place)}")
    source = rules.view_source(operator)
    if source is not None and read[source].offset_bytes == written[0].offset_bytes:
        memory.write(scratch, step)
        memory.view(written[0], step)
        return
    for tensor, place in read.items():
        for output in written:
            same = place.offset_bytes == output.offset_bytes and rules.may_overwrite(
                operator, tensor
            )
            if place.shares_bytes_with(output) and not same:
                raise MemoryPlanError(
                    f"step {step} ({operator.kind}) writes {_name(output)} over {_name(place)}, "
                    "which it reads"
                )
    memory.write([*written, *scratch], step)


def _scratch(plan: MemoryPlan, step: int, scratch_bytes: int) -> list[Allocation]:
    found = [a for a in plan.allocations if a.tensor is None and a.first_step == step]
    if sum(a.size_bytes for a in found) != scratch_bytes or len(found) > 1:
        raise MemoryPlanError(f"step {step} needs {scratch_bytes} bytes of scratch, not {found}")
    return found


def _check_place(allocation: Allocation, arena_bytes: int) -> None:
    where = f"{_name(allocation)} at {allocation.offset_bytes}"
    if allocation.offset_bytes % ALIGNMENT_BYTES or arena_bytes % ALIGNMENT_BYTES:
        raise MemoryPlanError(f"{where} of {arena_bytes} is not aligned to {ALIGNMENT_BYTES}")
    if allocation.offset_bytes < 0 or allocation.end_bytes > arena_bytes:
        raise MemoryPlanError(f"{where} is not inside the arena of {arena_bytes:,} bytes")
    tensor = allocation.tensor
    if tensor is not None and tensor.size_bytes != allocation.size_bytes:
        raise MemoryPlanError(f"{where} has {allocation.size_bytes} bytes, not its tensor's")


def _name(allocation: Allocation) -> str:
    if allocation.tensor is None:
        return f"the scratch of step {allocation.first_step}"
    return f"tensor %{allocation.tensor.id} {allocation.tensor.name!r}"
