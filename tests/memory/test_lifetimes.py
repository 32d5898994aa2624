from __future__ import annotations

import pytest
from support.memory_graphs import graph, operator, tensor

from edgekit.errors import MemoryPlanError
from edgekit.ir import Graph
from edgekit.memory import TFLM, plan, plan_problem


def lifetimes(of: Graph, scratch: tuple[int, ...] | None = None) -> dict[str, tuple[int, int]]:
    """First and last step of each value, by the names of its tensors."""
    problem = plan_problem(of, scratch or (0,) * len(of.operators))
    return {
        " = ".join(m.tensor.name if m.tensor else "scratch" for m in value.members): (
            value.first_step,
            value.last_step,
        )
        for value in problem.values
    }


def takeovers(of: Graph) -> list[tuple[int, str, str]]:
    problem = plan_problem(of, (0,) * len(of.operators))

    def name(index: int) -> str:
        member = problem.values[index].members[0]
        assert member.tensor is not None
        return member.tensor.name

    return [(t.step, name(t.source), name(t.target)) for t in problem.takeovers]


def test_an_input_lives_from_before_the_first_step_until_its_last_reader():
    a, b, c, d, e = (tensor(name, 16) for name in "abcde")
    of = graph(
        [operator("plain", [a], c), operator("plain", [b], d), operator("plain", [a, d], e)],
        [a, b],
        [],
    )
    assert lifetimes(of) == {"a": (-1, 2), "b": (-1, 1), "c": (0, 0), "d": (1, 2), "e": (2, 2)}


def test_an_input_that_nobody_reads_still_needs_bytes_when_inputs_are_written():
    a, b, c = (tensor(name, 16) for name in "abc")
    of = graph([operator("plain", [a], c)], [a, b], [c])
    assert lifetimes(of)["b"] == (-1, -1)
    assert plan_problem(of, [0]).live_bytes(-1) == 32


def test_an_output_lives_until_after_the_last_step_whoever_reads_it_before():
    a, b, c = (tensor(name, 16) for name in "abc")
    of = graph([operator("plain", [a], b), operator("plain", [b], c)], [a], [b])
    assert lifetimes(of) == {"a": (-1, 0), "b": (0, 2), "c": (1, 1)}


def test_an_input_that_is_an_output_lives_throughout():
    a, b = tensor("a", 16), tensor("b", 16)
    assert lifetimes(graph([operator("plain", [a], b)], [a], [a]))["a"] == (-1, 1)
    assert lifetimes(graph([], [a], [a])) == {"a": (-1, 0)}


def test_a_constant_needs_bytes_only_as_an_output_and_then_throughout():
    a, b = tensor("a", 16), tensor("b", 16)
    weights, answer = tensor("w", 16, constant=True), tensor("k", 16, constant=True)
    of = graph([operator("plain", [a, weights, answer], b)], [a], [b, answer])
    assert lifetimes(of) == {"a": (-1, 0), "b": (0, 1), "k": (-1, 1)}


def test_scratch_lives_in_its_step_only():
    a, b, c = (tensor(name, 16) for name in "abc")
    of = graph([operator("plain", [a], b), operator("plain", [b], c)], [a], [c])
    assert lifetimes(of, (0, 100))["scratch"] == (1, 1)
    assert [plan_problem(of, [0, 100]).live_bytes(s) for s in (-1, 0, 1, 2)] == [16, 32, 144, 16]


def test_there_is_a_scratch_size_for_each_operator():
    a, b = tensor("a", 16), tensor("b", 16)
    of = graph([operator("plain", [a], b)], [a], [b])
    with pytest.raises(MemoryPlanError, match="1 operators need as many scratch sizes"):
        plan_problem(of, [])
    with pytest.raises(MemoryPlanError, match="0 bytes or more"):
        plan_problem(of, [-1])


def test_a_view_shares_its_source_s_bytes_until_the_last_of_them_is_read():
    a, b, view, c, d = (tensor(name, 16) for name in ("a", "b", "view", "c", "d"))
    of = graph(
        [
            operator("plain", [a], b),
            operator("view", [b], view),
            operator("plain", [view], c),
            operator("plain", [b, c], d),
        ],
        [a],
        [d],
    )
    assert lifetimes(of)["b = view"] == (0, 3)


def test_views_of_views_and_views_from_input_to_output_are_one_value():
    a, b, c = (tensor(name, 16) for name in "abc")
    of = graph([operator("view", [a], b), operator("view", [b], c)], [a], [c, a])
    assert lifetimes(of) == {"a = b = c": (-1, 2)}


