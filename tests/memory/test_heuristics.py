from __future__ import annotations

import itertools
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.memory_graphs import Scratch, graphs, problem, residual_graph

from edgekit.ir import Graph
from edgekit.memory import plan_problem
from edgekit.memory.heuristics import (
    HEURISTICS,
    Heuristic,
    best,
    by_size,
    first_gap,
    search,
    tightest_gap,
    top_of,
)
from edgekit.memory.lifetimes import Block

BLOCKS = st.lists(
    st.builds(
        lambda size, first, duration: Block(16 * size, first, first + duration),
        st.integers(1, 9),
        st.integers(-1, 8),
        st.integers(0, 5),
    ),
    min_size=1,
    max_size=14,
)


def assert_valid(blocks: Sequence[Block], offsets: Sequence[int]) -> None:
    """Each byte has at most one block at each step."""
    assert all(offset >= 0 and offset % 16 == 0 for offset in offsets)
    for (a, at), (b, bt) in itertools.combinations(zip(blocks, offsets, strict=True), 2):
        steps = set(range(a.first_step, a.last_step + 1)) & set(
            range(b.first_step, b.last_step + 1)
        )
        units = set(range(at, at + a.size_bytes, 16)) & set(range(bt, bt + b.size_bytes, 16))
        assert not steps or not units, (a, at, b, bt)


def load(blocks: Sequence[Block]) -> int:
    """The most bytes that are live at one step."""
    return max(
        sum(b.size_bytes for b in blocks if b.first_step <= step <= b.last_step)
        for step in range(-1, 20)
    )


@pytest.mark.parametrize("heuristic", HEURISTICS, ids=lambda heuristic: heuristic.name)
@given(blocks=BLOCKS)
@settings(deadline=None)
def test_no_heuristic_lets_two_blocks_share_a_byte_at_a_step(
    heuristic: Heuristic, blocks: list[Block]
):
    offsets = heuristic(blocks)
    assert_valid(blocks, offsets)
    assert top_of(blocks, offsets) >= load(blocks)


@given(blocks=BLOCKS)
@settings(deadline=None)
def test_the_search_is_valid_and_never_worse_than_where_it_starts(blocks: list[Block]):
    for start in HEURISTICS[:2]:
        offsets = search(blocks, start, load(blocks), placements=300)
        assert_valid(blocks, offsets)
        assert load(blocks) <= top_of(blocks, offsets) <= top_of(blocks, start(blocks))


@given(case=graphs())
@settings(deadline=None)
def test_the_best_layout_is_never_below_the_lower_bound(case: tuple[Graph, Scratch]):
    problem = plan_problem(*case)
    assert best(problem).arena_bytes >= problem.lower_bound_bytes


def test_a_gap_is_the_lowest_or_the_tightest_that_is_large_enough():
    taken = [(32, 48), (64, 80)]
    assert first_gap(taken, 16) == 0
    assert tightest_gap(taken, 16) == 48
    assert first_gap(taken, 48) == tightest_gap(taken, 48) == 80
    assert first_gap([], 48) == tightest_gap([], 48) == 0


def test_blocks_inside_others_do_not_open_gaps():
    assert first_gap([(0, 64), (16, 32)], 16) == tightest_gap([(0, 64), (16, 32)], 16) == 64


def test_the_search_meets_a_bound_that_every_order_misses():
    missed = problem(5, [(4, 0, 0), (3, 2, 5), (2, 1, 1), (3, -1, 2), (4, 4, 5)])
    blocks, goal = missed.blocks(()), missed.lower_bound_bytes
    assert min(top_of(blocks, heuristic(blocks)) for heuristic in HEURISTICS) > goal == 112
    assert best(missed).arena_bytes == 112
    assert best(missed).heuristic.startswith("search from")


def test_residual_blocks_are_met_at_the_lower_bound():
    of = residual_graph(12)
    problem = plan_problem(of, (0,) * 48)
    assert best(problem).arena_bytes == problem.lower_bound_bytes == 3 * 16_000


def test_equal_blocks_are_placed_in_the_order_given():
    assert by_size([Block(16, 0, 1), Block(32, 0, 1), Block(16, 0, 1)]) == [1, 0, 2]
