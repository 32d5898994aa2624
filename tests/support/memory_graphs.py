"""Graphs of which only sizes and order matter, and every plan there is for a tiny one."""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st

from edgekit.errors import MemoryPlanError
from edgekit.ir import DType, Graph, Operator, Tensor
from edgekit.memory import Allocation, MemoryPlan, plan_problem, verify
from edgekit.memory.lifetimes import Lifetime, Problem, Takeover, Value
from edgekit.ops import Definition

Scratch = tuple[int, ...]


class _OnlyAliasing(Definition[Any]):
    """A definition that the planner asks for nothing but what may share bytes."""

    builtin_code = -1

    def check(self, operator): ...
    def output_shapes(self, operator): ...
    def evaluate(self, operator, inputs): ...
    def kernel(self, operator): ...


class Plain(_OnlyAliasing):
    stem = "plain"


class View(_OnlyAliasing):
    stem = "view"
    is_view = True


class InPlace(_OnlyAliasing):
    """Like ADD: over either input."""

    stem = "in_place"
    in_place_inputs = (0, 1)


class InPlaceFirst(_OnlyAliasing):
    """Over its first input only."""

    stem = "in_place_first"
    in_place_inputs = (0,)


DEFINITIONS: tuple[Definition[Any], ...] = (Plain(), View(), InPlace(), InPlaceFirst())


def tensor(name: str, size_bytes: int, *, constant: bool = False) -> Tensor:
    value = np.zeros(size_bytes, np.int8) if constant else None
    return Tensor(zlib.crc32(name.encode()), name, (size_bytes,), DType.INT8, constant=value)


def operator(kind: str, inputs: Sequence[Tensor | None], *outputs: Tensor) -> Operator:
    return Operator(kind, 0, tuple(inputs), outputs, None)


def graph(
    operators: Sequence[Operator], inputs: Sequence[Tensor], outputs: Sequence[Tensor]
) -> Graph:
    return Graph("model", tuple(operators), tuple(inputs), tuple(outputs))


def residual_graph(blocks: int) -> Graph:
    """Two plain operators and an addition of what went in, `blocks` times, getting smaller."""
    last = source = tensor("in", 3 * 1024)
    operators = []
    for i in range(blocks):
        size = 16 * (1000 - 10 * i)
        skip, inner, branch, total = (tensor(f"{n}{i}", size) for n in "sibt")
        operators += [
            operator("plain", [last], skip),
            operator("plain", [skip], inner),
            operator("plain", [inner], branch),
            operator("in_place", [skip, branch], total),
        ]
        last = total
    return graph(operators, [source], [last])


def problem(steps: int, values: Sequence[tuple[int, int, int]], *takeovers: Takeover) -> Problem:
    """From (units of 16 bytes, first step, last step) of each value."""
    made = tuple(Value((Lifetime(None, first, last),), 16 * size) for size, first, last in values)
    return Problem(steps, made, takeovers)


@st.composite
def graphs(draw: st.DrawFn, *, operators: int = 10, places: int = 40) -> tuple[Graph, Scratch]:
    """Any graph of at most so many operators, and of so many tensors and scratches with bytes."""
    sizes = st.sampled_from([8, 16, 17, 32, 48])
    known = [tensor(f"in{i}", draw(sizes)) for i in range(draw(st.integers(1, 2)))]
    inputs, made, scratch = list(known), [], []
    known.append(tensor("constant", draw(sizes), constant=True))
    left = places - len(known)
    while left > 0 and len(made) < operators:
        sources = draw(st.lists(st.sampled_from(known), min_size=1, max_size=3))
        kind = draw(st.sampled_from([d.stem for d in DEFINITIONS]))
        keep = kind == "view" or (kind != "plain" and draw(st.integers(0, 3)) > 0)
        count = draw(st.integers(1, 2)) if kind == "plain" and left > 1 else 1
        size = sources[0].size_bytes if keep else draw(sizes)
        outputs = [tensor(f"t{len(made)}.{i}", size) for i in range(count)]
        left -= count
        needed = draw(st.sampled_from([0, 0, 0, 20])) if left > 0 else 0
        left -= needed > 0
        scratch.append(needed)
        made.append(operator(kind, sources, *outputs))
        known += outputs
    outputs = draw(st.lists(st.sampled_from(known), min_size=1, max_size=2, unique=True))
    return graph(made, inputs, outputs), tuple(scratch)


def plans_of(of: Graph, scratch: Scratch, arena_bytes: int) -> Iterator[MemoryPlan]:
    """Every plan in an arena of this size that holds when it is run on paper."""
    values = plan_problem(of, scratch).values
    places = [(member, value.size_bytes) for value in values for member in value.members]
    choices = [range(0, arena_bytes - size + 1, 16) for _, size in places]
    for offsets in itertools.product(*choices):
        allocations = tuple(
            Allocation(
                tensor=member.tensor,
                offset_bytes=offset,
                size_bytes=size,
                first_step=member.first_step,
                last_step=member.last_step,
            )
            for (member, size), offset in zip(places, offsets, strict=True)
        )
        found = MemoryPlan(
            steps=len(of.operators),
            allocations=allocations,
            arena_bytes=arena_bytes,
            lower_bound_bytes=0,
            proof="none",
            heuristic="every plan there is",
        )
        try:
            verify(of, scratch, found)
        except MemoryPlanError:
            continue
        yield found
