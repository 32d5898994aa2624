"""Batches of random single-operator models: what a test of kernels compiles into one program."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from edgekit.ir import Graph
from support import models
from support.compiled import Case

T = TypeVar("T")

#: How many programs a test of kernels builds; `make test-all` builds many more.
PROGRAMS = pytest.mark.parametrize("programs", [1, pytest.param(60, marks=pytest.mark.slow)])


class Batch(list[Case]):
    """Cases whose text is short: hypothesis prints what failed, and failures show the graph."""

    def __repr__(self) -> str:
        return f"<{len(self)} cases>"


@st.composite
def varied(draw: st.DrawFn, strategy: st.SearchStrategy[T]) -> T:
    """`strategy` without what hypothesis tries first: there all is as small as can be.

    A test with one example would see nothing else.
    """
    assume(draw(st.integers(0, 1 << 16)))
    return draw(strategy)


@st.composite
def batches(draw: st.DrawFn, graphs: st.SearchStrategy[Graph], size: int = 10) -> Batch:
    """`size` graphs with two sets of inputs each."""
    cases = Batch()
    for _ in range(size):
        graph = draw(graphs)
        cases.append((graph, [draw(models.inputs_of(graph)) for _ in range(2)]))
    return cases


def check_random(
    check: Callable[[Batch], None], graphs: st.SearchStrategy[Graph], programs: int
) -> None:
    """`check` (e.g. the fixture check_kernels) on so many random batches of `graphs`.

    A failure is not shrunk: each try would build a program, and the message shows the graph.
    """

    @settings(max_examples=programs, deadline=None, phases=(Phase.reuse, Phase.generate))
    @given(varied(batches(graphs)))
    def run(cases: Batch) -> None:
        check(cases)

    run()
