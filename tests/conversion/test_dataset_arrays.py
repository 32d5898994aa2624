"""Arrays become float32 in the model's layout, or one sentence says why they cannot."""

import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.models import tensor

from edgekit.conversion.dataset import Dataset, Preprocessing, load
from edgekit.errors import InputError
from edgekit.ir import DType

IMAGE = (tensor((1, 4, 6, 3), DType.FLOAT32, name="image"),)
VECTOR = (tensor((1, 6), DType.FLOAT32, name="v"),)
TWO = (
    tensor((1, 2), DType.FLOAT32, name="left"),
    tensor((1, 3), DType.FLOAT32, name="right"),
)


def numbered(count, *shape):
    """Samples that all differ, and say which they are."""
    size = int(np.prod(shape))
    return np.arange(count * size, dtype=np.float32).reshape(count, *shape)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_samples_and_labels_come_from_an_npz(tmp_path, save):
    x = numbered(100, 4, 6, 3)
    save(tmp_path / "a.npz", x=x, y=np.arange(100) % 7, names=np.array(["a", "b"]))
    data = load(tmp_path / "a.npz", IMAGE, classes=7)
    assert (data.inputs[0] == x).all()
    assert data.inputs[0].dtype == np.float32
    assert data.labels.dtype == np.int64
    assert data.labels.tolist() == (np.arange(100) % 7).tolist()
    assert len(data) == 100


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_a_limit_takes_evenly_spaced_samples_and_says_so(tmp_path, save):
    x = numbered(150, 4, 6, 3)
    save(tmp_path / "a.npz", x=x, y=np.repeat(np.arange(10), 15))
    data = load(str(tmp_path / "a.npz"), IMAGE, limit=70)
    assert len(data) == 70
    assert set(data.labels.tolist()) == set(range(10))
    assert (data.inputs[0] == x[np.arange(70) * 150 // 70]).all()
    assert "70 of the 150" in data.notes[0]


@pytest.mark.parametrize("order", ["C", "F"])
def test_samples_come_from_an_npy_of_either_order(tmp_path, order):
    x = numbered(5, 4, 6, 3)
    np.save(tmp_path / "a.npy", np.asarray(x, order=order))
    assert (load(tmp_path / "a.npy", IMAGE, limit=2).inputs[0] == x[[0, 2]]).all()


def test_an_array_has_one_name_for_each_input():
    arrays = {"left": numbered(3, 2), "x1": numbered(3, 3)}
    data = load(arrays, TWO)
    assert [values.shape for values in data.inputs] == [(3, 2), (3, 3)]
    assert load((tuple(arrays.values()), [0, 1, 2]), TWO).labels.tolist() == [0, 1, 2]


def test_a_dataset_is_taken_as_it_is():
    first = load((numbered(9, 6), np.arange(9)), VECTOR)
    again = load(first, VECTOR, limit=3)
    assert (again.inputs[0] == first.inputs[0][[0, 3, 6]]).all()
    assert again.labels.tolist() == [0, 3, 6]


@pytest.mark.parametrize(
    "shape", [(4, 6, 3), (1, 4, 6, 3), (72,)], ids=["as it is", "batch of 1", "flat"]
)
def test_shapes_that_mean_one_thing_are_taken(shape):
    x = numbered(2, *shape)
    assert (load(x, IMAGE).inputs[0] == x.reshape(2, 4, 6, 3)).all()


def test_samples_in_the_layout_of_the_source_are_transposed():
    x = numbered(2, 3, 4, 6)
    data = load(x, IMAGE, source_shapes=[(1, 3, 4, 6)])
    assert (data.inputs[0] == x.transpose(0, 2, 3, 1)).all()
    last = numbered(2, 4, 6, 3)
    assert (load(last, IMAGE, source_shapes=[(1, 3, 4, 6)]).inputs[0] == last).all()
    series = (tensor((1, 5, 2), DType.FLOAT32, name="s"),)
    x = numbered(2, 2, 5)
    assert (load(x, series, source_shapes=[(1, 2, 5)]).inputs[0] == x.transpose(0, 2, 1)).all()


def test_a_flat_sample_of_a_model_with_two_layouts_is_refused():
    with pytest.raises(InputError, match=r"shape \[72\]; the model takes \[4, 6, 3\]"):
        load(numbered(2, 72), IMAGE, source_shapes=[(1, 3, 4, 6)])


def test_channels_first_is_refused_where_no_source_had_it():
    with pytest.raises(InputError, match=r"shape \[3, 4, 6\]; the model takes \[4, 6, 3\]"):
        load(numbered(2, 3, 4, 6), IMAGE)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16, np.int64])
