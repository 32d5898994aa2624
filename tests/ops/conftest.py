"""What every operator test needs: its integer meaning held against TFLite Micro."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence

import pytest
from support.agreement import assert_reference_agrees, assert_same
from support.compiled import HOST, Case, Target, run_compiled

from edgekit.frontends import tflite_writer
from edgekit.ir import Array, Graph
from edgekit.reference import interpreter
from edgekit.reference.oracle import Oracle


@pytest.fixture(scope="session")
def oracle() -> Iterator[Oracle]:
    """TFLite Micro; tests are skipped where it does not exist."""
    if not Oracle.available():
        pytest.skip("the pinned tflite-micro is not installed: pip install edgekit[oracle]")
    with Oracle() as running:
        yield running


@pytest.fixture(scope="session")
def check_reference(oracle: Oracle) -> Callable[..., None]:
    """check_reference(graph, *inputs): NumPy computes the very bytes that TFLite Micro does."""

    def check(graph: Graph, *inputs: Array) -> None:
        assert_reference_agrees(oracle, graph, inputs)

    return check


@pytest.fixture(scope="session")
def check_kernels(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., None]:
    """check_kernels(cases): TFLite Micro, NumPy and the generated C compute the same bytes.

    Each case is a graph with sets of inputs. All of them become one C program, so that the
    compiler's start is paid once. `with_oracle=False` is for what TFLite
    Micro refuses though its meaning is plain; where TFLite Micro does not exist, NumPy and C are
    compared. `target` is what the C is made of, and where it runs.
    """
    folder = tmp_path_factory.mktemp("kernels")

    def check(cases: Sequence[Case], *, with_oracle: bool = True, target: Target = HOST) -> None:
        named = [(dataclasses.replace(g, name=f"case_{i}"), x) for i, (g, x) in enumerate(cases)]
        results = run_compiled(named, folder, target)
        for (graph, inputs), compiled in zip(named, results, strict=True):
            expected = [interpreter.evaluate(graph, one) for one in inputs]
            if with_oracle and Oracle.available():
                oracle = request.getfixturevalue("oracle")
                answers = oracle.run(tflite_writer.write(graph), inputs)
                for answer, computed in zip(answers, expected, strict=True):
                    assert_same(graph, answer, computed)
            for wanted, computed in zip(expected, compiled, strict=True):
                assert_same(graph, wanted, computed)

    return check
