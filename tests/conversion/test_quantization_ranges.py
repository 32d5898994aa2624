"""How values are counted, and how ranges follow from the counts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from edgekit.conversion.quantization import METHODS
from edgekit.conversion.quantization.calibrate import CHOICES
from edgekit.conversion.quantization.encodings import asymmetric, encode, symmetric16
from edgekit.conversion.quantization.histogram import Histogram, Spread

VALUES = arrays.arrays(
    np.float32,
    st.integers(1, 60),
    elements=st.floats(-(2.0**40), 2.0**40, width=32, allow_subnormal=False),
)


def spread_of(*parts: np.ndarray) -> Spread:
    histogram = Histogram()
    for part in parts:
        histogram.add(np.asarray(part, np.float32))
    return histogram.spread()


@given(VALUES, VALUES)
@settings(deadline=None)
def test_the_order_of_values_does_not_matter(first, second):
    one, other = spread_of(first, second), spread_of(second, first)
    assert (one.low, one.high, one.total) == (other.low, other.high, other.total)
    assert one.counts.tolist() == other.counts.tolist()


@given(VALUES)
@settings(deadline=None)
def test_every_value_is_counted_and_the_ends_are_exact(values):
    spread = spread_of(values)
    assert spread.total == len(values)
    assert spread.counts.sum() == np.count_nonzero(values)
    assert (spread.counts >= 0).all()
    assert spread.low == min(0.0, float(values.min()))
    assert spread.high == max(0.0, float(values.max()))


@pytest.mark.parametrize("method", METHODS)
@given(values=VALUES)
@settings(deadline=None, max_examples=40)
def test_every_method_stays_within_what_was_seen_and_holds_zero(method, values):
    spread = spread_of(values)
    low, high = CHOICES[method](spread)
    assert spread.low <= low <= 0 <= high <= spread.high


def test_percentiles_cut_off_outliers_and_min_max_does_not():
    values = np.random.default_rng(1).normal(size=100_000)
    values[:5] = 1000
    spread = spread_of(values)
    assert CHOICES["min-max"](spread)[1] == 1000
    assert CHOICES["percentile-99.99"](spread)[1] < 10
    assert CHOICES["percentile-99.9"](spread)[1] < 4.5
    assert CHOICES["mse"](spread)[1] < 1000


def test_least_squares_is_no_worse_than_either_neighbour():
    """Its squared error, measured by rounding the values, is the least on a grid of ranges."""
    values = np.random.default_rng(2).laplace(size=50_000).astype(np.float32)
    chosen = CHOICES["mse"](spread_of(values))

    def error(scale: float) -> float:
        encoding = asymmetric(chosen[0] * scale, chosen[1] * scale)
        codes = encode(values, encoding).astype(np.float64)
        assert encoding.quantization is not None
        real = (codes - encoding.quantization.zero_points[0]) * encoding.scale
        return float(np.square(real - values).mean())

    assert error(1.0) <= 1.01 * min(error(0.8), error(0.9), error(1.1), error(1.25))


def test_what_no_reader_sees_does_not_count_as_clipped_error():
    values = np.concatenate([np.full(1000, -50.0), np.linspace(0.1, 1, 1000)])
    low, high = CHOICES["mse"](spread_of(values).within(-3.0, 10.0))
    assert low >= -3.1
    assert 0.8 < high <= 1.0


def test_the_share_beyond_a_range_is_counted():
    spread = spread_of(np.arange(1, 1001))
    assert spread.beyond(0, 900) == pytest.approx(0.1, abs=0.002)
    assert spread.beyond(0, 2000) == 0


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_an_int8_range_holds_both_ends_and_zero_exactly(one, other):
    low, high = min(one, other), max(one, other)
    encoding = asymmetric(low, high)
    assert encoding.quantization is not None
    held_low, held_high = encoding.range
    step = encoding.scale
    assert step > 0
    assert held_low <= min(low, 0) + step
    assert held_high >= max(high, 0) - step
    zero = encode(np.zeros(1), encoding)[0]
    assert zero == encoding.quantization.zero_points[0]


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_int16_is_symmetric(one, other):
    encoding = symmetric16(min(one, other), max(one, other))
    assert encoding.quantization is not None
    assert encoding.quantization.zero_points == (0,)
    assert encoding.range[1] >= max(abs(one), abs(other)) * (1 - 1e-6) or encoding.scale == 2**-15
