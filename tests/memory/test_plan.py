from __future__ import annotations

import subprocess
import sys
import time

import pytest
from hypothesis import assume, given, settings
from support import shared_models
from support.memory_graphs import (
    Scratch,
    graph,
    graphs,
    operator,
    plans_of,
    residual_graph,
    tensor,
)

from edgekit.errors import MemoryPlanError
from edgekit.frontends.tflite import read
from edgekit.ir import Graph
from edgekit.memory import Allocation, heuristics, plan
from edgekit.memory.heuristics import Layout


def unlucky_graph() -> Graph:
    """64 bytes are live at once, yet no arena is smaller than 80."""
    units = {"a": 3, "b": 1, "c": 2, "d": 1, "e": 1, "f": 1, "g": 2, "h": 3}
    a, b, c, d, e, f, g, h = (tensor(name, 16 * size) for name, size in units.items())
    operators = [
        operator("plain", [a]),
        operator("plain", [b], c, d),
        operator("plain", [b, d], e, f),
        operator("plain", [d, e], g),
        operator("plain", [d, e, g]),
        operator("plain", [d, e, g]),
        operator("plain", [e], h),
    ]
    return graph(operators, [a, b], [])


@pytest.mark.parametrize(
    ("model", "arena_bytes"),
    [("kws01_int8", 16_000), ("vww01_int8", 55_296), ("ic01_int8", 49_152), ("ad01_int8", 768)],
)
def test_mlperf_tiny_models_need_no_more_than_they_hold_at_their_fullest_step(
    model: str, arena_bytes: int
):
    of = read(shared_models.path(model))
    made = plan(of, (0,) * len(of.operators))
    assert (made.arena_bytes, made.proof) == (arena_bytes, "lower bound")
    assert made.optimal and made.lower_bound_bytes == arena_bytes
    assert max(made.live_bytes(step) for step in range(-1, made.steps + 1)) == arena_bytes


@given(case=graphs())
@settings(deadline=None)
def test_every_plan_is_verified_and_at_or_above_its_bound(case: tuple[Graph, Scratch]):
    of, scratch = case
    made = plan(of, scratch, solver=False)
    assert made.arena_bytes % 16 == 0
    assert made.arena_bytes >= made.lower_bound_bytes
    assert made.optimal == (made.arena_bytes == made.lower_bound_bytes)
    assert made.arena_bytes >= max(made.live_bytes(s) for s in range(-1, made.steps + 1))


@given(case=graphs(operators=4, places=5))
@settings(max_examples=100, deadline=None)
def test_no_plan_at_all_is_smaller_than_one_that_is_called_optimal(case: tuple[Graph, Scratch]):
    of, scratch = case
    made = plan(of, scratch)
    assume(made.arena_bytes <= 96)  # there are too many plans beyond
    assert made.optimal
    assert next(plans_of(of, scratch, made.arena_bytes - 16), None) is None


def test_the_same_graph_always_gets_the_same_plan():
    of = residual_graph(6)
    assert plan(of, (48,) * 24) == plan(of, (48,) * 24)
    assert plan(unlucky_graph(), (0,) * 7).arena_bytes == 80


def test_a_view_lies_where_its_source_lies_and_an_in_place_output_where_its_input_did():
    a, b, c = (tensor(name, 20) for name in "abc")
    made = plan(graph([operator("view", [a], b), operator("in_place", [b], c)], [a], [c]), [0, 0])
    assert made.offset_of(a) == made.offset_of(b) == made.offset_of(c) == 0
    assert made.arena_bytes == 32
    assert [made.live_bytes(step) for step in (-1, 0, 1, 2)] == [32, 32, 32, 32]


