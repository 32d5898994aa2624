"""Samples that code yields, and what the user's code may do wrong."""

import itertools
import sys

import numpy as np
import pytest
from support.models import tensor

from edgekit.conversion.dataset import STREAM_SAMPLES, load
from edgekit.errors import InputError
from edgekit.ir import DType

VECTOR = (tensor((1, 6), DType.FLOAT32, name="v"),)
TWO = (
    tensor((1, 2), DType.FLOAT32, name="left"),
    tensor((1, 3), DType.FLOAT32, name="right"),
)
X = np.arange(54, dtype=np.float32).reshape(9, 6)
Y = np.arange(9) % 4

SHAPES_OF_DATA = {
    "array": lambda: X,
    "pair": lambda: (X, Y),
    "dictionary": lambda: {"x": X, "y": Y},
    "samples": lambda: iter(X),
    "list of samples": lambda: list(X),
    "samples with labels": lambda: zip(X, Y, strict=True),
    "lists of inputs": lambda: ([x[None]] for x in X),
    "dictionaries": lambda: ({"v": x, "label": y} for x, y in zip(X, Y, strict=True)),
    "batches": lambda: ((X[i : i + 4], Y[i : i + 4]) for i in range(0, 9, 4)),
    "nested lists": lambda: X.tolist(),
}


@pytest.mark.parametrize("form", SHAPES_OF_DATA)
def test_a_function_may_give_samples_in_any_usual_form(form):
    data = load(SHAPES_OF_DATA[form], VECTOR)
    assert (data.inputs[0] == X).all()
    assert data.inputs[0].dtype == np.float32
    assert data.labels is None or data.labels.tolist() == Y.tolist()


def test_samples_of_several_inputs_are_lists_or_dictionaries():
    left, right = np.ones((5, 2)), np.zeros((5, 3))
    lists = load(lambda: ([a, b] for a, b in zip(left, right, strict=True)), TWO)
    named = load(
        lambda: ({"right": b, "x0": a, "y": 1} for a, b in zip(left, right, strict=True)), TWO
    )
    labelled = load((((a, b), 3) for a, b in zip(left, right, strict=True)), TWO)
    for data in (lists, named, labelled):
        assert [values.shape for values in data.inputs] == [(5, 2), (5, 3)]
    assert named.labels.tolist() == [1] * 5
    assert labelled.labels.tolist() == [3] * 5


def endless():
    return (np.full(6, i, np.float32) for i in itertools.count())


def test_of_a_stream_without_end_the_first_samples_are_taken():
    assert len(load(endless, VECTOR)) == STREAM_SAMPLES
    assert load(endless, VECTOR, limit=5).inputs[0][:, 0].tolist() == [0, 1, 2, 3, 4]
    batches = (np.zeros((4, 6)) for _ in itertools.count())
    assert len(load(batches, VECTOR, limit=6)) == 6


def test_of_a_list_samples_are_taken_evenly_spaced():
    assert (load(list(X), VECTOR, limit=3).inputs[0] == X[[0, 3, 6]]).all()


def raising():
    yield X[0]
    raise KeyError("no such\nrecording")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (raising, "raising raised KeyError: 'no such.*recording'$"),
        (lambda: 1 / 0, "raised ZeroDivisionError: division by zero"),
        (lambda: sys.exit("enough"), "raised SystemExit: enough"),
        (lambda needed: needed, "raised TypeError: .*needed"),
        (lambda: None, "gives NoneType, which holds no samples"),
        (lambda: "text", "gives str"),
        (lambda: iter(()), "has no samples"),
        (lambda: iter([np.zeros(5)]), r"item 0 has shape \[5\]; the model takes \[6\] \('v'\)"),
        (lambda: iter([np.zeros((0, 6))]), r"item 0 has shape \[0, 6\]"),
        (lambda: iter([X[0], 7]), r"item 1 has shape \[\]"),
        (lambda: iter([{"z": X[0]}]), "item 0 has nothing for input 'v'; it has 'z'"),
        (lambda: iter([[[1, 2], [3]]]), "item 0 is no array: ValueError"),
        (lambda: iter([np.full(6, 1, np.int8)]), "item 0 is int8"),
        (lambda: iter([X[0], X[1] * np.nan]), "has NaN in sample 1"),
        (lambda: iter([(X[0], 0.5)]), "item 0 has a label of shape .* float64"),
        (lambda: iter([(X[0], -1)]), "label of sample 0 is -1"),
        (lambda: iter([(X[0], 4)]), "label of sample 0 is 4, but the model has 4 classes"),
        (lambda: iter([(X[0], 1), X[1]]), "1 of 2 items have a label"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_code_that_gives_no_samples_is_told_why(data, said):
    with pytest.raises(InputError, match=said):
        load(data, VECTOR, classes=4)


def test_an_item_must_have_every_input():
    with pytest.raises(InputError, match="one array for each of the model's 2 inputs"):
        load(iter([np.zeros(2)]), TWO)
    with pytest.raises(InputError, match=r"\[1, 4\] samples"):
        load(iter([[np.zeros((4, 2)), np.zeros(3)]]), TWO)


def test_ctrl_c_in_the_users_code_is_still_ctrl_c():
    def interrupted():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load(interrupted, VECTOR)


def test_a_function_in_a_file_may_import_what_lies_beside_it(tmp_path):
    (tmp_path / "beside_e3.py").write_text("WIDTH = 6\n")
    path = tmp_path / "my data.py"
    path.write_text(
        "import numpy as np\n"
        "from beside_e3 import WIDTH\n"
        "def samples():\n"
        "    for i in range(9):\n"
        "        yield np.full(WIDTH, i, float), i\n"
    )
    before = list(sys.path)
    data = load(f"{path}:samples", VECTOR)
    assert data.labels.tolist() == list(range(9))
    assert data.name == f"{path}:samples"
    assert sys.path == before


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("def other(): pass", "has no function 'samples'"),
        ("samples = 3", "has no function 'samples'"),
        ("import no_such_package_e3", "raised ModuleNotFoundError: No module named"),
        ("def (", "raised SyntaxError: invalid syntax"),
        ("raise ValueError('x' * 9999)", "raised ValueError: x{300} …$"),
    ],
)
def test_a_file_without_the_function_is_told_why(tmp_path, code, said):
    (tmp_path / "data.py").write_text(code)
    with pytest.raises(InputError, match=said):
        load(f"{tmp_path}/data.py:samples", VECTOR)


def test_a_missing_file_of_a_function_is_named(tmp_path):
    with pytest.raises(InputError, match=r"no file .*data\.py$"):
        load(f"{tmp_path}/data.py:samples", VECTOR)
