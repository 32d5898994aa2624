"""Limits: how they are written, and which were kept."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.errors import UserError
from edgekit.measurement.budgets import (
    Budgets,
    LatencyLimit,
    check_budgets,
    parse_bytes,
    parse_latency,
)
from edgekit.measurement.comparison import Answers, Chain, compare_answers


def chain(*, labelled: bool = True) -> Chain:
    labels = np.zeros(100, np.int64)
    right, wrong = [1.0, 0.0], [0.0, 1.0]
    answers = [
        Answers(name="float", outputs=np.array([right] * 100)),
        Answers(name="INT8", outputs=np.array([wrong] * 2 + [right] * 98)),
    ]
    return compare_answers(answers, labels if labelled else None)


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("12ms", LatencyLimit(12_000, "us")),
        ("900 us", LatencyLimit(900, "us")),
        ("0.5s", LatencyLimit(500_000, "us")),
        ("2e6instructions", LatencyLimit(2_000_000, "instructions")),
        ("64_000 cycles", LatencyLimit(64_000, "cycles")),
    ],
)
def test_latencies_have_a_unit(text: str, limit: LatencyLimit) -> None:
    assert parse_latency(text) == limit


@pytest.mark.parametrize("text", ["12", "ms", "fast", "12 parsecs", "-3ms", "1.2.3ms", ""])
def test_what_is_no_latency_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="is no latency"):
        parse_latency(text)


@pytest.mark.parametrize(
    ("text", "size"), [("16384", 16384), ("16k", 16384), ("16 KiB", 16384), ("1M", 1 << 20)]
)
def test_sizes(text: str, size: int) -> None:
    assert parse_bytes(text) == size


@pytest.mark.parametrize("text", ["", "k", "1.5k", "-1", "16q"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="is no size"):
        parse_bytes(text)


@pytest.mark.parametrize(("drop", "kept"), [(0.02, True), (0.019, False)])
def test_a_drop_may_be_as_large_as_its_budget(drop: float, kept: bool) -> None:
    (check,) = check_budgets(Budgets(accuracy_drop=drop), chain(), None)
    assert check.found == pytest.approx(2.0)
    assert check.kept is kept


def test_an_accuracy_budget_needs_labels() -> None:
    with pytest.raises(UserError, match="needs labels"):
        check_budgets(Budgets(accuracy_drop=0.01), chain(labelled=False), None)


@pytest.mark.parametrize(
    "budgets",
    [
        Budgets(arena_bytes=1),
        Budgets(flash_bytes=1),
        Budgets(latency=LatencyLimit(1, "us")),
    ],
)
def test_other_budgets_need_a_board(budgets: Budgets) -> None:
    with pytest.raises(UserError, match="needs a board"):
        check_budgets(budgets, chain(), None)