def test_a_view_of_a_constant_has_bytes_of_its_own():
    a, b = tensor("a", 16), tensor("b", 16)
    of = graph([operator("view", [tensor("k", 16, constant=True)], b)], [a], [b])
    assert lifetimes(of) == {"a": (-1, -1), "b": (0, 1)}


def test_an_unknown_operator_shares_nothing():
    a, b = tensor("a", 16), tensor("b", 16)
    of = graph([operator("never heard of", [a], b)], [a], [b])
    assert takeovers(of) == [] and lifetimes(of) == {"a": (-1, 0), "b": (0, 1)}


def test_an_output_may_take_over_each_input_that_ends_there():
    a, b, c, d = (tensor(name, 16) for name in "abcd")
    of = graph([operator("in_place", [a, b], c), operator("in_place", [c, c], d)], [a, b], [d])
    assert takeovers(of) == [(0, "a", "c"), (0, "b", "c"), (1, "c", "d")]
    assert [plan_problem(of, [0, 0]).live_bytes(s) for s in (-1, 0, 1, 2)] == [32, 32, 16, 16]


def test_takeovers_in_a_row_merge_into_one_block():
    a, b, c = (tensor(name, 16) for name in "abc")
    of = graph([operator("in_place", [a], b), operator("in_place", [b], c)], [a], [c])
    problem = plan_problem(of, [0, 0])
    (block,) = problem.blocks(problem.takeovers)
    assert (block.size_bytes, block.first_step, block.last_step) == (16, -1, 2)
    assert len(problem.blocks(())) == 3


@pytest.mark.parametrize("later", ["plain", "view"])
def test_no_output_takes_over_what_is_read_later(later: str):
    a, b, c, view = (tensor(name, 16) for name in ("a", "b", "c", "view"))
    of = graph([operator("in_place", [a], b), operator(later, [a], c)], [a], [b, c])
    assert takeovers(of) == []
    of = graph(
        [operator("view", [a], view), operator("in_place", [a], b), operator("plain", [view], c)],
        [a],
        [b, c],
    )
    assert takeovers(of) == []


def test_no_output_takes_over_an_output_of_the_model_or_its_view():
    a, b, c = (tensor(name, 16) for name in "abc")
    assert takeovers(graph([operator("in_place", [a], b)], [a], [a, b])) == []
    of = graph([operator("view", [a], c), operator("in_place", [a], b)], [a], [b, c])
    assert takeovers(of) == []


def test_no_output_takes_over_a_constant_or_another_size_or_a_forbidden_input():
    a, b, c = tensor("a", 16), tensor("b", 16), tensor("c", 15)
    constant = tensor("k", 16, constant=True)
    assert takeovers(graph([operator("in_place", [constant], b)], [a], [b])) == []
    assert takeovers(graph([operator("in_place", [a], c)], [a], [c])) == []
    assert takeovers(graph([operator("in_place_first", [None, a], b)], [a], [b])) == []
    assert takeovers(graph([operator("in_place_first", [a, a], b)], [a], [b])) == []


def test_no_output_takes_over_bytes_that_a_forbidden_input_views():
    a, b, view = (tensor(name, 16) for name in ("a", "b", "view"))
    reads_both = operator("in_place_first", [a, view], b)
    assert takeovers(graph([operator("view", [a], view), reads_both], [a], [b])) == []
    allowed = operator("in_place", [a, view], b)
    assert takeovers(graph([operator("view", [a], view), allowed], [a], [b])) == [(1, "a", "b")]


def test_the_last_user_of_a_view_may_be_taken_over_with_it():
    a, b, view = (tensor(name, 16) for name in ("a", "b", "view"))
    of = graph([operator("view", [a], view), operator("in_place", [view], b)], [a], [b])
    assert takeovers(of) == [(1, "a", "b")]


def test_tflite_micro_shares_no_bytes_but_those_of_a_reshape():
    a, b, c, d, out = (tensor(name, 16) for name in ("a", "b", "c", "d", "out"))
    fixed = tensor("fixed", 16, constant=True)
    of = graph(
        [
            operator("in_place", [a, fixed], b),
            operator("reshape", [b], c),
            operator("squeeze", [c], d),
            operator("in_place", [d, fixed], out),
        ],
        [a],
        [out, fixed],
    )
    problem = plan_problem(of, [0] * 4, rules=TFLM)
    assert problem.takeovers == ()
    names = [[m.tensor.name for m in value.members if m.tensor] for value in problem.values]
    assert sorted(names) == [["a"], ["b", "c"], ["d"], ["out"]]
    made = plan(of, [0] * 4, rules=TFLM)
    assert made.arena_bytes == 32
    assert made.offset_of(b) == made.offset_of(c) != made.offset_of(d)
    with pytest.raises(MemoryPlanError, match="has no place in the arena"):
        made.offset_of(fixed)
