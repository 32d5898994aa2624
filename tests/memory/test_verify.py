from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.memory_graphs import Scratch, graph, graphs, operator, tensor

from edgekit.errors import MemoryPlanError
from edgekit.ir import Graph
from edgekit.memory import Allocation, MemoryPlan, plan, verify

A, B, C, D = (tensor(name, 16) for name in "abcd")
TWO_PLAIN = graph([operator("plain", [A], B), operator("plain", [B], C)], [A], [C])


def placed(of: Graph, *, scratch: Scratch = (), **offsets: int) -> MemoryPlan:
    """A plan of `of` with these offsets, by the tensors' names; scratch lies at 32."""
    good = plan(of, scratch or (0,) * len(of.operators))
    allocations = tuple(
        dataclasses.replace(a, offset_bytes=offsets[a.tensor.name] if a.tensor else 32)
        for a in good.allocations
    )
    return dataclasses.replace(good, allocations=allocations, arena_bytes=4096, proof="none")


@pytest.mark.parametrize(
    ("at", "fields", "message"),
    [
        (1, {"offset_bytes": 8}, "not aligned to 16"),
        (1, {"offset_bytes": -16}, "not inside the arena"),
        (1, {"offset_bytes": 4096}, "not inside the arena"),
        (1, {"size_bytes": 8}, "has 8 bytes, not its tensor's"),
        (1, {"offset_bytes": 0}, "step 0 .plain. writes tensor .* 'b' over tensor .* 'a'"),
        (1, {"first_step": 1}, "step 0 writes tensor .* 'b' out of its lifetime"),
        (1, {"last_step": 0}, "step 1 reads tensor .* 'b' out of its lifetime"),
        (2, {"offset_bytes": 48}, "step 1 writes the scratch of step 1 and tensor"),
        (3, {"offset_bytes": 16}, "scratch of step 1 lies over tensor .* 'b'"),
        (3, {"size_bytes": 8}, "step 1 needs 40 bytes of scratch"),
    ],
)
def test_a_plan_with_one_thing_wrong_is_refused(at: int, fields: dict[str, int], message: str):
    good = placed(TWO_PLAIN, scratch=(0, 40), a=0, b=16, c=0)
    verify(TWO_PLAIN, (0, 40), good)
    allocations = list(good.allocations)
    allocations[at] = dataclasses.replace(allocations[at], **fields)
    with pytest.raises(MemoryPlanError, match=message):
        verify(TWO_PLAIN, (0, 40), dataclasses.replace(good, allocations=tuple(allocations)))


def test_an_arena_that_is_not_whole_units_is_refused():
    with pytest.raises(MemoryPlanError, match="not aligned"):
        verify(
            TWO_PLAIN,
            (0, 0),
            dataclasses.replace(plan(TWO_PLAIN, (0, 0)), arena_bytes=40, proof="none"),
        )


def test_a_bound_above_the_arena_and_a_proof_of_another_size_are_refused():
    good = plan(TWO_PLAIN, (0, 0))
    with pytest.raises(MemoryPlanError, match="32 bytes is below its lower bound of 48"):
        verify(TWO_PLAIN, (0, 0), dataclasses.replace(good, lower_bound_bytes=48))
    with pytest.raises(MemoryPlanError, match="the proof of lower bound proves another size"):
        verify(TWO_PLAIN, (0, 0), dataclasses.replace(good, lower_bound_bytes=16))


def test_bytes_that_are_lost_before_they_are_read_are_found():
    of = graph(
        [operator("plain", [A], B), operator("plain", [B], C), operator("plain", [A, C], D)],
        [A],
        [D],
    )
    with pytest.raises(MemoryPlanError, match=r"tensor .* 'a' is lost before step 2 reads it"):
        verify(of, (0, 0, 0), placed(of, a=0, b=16, c=0, d=32))


def test_inputs_are_apart_even_if_one_is_never_read():
    of = graph([operator("plain", [A], C)], [A, B], [C])
    with pytest.raises(MemoryPlanError, match="step -1 writes tensor"):
        verify(of, (0,), placed(of, a=0, b=0, c=16))


def test_outputs_are_whole_after_the_last_step():
    of = graph([operator("plain", [A], B), operator("plain", [A], C)], [A], [B, C])
    with pytest.raises(MemoryPlanError, match=r"tensor .* 'b' is lost before step 2 reads it"):
        verify(of, (0, 0), placed(of, a=0, b=16, c=16))


