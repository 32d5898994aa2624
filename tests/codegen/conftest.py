"""The oracle, for tests that run it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from edgekit.reference.oracle import Oracle


@pytest.fixture(scope="session")
def oracle() -> Iterator[Oracle]:
    """TFLite Micro; tests are skipped where it does not exist."""
    if not Oracle.available():
        pytest.skip("the pinned tflite-micro is not installed: pip install edgekit[oracle]")
    with Oracle() as running:
        yield running
