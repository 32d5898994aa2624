"""What LiteRT says of a model that it cannot run becomes one sentence."""

from __future__ import annotations

import pytest

from edgekit.conversion import litert
from edgekit.errors import ConversionError


class Failing:
    """An interpreter whose model fails while it runs, as one with a division by 0 does."""

    def invoke(self) -> None:
        raise RuntimeError("Node number 3 (GATHER)\n failed to invoke.")


def test_a_model_that_fails_while_it_runs_is_one_sentence() -> None:
    with pytest.raises(ConversionError, match=r"^LiteRT cannot run the model: Node number 3 .*\.$"):
        litert.invoke(Failing())


def test_bytes_that_are_no_model_are_one_sentence() -> None:
    with pytest.raises(ConversionError, match="LiteRT cannot run the model"):
        litert.interpreter(b"no model at all, but long enough to be looked at")