def test_a_view_in_place_spoils_nothing_and_one_elsewhere_is_a_copy():
    of = graph([operator("view", [A], B), operator("plain", [A, B], C)], [A], [C])
    verify(of, (0, 0), placed(of, a=0, b=0, c=16))
    verify(of, (0, 0), placed(of, a=0, b=16, c=32))


def test_scratch_of_a_view_spoils_what_it_lies_over():
    of = graph([operator("view", [A], B), operator("plain", [B, C], D)], [A, C], [D])
    verify(of, (20, 0), placed(of, scratch=(20, 0), a=0, b=0, c=16, d=64))
    with pytest.raises(MemoryPlanError, match=r"tensor .* 'c' is lost before step 1 reads it"):
        verify(of, (20, 0), placed(of, scratch=(20, 0), a=0, b=0, c=32, d=64))


def test_an_operator_may_overwrite_only_an_input_that_its_kernel_allows():
    of = graph([operator("in_place_first", [A, B], C)], [A, B], [C])
    verify(of, (0,), placed(of, a=0, b=16, c=0))
    with pytest.raises(MemoryPlanError, match=r"in_place_first. writes tensor .* 'c' over"):
        verify(of, (0,), placed(of, a=0, b=16, c=16))


def test_what_is_overwritten_in_place_is_lost_with_its_views():
    of = graph(
        [operator("view", [A], B), operator("in_place", [A], C), operator("plain", [B, C], D)],
        [A],
        [D],
    )
    with pytest.raises(MemoryPlanError, match=r"tensor .* 'b' is lost before step 2 reads it"):
        verify(of, (0, 0, 0), placed(of, a=0, b=0, c=0, d=16))


def test_an_in_place_output_lies_exactly_on_its_input():
    large, other = tensor("large", 64), tensor("other", 64)
    of = graph([operator("in_place", [large], other)], [large], [other])
    with pytest.raises(MemoryPlanError, match=r"writes tensor .* 'other' over"):
        verify(of, (0,), placed(of, large=0, other=16))


def owners(of: Graph, scratch: Scratch, made: MemoryPlan) -> bool:
    """The same question by brute force: give every byte an owner, and look at what is read."""
    arena: list[object] = [None] * made.arena_bytes
    holds: dict[object, object] = {}  # what a tensor's bytes must say

    def fill(a: Allocation, mark: object) -> None:
        arena[a.offset_bytes : a.offset_bytes + a.size_bytes] = [
            (mark, i) for i in range(a.size_bytes)
        ]

    def whole(a: Allocation) -> bool:
        want = [(holds[a.tensor], i) for i in range(a.size_bytes)]
        return arena[a.offset_bytes : a.offset_bytes + a.size_bytes] == want

    for t in dict.fromkeys((*of.inputs, *(t for t in of.outputs if t.constant is not None))):
        holds[t] = t
        fill(made.allocation_of(t), t)
    start_whole = all(whole(made.allocation_of(t)) for t in holds)
    for step, op in enumerate(of.operators):
        if not all(whole(made.allocation_of(t)) for t in op.activations):
            return False
        viewed = op.kind == "view" and op.input(0).constant is None
        for t in op.outputs:
            holds[t] = holds[op.input(0)] if viewed else t
            fill(made.allocation_of(t), holds[t])
        if scratch[step]:
            a = next(x for x in made.allocations if x.tensor is None and x.first_step == step)
            fill(a, a)
        if not all(whole(made.allocation_of(t)) for t in op.outputs):
            return False
    return start_whole and all(whole(made.allocation_of(t)) for t in of.outputs)


@given(case=graphs(), shuffle=st.randoms(use_true_random=False))
@settings(deadline=None)
def test_what_passes_holds_when_every_byte_has_an_owner(case: tuple[Graph, Scratch], shuffle: Any):
    of, scratch = case
    good = plan(of, scratch, solver=False)
    assert owners(of, scratch, good)
    arena = good.arena_bytes + 16
    spots = [
        dataclasses.replace(
            a, offset_bytes=16 * shuffle.randrange((arena - a.size_bytes) // 16 + 1)
        )
        if shuffle.random() < 0.3
        else a
        for a in good.allocations
    ]
    moved = dataclasses.replace(
        good, allocations=tuple(spots), arena_bytes=arena, proof="none", lower_bound_bytes=0
    )
    try:
        verify(of, scratch, moved)
    except MemoryPlanError:
        return
    assert owners(of, scratch, moved)