def test_integers_are_dequantised_as_they_were_quantised(dtype):
    x = np.array([[0, 1, 2, 3, 100, 127]], dtype)
    data = load(x, VECTOR, preprocessing=Preprocessing(quantized_as=(0.5, 3)))
    assert data.inputs[0].tolist() == [[-1.5, -1.0, -0.5, 0.0, 48.5, 62.0]]


def test_a_scale_that_lies_beside_the_array_wins(tmp_path):
    x = np.full((2, 6), 10, np.int8)
    np.savez(tmp_path / "a.npz", x=x, x_scale=np.float32(0.25), x_zero_point=-2)
    data = load(tmp_path / "a.npz", VECTOR, preprocessing=Preprocessing(quantized_as=(9, 9)))
    assert (data.inputs[0] == 3.0).all()
    with pytest.raises(InputError, match="both 'x_scale' and 'x_zero_point'"):
        load({"x": x, "x_scale": 0.25}, VECTOR)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16, np.int32])
def test_integers_that_nobody_explained_are_refused(dtype):
    with pytest.raises(InputError, match=f"is {np.dtype(dtype)}, and the model takes") as caught:
        load(np.zeros((9, 6), dtype), VECTOR)
    assert "--quantized-as SCALE,ZERO_POINT or --quantized-as MODEL.tflite" in caught.value.hint
    assert ("--pixel-range" in caught.value.hint) == (dtype is np.uint8)


def test_bytes_are_pixels_where_a_pixel_range_is_given():
    x = np.array([[0, 51, 102, 153, 204, 255]], np.uint8)
    unit = load(x, VECTOR, preprocessing=Preprocessing(pixel_range=(0, 1)))
    assert (unit.inputs[0] == x.astype(np.float32) / 255).all()
    centred = load(x, VECTOR, preprocessing=Preprocessing(pixel_range=(-1, 1)))
    assert centred.inputs[0] == pytest.approx(np.array([[-1, -0.6, -0.2, 0.2, 0.6, 1]]))


def test_floats_that_look_like_pixels_are_taken_but_noted():
    x = np.full((2, 4, 6, 3), 200.0)
    assert "from 200 to 200: if they are pixels" in load(x, IMAGE).notes[0]
    told = load(x, IMAGE, preprocessing=Preprocessing(pixel_range=(0, 1)))
    assert "beyond the pixel range 0 to 1" in told.notes[0]
    assert (told.inputs[0] == 200).all()
    assert load(x / 255, IMAGE).notes == ()


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_a_value_that_is_not_finite_is_found(tmp_path, value):
    x = np.zeros((200, 6))
    x[130, 2] = value
    np.savez(tmp_path / "a.npz", x=x)
    said = r"a\.npz: 'x' has (NaN|infinite values) in sample 130 \(input 'v'\)"
    with pytest.raises(InputError, match=said):
        load(tmp_path / "a.npz", VECTOR, limit=100)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"z": np.zeros((1, 6))}, "no array for input 0, 'v'; it has z"),
        ({}, "it has none"),
        (np.zeros((4, 5)), r"samples of shape \[5\]; the model takes \[6\]"),
        (np.zeros(()), "no samples"),
        (np.zeros((0, 6)), "no samples"),
        (np.zeros((2, 6), np.complex64), "complex64"),
        (np.zeros((2, 6), np.bool_), "bool"),
        (np.full((2, 6), "a"), "<U1"),
        (np.full((2, 6), None), "Python objects"),
        ((np.zeros((2, 6)), [1, 2, 3]), r"labels have shape \[3\]"),
        ((np.zeros((2, 6)), [0.0, 1.0]), "type float64"),
        ((np.zeros((2, 6)), [0, -1]), "label of sample 1 is -1"),
        ((np.zeros((2, 6)), [0, 5]), "label of sample 1 is 5, but the model has 5 classes"),
        ((np.zeros((2, 6)), np.eye(2, dtype=int)), r"labels have shape \[2, 2\]"),
        (b"bytes", "bytes, which holds no samples"),
        (7, "int, which holds no samples"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_does_not_match_is_refused(data, said):
    with pytest.raises(InputError, match=said):
        load(data, VECTOR, classes=5)


def test_one_hot_labels_are_refused_with_the_way_out():
    with pytest.raises(InputError) as caught:
        load((np.zeros((3, 6)), np.eye(3)), VECTOR)
    assert "argmax" in caught.value.hint


def test_inputs_of_different_lengths_are_refused():
    with pytest.raises(InputError, match=r"\[3, 4\] samples"):
        load({"x0": np.zeros((3, 2)), "x1": np.zeros((4, 3))}, TWO)


def test_more_than_the_memory_should_hold_is_refused():
    endless = np.broadcast_to(np.float32(0), (10**10, 6))
    with pytest.raises(InputError, match="bytes of memory") as caught:
        load(endless, VECTOR)
    assert "limit" in caught.value.hint
    assert len(load(endless, VECTOR, limit=10)) == 10


@pytest.mark.parametrize(
    "content", [b"", b"text", b"PK\x03\x04broken", b"\x93NUMPY", b"\x93NUMPY\x01\x00v\x00{'descr'"]
)
def test_a_file_that_holds_no_arrays_is_refused(tmp_path, content):
    path = tmp_path / "bad.npz"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"bad\.npz"):
        load(path, VECTOR)


