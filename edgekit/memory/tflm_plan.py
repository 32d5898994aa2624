"""Graph -> the head of TensorFlow Lite Micro's arena: by its own planner, or by our offline plan.

Its rules are not those of engine `aot`: no operator runs in place, and where a plan leaves an
offset out, its planner chooses one while the interpreter starts. That is so for scratch always,
for it knows only then what kernels ask for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from edgekit import memory
from edgekit.ir import Graph, Tensor
from edgekit.memory.aliasing import TFLM
from edgekit.memory.lifetimes import Problem, aligned, plan_problem
from edgekit.memory.tflm_greedy import Request, greedy_offsets, head_of
from edgekit.memory.tflm_scratch import KernelLibrary, scratch_requests

WhenToPlan = Literal["if smaller", "always", "never"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Where tensors lie in the head, and how large it is."""

    offsets: Mapping[Tensor, int] | None  # our plan, in bytes; None: TFLite Micro plans
    head_bytes: int  # a multiple of 16
    lower_bound_bytes: int  # no plan by TFLite Micro's rules is smaller


def plan_head(
    graph: Graph, libraries: Sequence[KernelLibrary], *, plan: WhenToPlan = "if smaller"
) -> Head:
    """The smallest head that we find for `graph`, or the one that TFLite Micro finds by itself.

    Our plan leaves room for the scratch of every one of `libraries`; what is returned holds for
    whichever of them the device has. TFLite Micro's planner is reproduced with the plan and
    without it, so both sizes are those that the device will see.

    Args:
        graph: the model as it is embedded; operators of unknown kinds are fine.
        libraries: whose kernels the device may have.
        plan: when to give a plan.

    Raises:
        MemoryPlanError: our plan is wrong (a bug of ours).
    """
    scratch = [[scratch_requests(op, library) for op in graph.operators] for library in libraries]
    most = [max(sum(map(aligned, one)) for one in of) for of in zip(*scratch, strict=True)]
    bound = max(
        plan_problem(graph, [sum(map(aligned, one)) for one in of], rules=TFLM).lower_bound_bytes
        for of in scratch
    )
    problem = plan_problem(graph, most, rules=TFLM)
    greedy = max(_head(problem, of, None) for of in scratch)
    if plan == "never" or (plan == "if smaller" and greedy == bound):
        return Head(offsets=None, head_bytes=greedy, lower_bound_bytes=bound)
    made = memory.plan(graph, most, rules=TFLM)
    offsets = {a.tensor: a.offset_bytes for a in made.allocations if a.tensor is not None}
    planned = max(_head(problem, of, offsets) for of in scratch)
    if planned < greedy or plan == "always":
        return Head(offsets=offsets, head_bytes=planned, lower_bound_bytes=bound)
    return Head(offsets=None, head_bytes=greedy, lower_bound_bytes=bound)


def _head(
    problem: Problem, scratch: Sequence[Sequence[int]], offsets: Mapping[Tensor, int] | None
) -> int:
    """Bytes of the head that TFLite Micro's planner makes: of tensors by number, then scratch."""
    lifetimes = sorted(
        ((m.tensor, m) for value in problem.values for m in value.members if m.tensor is not None),
        key=lambda item: item[0].id,
    )
    requests = [
        Request(
            size_bytes=aligned(tensor.size_bytes),
            first_step=lifetime.first_step,
            last_step=lifetime.last_step,
            offset_bytes=None if offsets is None else offsets[tensor],
        )
        for tensor, lifetime in lifetimes
    ]
    requests += [
        Request(size_bytes=aligned(size), first_step=step, last_step=step)
        for step, sizes in enumerate(scratch)
        for size in sizes
    ]
    return head_of(requests, greedy_offsets(requests))
