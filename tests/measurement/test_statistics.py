"""Intervals: known values, and that they cover what they promise."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.measurement.statistics import decibels, paired_difference, proportion


def test_wilson_interval_of_a_known_case() -> None:
    # Newcombe, Stat. Med. 17 (1998), table I: 81 of 263
    found = proportion(81, 263)
    assert found.interval.low == pytest.approx(0.2553, abs=5e-5)
    assert found.interval.high == pytest.approx(0.3662, abs=5e-5)


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_a_proportion_lies_in_its_interval(counts: tuple[int, int]) -> None:
    found = proportion(*counts)
    assert 0 <= found.interval.low <= found.value <= found.interval.high <= 1


def test_paired_difference_counts_only_what_differs() -> None:
    first = np.array([True] * 90 + [False] * 10)
    second = first.copy()
    second[:6] = False  # lost
    second[95:98] = True  # gained
    found = paired_difference(first, second)
    assert (found.gained, found.lost, found.samples) == (3, 6, 100)
    assert found.value == pytest.approx(-0.03)
    more, less = 4 / 102, 7 / 102
    half = 1.959964 * math.sqrt((more + less - (more - less) ** 2) / 102)
    assert found.interval.low == pytest.approx(more - less - half, abs=1e-6)
    assert found.interval.high == pytest.approx(more - less + half, abs=1e-6)


def test_equal_models_are_equal_within_an_interval_that_shrinks() -> None:
    few, many = (paired_difference(np.ones(n, bool), np.ones(n, bool)) for n in (50, 5000))
    assert few.value == many.value == 0
    assert few.interval.low < many.interval.low < 0 < many.interval.high < few.interval.high


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    gain, loss, covered = 0.03, 0.05, 0
    for _ in range(2000):
        draw = rng.random(300)
        second = draw < gain  # only the second is right
        first = (draw >= gain) & (draw < gain + loss)
        both = draw >= 0.2
        interval = paired_difference(first | both, second | both).interval
        covered += interval.low <= gain - loss <= interval.high
    assert 0.94 <= covered / 2000 <= 0.98


def test_decibels() -> None:
    signal = np.array([1.0, -1.0, 1.0, -1.0])
    assert decibels(signal, signal) == math.inf
    assert decibels(signal, signal * 0.9) == pytest.approx(20.0)
    assert decibels(np.zeros(4), signal) == -math.inf
