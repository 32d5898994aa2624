"""Graph + scratch -> MemoryPlan: lifetimes, offsets, and the proof that less is impossible."""

from __future__ import annotations

from collections.abc import Sequence

from edgekit.ir import Graph
from edgekit.memory import heuristics
from edgekit.memory.aliasing import OURS, TFLM, Rules
from edgekit.memory.allocation import Allocation, MemoryPlan, Proof
from edgekit.memory.lifetimes import ALIGNMENT_BYTES, BEFORE, Problem, plan_problem
from edgekit.memory.solver import solve
from edgekit.memory.verify import verify


def plan(
    graph: Graph, scratch_bytes: Sequence[int], *, solver: bool = True, rules: Rules = OURS
) -> MemoryPlan:
    """Give every tensor that needs one, and every scratch, a place in an arena as small as can be.

    Args:
        graph: a graph that verifies.
        scratch_bytes: for each operator, what its kernel needs while it runs. 0: nothing.
        solver: ask an exact solver where heuristics miss the lower bound.
        rules: which tensors may share bytes in the engine that the plan is for.

    Raises:
        MemoryPlanError: the plan found is wrong (a bug of ours): each plan is verified.
    """
    problem = plan_problem(graph, scratch_bytes, rules=rules)
    layout = heuristics.best(problem)
    bound_bytes = problem.lower_bound_bytes
    proof: Proof = "lower bound" if layout.arena_bytes == bound_bytes else "none"
    hint = None
    if proof == "none" and solver:
        outcome = solve(problem, layout)
        if outcome is None:
            hint = "pip install 'edgekit[solver]' to search for a smaller plan or a proof"
        else:
            layout, bound_bytes = outcome.layout, outcome.bound_bytes
            proof = "exact solver" if outcome.optimal else "none"
    made = MemoryPlan(
        steps=problem.steps,
        allocations=_allocations(problem, layout.offsets),
        arena_bytes=layout.arena_bytes,
        lower_bound_bytes=bound_bytes,
        proof=proof,
        heuristic=layout.heuristic,
        hint=hint,
    )
    verify(graph, scratch_bytes, made, rules=rules)
    return made


def _allocations(problem: Problem, offsets: Sequence[int]) -> tuple[Allocation, ...]:
    """One for each tensor and scratch, in the order in which they are written."""
    placed = [
        Allocation(
            tensor=member.tensor,
            offset_bytes=offset,
            size_bytes=value.size_bytes,
            first_step=member.first_step,
            last_step=member.last_step,
        )
        for value, offset in zip(problem.values, offsets, strict=True)
        for member in value.members
    ]
    return tuple(sorted(placed, key=lambda a: a.first_step))


__all__ = [
    "ALIGNMENT_BYTES",
    "BEFORE",
    "OURS",
    "TFLM",
    "Allocation",
    "MemoryPlan",
    "Problem",
    "Proof",
    "Rules",
    "plan",
    "plan_problem",
    "verify",
]
