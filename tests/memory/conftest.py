from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.memory_graphs import DEFINITIONS

from edgekit import ops


@pytest.fixture(scope="package", autouse=True)
def only_aliasing_matters() -> Iterator[None]:
    """Operators of which nothing is defined but what may share bytes."""
    with pytest.MonkeyPatch.context() as patch:
        for definition in DEFINITIONS:
            patch.setitem(ops._BY_STEM, definition.stem, definition)
        yield