def test_an_array_that_ends_early_is_refused(tmp_path):
    path = tmp_path / "a.npy"
    np.save(path, np.zeros((100, 6)))
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InputError, match=r"a\.npy is damaged"):
        load(path, VECTOR)


def test_a_shape_that_no_memory_could_hold_is_refused(tmp_path):
    path = tmp_path / "a.npy"
    np.save(path, np.zeros((1, 6)))
    path.write_bytes(path.read_bytes().replace(b"(1, 6), }" + b" " * 12, b"(1, 6000000000000), }"))
    with pytest.raises(InputError, match=r"a\.npy is damaged"):
        load(path, VECTOR)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@given(st.data())
def test_a_flipped_byte_never_goes_unseen_or_ends_in_a_traceback(tmp_path_factory, save, data):
    path = tmp_path_factory.mktemp("flip") / "a.npz"
    x = np.random.default_rng(0).standard_normal((20, 6)).astype(np.float32)
    save(path, x=x)
    content = bytearray(path.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(bytes(content))
    try:
        read = load(path, VECTOR)
    except InputError:
        return
    assert (read.inputs[0] == x).all()  # it was a byte that nobody reads, such as a date


def test_pickles_are_not_opened(tmp_path):
    np.save(tmp_path / "a.npy", np.array([[print] * 6], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match="Python objects"):
        load(tmp_path / "a.npy", VECTOR)


def test_a_zip_that_holds_no_arrays_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(InputError, match="it has none"):
        load(tmp_path / "a.npz", VECTOR)


@pytest.mark.parametrize(
    ("name", "hint"),
    [("a.py", "a.py:function"), ("a.wav", "folder"), ("a.PNG", "folder"), ("a.csv", ".npz")],
)
def test_other_files_are_refused_with_the_way_out(tmp_path, name, hint):
    (tmp_path / name).write_text("x")
    with pytest.raises(InputError, match="no samples in a form") as caught:
        load(tmp_path / name, VECTOR)
    assert hint in caught.value.hint


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"no file .*nothing\.npz"):
        load(tmp_path / "nothing.npz", VECTOR)


def test_no_samples_cannot_be_asked_for():
    with pytest.raises(InputError, match="0 samples"):
        load(numbered(3, 6), VECTOR, limit=0)


def test_progress_is_told_of_every_chunk():
    told = []
    load(numbered(130, 6), VECTOR, progress=lambda *report: told.append(report))
    assert [(done, total) for _, done, total in told] == [
        (0, 130),
        (64, 130),
        (128, 130),
        (130,) * 2,
    ]


def test_arrays_of_a_dataset_are_not_those_that_were_given():
    x = numbered(3, 6)
    data = load(x, VECTOR)
    x[:] = 0
    assert data.inputs[0].any()
    assert isinstance(data, Dataset)
