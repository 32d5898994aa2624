"""What every operator test needs: its integer meaning held against TFLite Micro."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from support.agreement import assert_reference_agrees

from edgekit.ir import Array, Graph
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
