from __future__ import annotations

import itertools
import pickle
import subprocess
import sys

import pytest
from hypothesis import given, settings
from support.memory_graphs import Scratch, graphs, problem

from edgekit.ir import Graph
from edgekit.memory import heuristics, plan_problem
from edgekit.memory.heuristics import Layout
from edgekit.memory.lifetimes import Problem, Takeover, aligned
from edgekit.memory.solver import solve

pytest.importorskip("ortools", reason="needs the extra `solver`")

#: The heuristics and their search end at 1,056 bytes; 1,040 are live at once.
MISSED_BY_HEURISTICS = problem(
    6,
    [
        (24, 0, 3),
        (29, 2, 4),
        (29, -1, -1),
        (5, 3, 6),
        (15, 1, 1),
        (12, 2, 2),
        (26, 4, 5),
        (15, -1, 1),
    ],
)

#: 64 bytes are live at once, yet no arena is smaller than 80.
ABOVE_ITS_LOWER_BOUND = problem(
    6,
    [
        (3, -1, 0),
        (1, -1, 2),
        (2, 1, 1),
        (1, 1, 5),
        (1, 2, 6),
        (1, 2, 2),
        (2, 3, 5),
        (3, 6, 6),
    ],
)


def assert_valid(of: Problem, layout: Layout) -> None:
    """Values that are live at one step are apart, but for one takeover of what ends there."""
    allowed = {(t.source, t.target) for t in of.takeovers}
    for (i, a), (j, b) in itertools.combinations(enumerate(of.values), 2):
        if a.first_step > b.last_step or b.first_step > a.last_step:
            continue
        at, bt = layout.offsets[i], layout.offsets[j]
        apart = at + a.size_bytes <= bt or bt + b.size_bytes <= at
        assert apart or (at == bt and ({(i, j), (j, i)} & allowed))
    assert all(offset % 16 == 0 for offset in layout.offsets)
    ends = [o + v.size_bytes for o, v in zip(layout.offsets, of.values, strict=True)]
    assert max(ends) <= layout.arena_bytes


def stacked(of: Problem) -> Layout:
    """Every value above the one before: valid, and as large as can be."""
    ends = list(itertools.accumulate(aligned(value.size_bytes) for value in of.values))
    return Layout((0, *ends[:-1]), ends[-1], "stacked")


def test_the_solver_wins_where_heuristics_miss():
    start = heuristics.best(MISSED_BY_HEURISTICS)
    assert (start.arena_bytes, MISSED_BY_HEURISTICS.lower_bound_bytes) == (1056, 1040)
    outcome = solve(MISSED_BY_HEURISTICS, start)
    assert outcome is not None and outcome.optimal
    assert (outcome.layout.arena_bytes, outcome.layout.heuristic) == (1040, "exact solver")
    assert_valid(MISSED_BY_HEURISTICS, outcome.layout)


def test_the_solver_proves_that_a_lower_bound_cannot_be_met():
    start = heuristics.best(ABOVE_ITS_LOWER_BOUND)
    assert (start.arena_bytes, ABOVE_ITS_LOWER_BOUND.lower_bound_bytes) == (80, 64)
    outcome = solve(ABOVE_ITS_LOWER_BOUND, start)
    assert outcome is not None and outcome.optimal
    assert outcome.layout is start and outcome.bound_bytes == 80


def test_the_solver_gives_the_same_answer_twice():
    start = heuristics.best(MISSED_BY_HEURISTICS)
    assert solve(MISSED_BY_HEURISTICS, start) == solve(MISSED_BY_HEURISTICS, start)


def test_a_search_that_is_cut_short_proves_nothing_and_keeps_the_start():
    start = heuristics.best(MISSED_BY_HEURISTICS)
    outcome = solve(MISSED_BY_HEURISTICS, start, limit=0.0)
    assert outcome is not None and not outcome.optimal
    assert outcome.layout is start and outcome.bound_bytes == 1040


def test_the_solver_answers_in_a_process_that_has_tensorflow_too():
    code = """
import pickle, sys
from edgekit.memory.solver import solve
problem, start = pickle.load(sys.stdin.buffer)
import tensorflow
sys.stdout.buffer.write(pickle.dumps(solve(problem, start)))
"""
    start = heuristics.best(MISSED_BY_HEURISTICS)
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=pickle.dumps((MISSED_BY_HEURISTICS, start)),
        capture_output=True,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert pickle.loads(done.stdout) == solve(MISSED_BY_HEURISTICS, start)


def test_the_solver_may_take_over_either_source_or_none():
    values = [(2, -1, 0), (2, -1, 0), (2, 0, 1)]
    both = problem(1, values, Takeover(0, 0, 2), Takeover(0, 1, 2))
    for of, arena in ((problem(1, values), 96), (both, 64)):
        outcome = solve(of, Layout((0, 32, 64), 96, "by hand"))
        assert outcome is not None and outcome.optimal
        assert outcome.layout.arena_bytes == outcome.bound_bytes == arena
        assert_valid(of, outcome.layout)


def test_without_ortools_there_is_no_outcome(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "ortools.sat.python", None)
    assert solve(ABOVE_ITS_LOWER_BOUND, heuristics.best(ABOVE_ITS_LOWER_BOUND)) is None


@given(case=graphs(operators=12))
@settings(max_examples=15, deadline=None)  # each takes a second where TensorFlow was imported
def test_the_solver_is_never_worse_than_heuristics_wherever_it_starts(case: tuple[Graph, Scratch]):
    assert_never_worse(case)


@pytest.mark.slow
@given(case=graphs(operators=12))
@settings(max_examples=300, deadline=None)
def test_the_solver_is_never_worse_than_heuristics_in_many_graphs(case: tuple[Graph, Scratch]):
    assert_never_worse(case)


def assert_never_worse(case: tuple[Graph, Scratch]) -> None:
    """Even from a layout that wastes all it can, the solver ends at least where heuristics do."""
    of = plan_problem(*case)
    wasteful = stacked(of)
    outcome = solve(of, wasteful)
    assert outcome is not None and outcome.optimal
    arena_bytes = outcome.layout.arena_bytes
    assert of.lower_bound_bytes <= arena_bytes <= heuristics.best(of).arena_bytes
    assert_valid(of, outcome.layout)
