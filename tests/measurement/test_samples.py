"""Inputs that do not match the model are refused in one sentence; the others arrive whole."""

import numpy as np
import pytest
from support.models import graph_of, tensor

from edgekit.errors import InputError
from edgekit.ir import DType
from edgekit.measurement import from_arrays, random_samples, read_samples


@pytest.fixture
def graph():
    source = tensor((1, 2, 3), DType.INT8, scale=0.5, zero_point=3)
    return graph_of([], [source], [])


@pytest.fixture
def float_graph():
    return graph_of([], [tensor((1, 4), DType.FLOAT32)], [])


def test_random_samples_are_the_same_for_the_same_seed_and_span_the_type(graph):
    a, b = (random_samples(graph, 200, seed=7) for _ in range(2))
    assert all((x[0] == y[0]).all() for x, y in zip(a.inputs, b.inputs, strict=True))
    values = np.concatenate([x[0].reshape(-1) for x in a.inputs])
    assert (values.min(), values.max(), values.dtype) == (-128, 127, np.int8)


def test_random_floats_are_float32(float_graph):
    assert random_samples(float_graph, 1).inputs[0][0].dtype == np.float32


def test_no_samples_are_refused(graph):
    with pytest.raises(InputError, match="0 inputs"):
        random_samples(graph, 0)


def test_samples_and_labels_come_from_an_npz(graph, tmp_path):
    x = np.arange(24, dtype=np.int8).reshape(4, 2, 3)
    np.savez(tmp_path / "a.npz", x=x, y=np.arange(4))
    samples = read_samples(tmp_path / "a.npz", graph, limit=3)
    assert len(samples) == 3
    assert samples.labels.tolist() == [0, 1, 2]
    assert samples.inputs[2][0].tolist() == x[2:3].tolist()


def test_floats_are_quantised_with_the_inputs_scale_ties_away_from_zero(graph):
    x = np.array([[0.0, 0.25, -0.25, 0.74, 1000.0, -1000.0]], np.float32)
    samples = from_arrays({"x": x}, graph)
    assert samples.inputs[0][0].reshape(-1).tolist() == [3, 4, 2, 4, 127, -128]
    just_below_a_tie = np.full((1, 6), np.nextafter(np.float32(0.25), np.float32(0)))
    assert (from_arrays({"x": just_below_a_tie}, graph).inputs[0][0] == 3).all()


def test_an_input_of_int16_is_quantised_and_drawn_over_all_16_bits():
    wide = graph_of([], [tensor((1, 4), DType.INT16, scale=2.0**-15)], [])
    x = np.array([[0.0, 0.5, -1.0, 1.0]], np.float32)
    assert from_arrays({"x": x}, wide).inputs[0][0].tolist() == [[0, 16384, -32768, 32767]]
    narrow = np.array([[1, -2, 127, -128]], np.int8)
    assert from_arrays({"x": narrow}, wide).inputs[0][0].dtype == np.int16
    drawn = np.concatenate([x[0] for x in random_samples(wide, 500).inputs])
    assert drawn.dtype == np.int16
    assert (drawn.min() < -32000, drawn.max() > 32000) == (True, True)


def test_wider_integers_are_taken_where_nothing_is_lost(graph):
    x = np.full((1, 6), 127, np.int64)
    assert from_arrays({"x": x}, graph).inputs[0][0].dtype == np.int8
    with pytest.raises(InputError, match="int64"):
        from_arrays({"x": x + 1}, graph)


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"z": np.zeros((1, 6), np.int8)}, "no array for input 0"),
        ({}, "it has none"),
        ({"x": np.zeros((4, 5), np.int8)}, r"shape \[4, 5\]; the model takes \[1, 2, 3\]"),
        ({"x": np.zeros((), np.int8)}, r"shape \[\]"),
        ({"x": np.zeros((0, 6), np.int8)}, "shape"),
        ({"x": np.full((1, 6), np.nan, np.float32)}, "not finite"),
        ({"x": np.zeros((1, 6), np.complex64)}, "complex64"),
        ({"x": np.zeros((2, 6), np.int8), "y": np.zeros(3, int)}, "labels"),
        ({"x": np.zeros((2, 6), np.int8), "y": np.zeros(2)}, "labels"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_does_not_match_is_refused(graph, arrays, said):
    with pytest.raises(InputError, match=said):
        from_arrays(arrays, graph)


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04broken", b"\x93NUMPY"])
def test_a_file_that_is_no_npz_is_refused(graph, tmp_path, content):
    path = tmp_path / "bad.npz"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"bad\.npz"):
        read_samples(path, graph)


def test_a_single_array_is_refused_with_the_way_out(graph, tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((1, 6), np.int8))
    with pytest.raises(InputError, match="one array") as caught:
        read_samples(tmp_path / "a.npy", graph)
    assert "savez" in caught.value.hint


def test_a_missing_file_is_named(graph, tmp_path):
    with pytest.raises(InputError, match=r"no file .*nothing\.npz"):
        read_samples(tmp_path / "nothing.npz", graph)
