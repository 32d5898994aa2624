"""Passes change no output byte, and whoever breaks a rule is named."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import models
from support.agreement import assert_same
from support.batches import PROGRAMS, Batch, check_random
from support.compiled import run_compiled
from support.random_graphs import random_graphs
from support.sketch import Sketch

from edgekit import passes, schemes
from edgekit.errors import CorruptModelError, PassError
from edgekit.ir import DType, Graph, Quantization
from edgekit.ops import NoAttributes
from edgekit.ops.reshape import ReshapeAttributes
from edgekit.ops.shape import ShapeAttributes
from edgekit.ops.strided_slice import StridedSliceAttributes
from edgekit.reference import interpreter

EXAMPLES = pytest.mark.parametrize("examples", [100, pytest.param(5000, marks=pytest.mark.slow)])


@EXAMPLES
def test_a_random_graph_computes_the_same_bytes_after_each_pass(examples: int) -> None:
    @settings(max_examples=examples, deadline=None)
    @given(st.data())
    def run(data: st.DataObject) -> None:
        graph = data.draw(random_graphs())
        inputs = data.draw(models.inputs_of(graph))
        expected = interpreter.evaluate(graph, inputs)
        for rewrite in passes.DEFAULT:
            graph = passes.run(graph, (rewrite,))
            assert_same(graph, expected, interpreter.evaluate(graph, inputs))
            assert not set(graph.inputs) & set(graph.outputs)

    run()


@PROGRAMS
def test_the_compiled_graph_computes_what_the_models_graph_does(
    tmp_path: Path, programs: int
) -> None:
    def check(cases: Batch) -> None:
        named = [dataclasses.replace(graph, name=f"g{i}") for i, (graph, _) in enumerate(cases)]
        inputs = [x for _, x in cases]
        after = [(passes.run(graph), x) for graph, x in zip(named, inputs, strict=True)]
        for before, sets, compiled in zip(
            named, inputs, run_compiled(after, tmp_path), strict=True
        ):
            for one, outputs in zip(sets, compiled, strict=True):
                assert_same(before, interpreter.evaluate(before, one), outputs)

    check_random(check, random_graphs(), programs)


@settings(max_examples=50, deadline=None)
@given(random_graphs())
def test_what_was_rewritten_needs_no_second_run(graph: Graph) -> None:
    once = passes.run(graph)
    assert len(passes.run(once).operators) == len(once.operators)


def dense_graph() -> Graph:
    s = Sketch()
    return s.graph(s.dense(s.input(1, 4)))


def wrong_shape(graph: Graph) -> Graph:
    (operator,) = graph.operators
    output = dataclasses.replace(operator.output, shape=(3, 1))
    return graph.with_tensors_replaced({operator.output: output})


def forgets_the_operators(graph: Graph) -> Graph:
    return graph.with_operators([])


def takes_the_kernel_away(graph: Graph) -> Graph:
    (operator,) = graph.operators
    weights = dataclasses.replace(operator.input(1), quantization=None)
    return graph.with_tensors_replaced({operator.input(1): weights})


def changes_the_output(graph: Graph) -> Graph:
    (operator,) = graph.operators
    other = dataclasses.replace(operator.output, quantization=Quantization((0.5,), (0,)))
    return graph.with_tensors_replaced({operator.output: other})


@pytest.mark.parametrize(
    ("rewrite", "rule"),
    [
        (wrong_shape, r"fully_connected makes \[1, 3\] where \[3, 1\] is stored"),
        (forgets_the_operators, "output %2 is never computed"),
        (takes_the_kernel_away, "fully_connected has no kernel any more"),
        (changes_the_output, "inputs or outputs changed"),
    ],
)
def test_a_pass_that_breaks_a_rule_is_named_with_it(rewrite: passes.Pass, rule: str) -> None:
    with pytest.raises(PassError, match=f"{rewrite.__name__}: .*{rule}"):
        passes.run(dense_graph(), (rewrite,))


def test_a_model_that_breaks_a_rule_is_corrupt() -> None:
    with pytest.raises(CorruptModelError, match=r"sketch: .* makes \[1, 3\] where \[3, 1\]"):
        passes.run(wrong_shape(dense_graph()))


def test_a_model_whose_wrong_shape_shows_only_after_folding_is_corrupt() -> None:
    s = Sketch()
    source = s.input(2, 3)
    order = s.add("shape", [source], ShapeAttributes(2), dtype=DType.INT32)
    bounds = [order, s.integers(9, 9), s.integers(1, 1)]
    end = StridedSliceAttributes(end_mask=3, begin_mask=3)
    taken = s.add("strided_slice", [source, *bounds], end, shape=(2, 2))
    with pytest.raises(CorruptModelError, match=r"strided_slice makes \[2, 3\] where \[2, 2\]"):
        passes.run(s.graph(taken))


def test_an_operator_without_a_kernel_is_left_as_the_model_has_it() -> None:
    s = Sketch()
    source = s.input(1, 4)
    odd = s.add("transpose", [source, s.integers(0, 0)], shape=(1, 4))
    unknown = s.add("custom:mystery", [odd], NoAttributes(), shape=(1, 4))
    graph = s.graph(unknown)
    after = passes.run(graph)
    assert [op.kind for op in after.operators] == ["transpose", "custom:mystery"]
    assert [str(refused) for refused in schemes.unsupported(after)] == [
        "#0 TRANSPOSE (int8): [0, 0] is no order of 2 dimensions",
        "#1 custom:mystery (int8): edgekit has no kernel for it",
    ]


def test_an_output_that_is_known_on_the_host_is_still_written() -> None:
    s = Sketch()
    source = s.input(1, 4)
    after = passes.run(s.graph(s.add("shape", [source], ShapeAttributes(2), dtype=DType.INT32)))
    (copy,) = after.operators
    assert copy.kind == "reshape"
    assert interpreter.evaluate(after, [np.zeros((1, 4), np.int8)])[0].tolist() == [1, 4]


def test_an_input_does_not_become_an_output() -> None:
    s = Sketch()
    source = s.input(1, 4)
    after = passes.run(s.graph(s.add("reshape", [source], ReshapeAttributes(), shape=(1, 4))))
    assert [op.kind for op in after.operators] == ["reshape"]


def test_every_pass_is_a_file_of_its_name() -> None:
    folder = Path(passes.__file__).parent
    files = {path.stem for path in folder.glob("*.py")} - {"__init__", "verify"}
    assert {rewrite.__name__ for rewrite in passes.DEFAULT} == files
    assert all(rewrite.__module__.endswith(rewrite.__name__) for rewrite in passes.DEFAULT)
