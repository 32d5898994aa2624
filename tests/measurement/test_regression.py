"""What changed between two runs, and what is noise."""

from __future__ import annotations

import itertools
import math
import random
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.measurements import measured, series

from edgekit.measurement import Latency
from edgekit.measurement.regression import (
    _chance_apart,
    changes,
    more_than_noise,
    operator_changes,
)


def latency_of(values: list[float]) -> Latency:
    """As measurement.latency.summarise makes it."""
    ordered = sorted(values)
    return series(
        ordered[0],
        statistics.median(ordered),
        ordered[math.ceil(0.95 * len(ordered)) - 1],
        ordered[-1],
        count=len(ordered),
    )


def test_any_change_of_an_exact_number_is_real():
    for unit in ("instructions", "cycles"):
        assert more_than_noise(series(1000, unit=unit), series(1001, unit=unit)) == (True, "")
        assert more_than_noise(series(1000, unit=unit), series(1000, unit=unit)) == (False, "")


@pytest.mark.parametrize(
    ("before", "after", "real", "why"),
    [
        (series(90, 100, 110, 300), series(120, 130, 140, 150), True, ""),
        (series(120, 130, 140, 150), series(90, 100, 110, 300), True, ""),
        (series(90, 100, 120, 130), series(110, 130, 140, 150), False, "overlap"),
        (series(100), series(101), True, ""),
        (series(100, count=1), series(200, count=1), False, "too few invokes: 1, 1"),
        (series(100, count=3), series(200, count=3), False, "too few invokes"),
        (series(100, count=5), series(200, count=5), True, ""),
        (series(100, count=1), series(200, count=50), False, "too few invokes"),
    ],
)
def test_microseconds_must_lie_apart_and_be_many(before, after, real, why):
    found, said = more_than_noise(before, after)
    assert found is real
    assert why in said


positive = st.floats(1, 1e6, allow_nan=False)
lists = st.lists(positive, min_size=1, max_size=60)


@given(lists, lists)
def test_the_rule_does_not_depend_on_the_order(first, second):
    a, b = latency_of(first), latency_of(second)
    assert more_than_noise(a, b)[0] == more_than_noise(b, a)[0]


@given(lists)
def test_nothing_differs_from_itself(values):
    latency = latency_of(values)
    assert not more_than_noise(latency, latency)[0]


@given(lists, lists, st.floats(1.01, 4))
def test_what_lies_apart_stays_apart_when_it_goes_further(first, second, factor):
    a, b = sorted((latency_of(first), latency_of(second)), key=lambda latency: latency.median)
    further = latency_of([factor * value for value in (first if b.median < a.median else second)])
    if more_than_noise(a, b)[0] and further.median >= b.median:
        assert more_than_noise(a, further)[0]


def test_the_chance_is_that_of_all_orders():
    """Counted: of every way to mix 4 values of one series with 25 of another."""
    slow, fast = 4, 25
    places = range(slow + fast)
    below = math.ceil(0.95 * fast)
    apart = sum(min(chosen) >= below for chosen in itertools.combinations(places, slow))
    assert _chance_apart(fast, slow) == pytest.approx(apart / math.comb(slow + fast, slow))


def test_series_that_are_drawn_alike_are_seldom_called_different():
    dice = random.Random(5)
    for count in (5, 20, 50):
        called = sum(
            more_than_noise(
                latency_of([dice.lognormvariate(5, 0.2) for _ in range(count)]),
                latency_of([dice.lognormvariate(5, 0.2) for _ in range(count)]),
            )[0]
            for _ in range(2000)
        )
        assert called <= 0.01 * 2000


def by_name(before, after):
    return {change.what: change for change in changes(before, after)}


def test_what_neither_measured_is_left_out_and_bytes_are_exact():
    found = by_name(measured(), measured(memory={"arena_bytes": 16_016, "stack_bytes": 400}))
    assert list(found) == ["latency", "arena", "flash", "static_ram", "stack"]
    assert (found["latency"].verdict, found["flash"].verdict) == ("same", "same")
    assert found["arena"].verdict == "real"
    assert found["arena"].share == pytest.approx(0.001)
    assert found["arena"].growth == 16
    assert (found["stack"].verdict, found["stack"].why) == ("not comparable", "measured only once")


def test_other_units_are_never_compared():
    found = by_name(measured(unit="us", latency=10), measured(latency=20))
    assert found["latency"].verdict == "not comparable"
    assert found["latency"].why == "us and instructions"
    assert found["latency"].share is None
    assert found["latency"].growth is None
    assert found["arena"].verdict == "same"


def test_another_model_of_the_same_name_is_never_compared():
    found = changes(measured(), measured(sha256="12" * 32, accuracy=0.5))
    assert {change.verdict for change in found} == {"not comparable"}
    assert found[0].why == "other models of one name: abababab…, 12121212…"


def test_the_time_of_this_computer_is_not_that_of_a_board():
    board = {"board": "esp32", "unit": "us", "latency": 10.0}
    found = by_name(measured(**board), measured(**board, virtual=True))
    assert found["latency"].verdict == "not comparable"
    assert "this computer" in found["latency"].why


def test_accuracy_is_compared_over_the_same_samples_only():
    worse = by_name(measured(accuracy=0.9), measured(accuracy=0.875))["accuracy"]
    assert worse.verdict == "real"
    assert worse.growth == pytest.approx(2.5)
    fewer = measured(accuracy=0.9)
    assert fewer.accuracy is not None
    other = by_name(measured(accuracy=0.9), measured())["accuracy"]
    assert other.verdict == "not comparable"


def test_operators_are_paired_by_their_index_in_the_model():
    found = operator_changes(
        measured(operators=(100, 200)), measured(operators=(100, 180, 5), latency=285)
    )
    assert [one.change.verdict for one in found] == ["same", "real", "not comparable"]
    assert found[1].change.share == pytest.approx(-0.1)


def test_of_an_operators_microseconds_the_noise_is_not_known():
    before, after = (measured(unit="us", operators=ops) for ops in ((1.0, 2.0), (1.5, 2.0)))
    found = operator_changes(before, after)
    assert [one.change.verdict for one in found] == ["not known", "same"]
    assert operator_changes(before, measured(operators=(1, 2))) == ()
    assert operator_changes(before, measured(unit="us")) == ()