def test_scratch_has_an_offset_at_its_step_only():
    a, b, c = (tensor(name, 16) for name in "abc")
    of = graph([operator("plain", [a], b), operator("plain", [b], c)], [a], [c])
    made = plan(of, [0, 30])
    assert made.scratch_offset(0) is None
    scratch = next(x for x in made.allocations if x.tensor is None)
    assert made.scratch_offset(1) == scratch.offset_bytes
    assert (scratch.size_bytes, scratch.first_step, scratch.last_step) == (30, 1, 1)
    assert made.arena_bytes == 64


def test_a_constant_has_no_place():
    a, b, weights = tensor("a", 16), tensor("b", 16), tensor("w", 16, constant=True)
    made = plan(graph([operator("plain", [a, weights], b)], [a], [b]), [0])
    with pytest.raises(MemoryPlanError, match="'w' has no place in the arena"):
        made.offset_of(weights)


def test_a_graph_in_an_order_that_cannot_run_gets_no_plan():
    a, b, c = (tensor(name, 16) for name in "abc")
    of = graph([operator("plain", [b], c), operator("plain", [a], b)], [a], [c])
    with pytest.raises(MemoryPlanError, match=r"step 0 reads tensor .* 'b' before it is computed"):
        plan(of, [0, 0])


def test_a_wrong_layout_is_never_handed_out(monkeypatch: pytest.MonkeyPatch):
    a, b = tensor("a", 16), tensor("b", 16)
    monkeypatch.setattr(heuristics, "best", lambda problem: Layout((0, 0), 32, "all at zero"))
    with pytest.raises(MemoryPlanError, match=r"writes tensor .* 'b' over tensor .* 'a'"):
        plan(graph([operator("plain", [a], b)], [a], [b]), [0])


def test_a_graph_that_needs_nothing_gets_an_empty_arena():
    made = plan(graph([], [], []), [])
    assert (made.arena_bytes, made.proof, made.allocations) == (0, "lower bound", ())


def test_allocations_are_listed_as_they_are_written():
    made = plan(residual_graph(3), (16,) * 12)
    first = [allocation.first_step for allocation in made.allocations]
    assert first == sorted(first)


def test_a_plan_above_its_lower_bound_is_optimal_only_by_the_solver_s_proof():
    pytest.importorskip("ortools", reason="needs the extra `solver`")
    of = unlucky_graph()
    proven = plan(of, (0,) * 7)
    assert (proven.arena_bytes, proven.lower_bound_bytes, proven.proof) == (80, 80, "exact solver")
    unproven = plan(of, (0,) * 7, solver=False)
    assert (unproven.arena_bytes, unproven.lower_bound_bytes, unproven.proof) == (80, 64, "none")
    assert not unproven.optimal and unproven.hint is None


def test_without_ortools_the_plan_says_which_extra_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "ortools.sat.python", None)
    made = plan(unlucky_graph(), (0,) * 7)
    assert made.proof == "none"
    assert made.hint == "pip install 'edgekit[solver]' to search for a smaller plan or a proof"


def test_ortools_is_not_imported_unless_it_is_needed():
    code = "import sys, edgekit.memory; sys.exit('ortools' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_sixty_operators_are_planned_in_a_fifth_of_a_second():
    of = residual_graph(15)
    used = []
    for _ in range(3):
        start = time.process_time()
        assert plan(of, (64,) * 60).proof == "lower bound"
        used.append(time.process_time() - start)
    assert min(used) < 0.2


def test_allocations_overlap_if_they_share_a_byte_at_a_step():
    early = Allocation(tensor=None, offset_bytes=0, size_bytes=64, first_step=0, last_step=1)
    late = Allocation(tensor=None, offset_bytes=0, size_bytes=64, first_step=2, last_step=3)
    both = Allocation(tensor=None, offset_bytes=63, size_bytes=1, first_step=1, last_step=2)
    above = Allocation(tensor=None, offset_bytes=64, size_bytes=1, first_step=1, last_step=2)
    assert not early.overlaps(late)
    assert both.overlaps(early) and late.overlaps(both)
    assert not above.overlaps(early) and not late.overlaps(above)
