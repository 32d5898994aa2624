"""Taking, splitting and judging samples; options as texts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.models import graph_of, tensor

from edgekit.conversion.dataset import (
    Dataset,
    Preprocessing,
    check_for_calibration,
    parse_pixel_range,
    parse_quantized_as,
)
from edgekit.errors import CalibrationError, InputError
from edgekit.frontends.tflite_writer import write
from edgekit.ir import DType


def made_of(values, labels=None):
    values = np.asarray(values, np.float32)
    labels = None if labels is None else np.asarray(labels, np.int64)
    return Dataset(inputs=(values,), labels=labels, name="made")


def test_take_spreads_over_sorted_classes():
    data = made_of(np.arange(100)[:, None], np.repeat(np.arange(10), 10)).take(10)
    assert data.labels.tolist() == list(range(10))
    assert data.take(10) is data
    with pytest.raises(InputError, match="0 samples"):
        data.take(0)


@given(
    st.lists(st.integers(0, 4), min_size=2, max_size=60),
    st.floats(0.05, 0.95),
    st.integers(0, 2**32 - 1),
    st.booleans(),
)
def test_a_split_shares_nothing_and_loses_nothing(labels, fraction, seed, labelled):
    data = made_of(np.arange(len(labels))[:, None], labels if labelled else None)
    try:
        first, second = data.split(fraction, seed)
    except InputError:
        assert round(fraction * len(labels)) in (0, len(labels))
        return
    got = [part.inputs[0][:, 0].astype(int).tolist() for part in (first, second)]
    assert sorted(got[0] + got[1]) == list(range(len(labels)))
    assert got == [sorted(part) for part in got]
    assert len(first) == round(fraction * len(labels))
    assert got == [p.inputs[0][:, 0].astype(int).tolist() for p in data.split(fraction, seed)]
    if labelled:
        for label in set(labels):
            share = fraction * labels.count(label)
            assert abs(first.labels.tolist().count(label) - share) < 1


def test_another_seed_splits_otherwise():
    data = made_of(np.arange(50)[:, None])
    assert (data.split(0.5, 1)[0].inputs[0] != data.split(0.5, 2)[0].inputs[0]).any()


@pytest.mark.parametrize("fraction", [0, 1, -0.5, float("nan")])
def test_a_split_at_no_fraction_is_refused(fraction):
    with pytest.raises(InputError, match="cannot be split"):
        made_of(np.zeros((9, 1))).split(fraction)


GOOD = np.random.default_rng(0).standard_normal((9, 4))
BROKEN = GOOD.copy()
BROKEN[5, 1] = np.nan


def test_good_samples_are_fit_for_calibration():
    check_for_calibration(made_of(GOOD))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (GOOD[:7], "7 samples are too few to calibrate with, it takes at least 8"),
        (GOOD[:1], "1 sample is too few"),
        (np.zeros((9, 4)), "every value of input 0 is 0"),
        (np.repeat(GOOD[:1], 9, axis=0), "all 9 samples are the same"),
        (BROKEN, "sample 5 has values that are not finite in input 0"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_samples_that_would_mislead_are_refused(values, said):
    with pytest.raises(CalibrationError, match=said):
        check_for_calibration(made_of(values))


@pytest.mark.parametrize(
    "option",
    [
        {"pixel_range": (1.0, 1.0)},
        {"pixel_range": (0.0, float("inf"))},
        {"quantized_as": (0.0, 1)},
        {"quantized_as": (-0.5, 1)},
        {"quantized_as": (float("nan"), 1)},
        {"quantized_as": (0.5, 1.5)},
        {"quantized_as": (0.5, float("nan"))},
        {"sample_rate": 0},
    ],
    ids=str,
)
def test_options_without_meaning_are_refused(option):
    with pytest.raises(InputError):
        Preprocessing(**option)


def test_options_are_read_from_texts():
    assert parse_pixel_range("-1,1") == (-1.0, 1.0)
    assert parse_quantized_as("0.5,-3") == (0.5, -3)
    for text in ("1", "a,b", "1,2,3", ""):
        with pytest.raises(InputError, match="LOW,HIGH"):
            parse_pixel_range(text)
    for text in ("1", "1,2.5", "0.5", "a,b", ""):
        with pytest.raises(InputError, match="SCALE,ZERO_POINT"):
            parse_quantized_as(text)


def test_a_model_says_how_its_inputs_are_quantised(tmp_path):
    def model(*inputs):
        (tmp_path / "m.tflite").write_bytes(write(graph_of([], inputs, inputs)))
        return tmp_path / "m.tflite"

    a = tensor((1, 2), DType.INT8, scale=0.25, zero_point=7)
    b = tensor((1, 2), DType.INT8, scale=0.5, zero_point=7)
    assert parse_quantized_as(model(a)) == (0.25, 7)
    assert parse_quantized_as(str(model(a))) == (0.25, 7)
    with pytest.raises(InputError, match="different scales"):
        parse_quantized_as(model(a, b))
    with pytest.raises(InputError, match="no scale"):
        parse_quantized_as(model(tensor((1, 2), DType.FLOAT32)))
