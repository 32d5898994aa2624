"""A .tflite becomes a graph, or an error that says what is wrong with it and what to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import shared_models
from support.flatbuffers_maker import build, dense_model, int32s, quantized

from edgekit.errors import CorruptModelError, FloatModelError, ModelError
from edgekit.frontends import schema, tflite
from edgekit.ir import DType, Quantization, problems
from edgekit.ops.fixed_point import Activation
from edgekit.ops.fully_connected import FullyConnectedAttributes

Model = dict[int, Any]


def subgraph(model: Model) -> dict[int, Any]:
    return model[schema.Model.SUBGRAPHS][0]


def tensor(model: Model, index: int) -> dict[int, Any]:
    return subgraph(model)[schema.SubGraph.TENSORS][index]


def operator(model: Model) -> dict[int, Any]:
    return subgraph(model)[schema.SubGraph.OPERATORS][0]


def code(model: Model) -> dict[int, Any]:
    return model[schema.Model.OPERATOR_CODES][0]


def test_a_plain_model_is_read_whole() -> None:
    graph = tflite.read(build(dense_model()), "dense")
    (op,) = graph.operators
    assert (op.kind, op.index) == ("fully_connected", 0)
    assert op.attributes == FullyConnectedAttributes(activation=Activation.RELU)
    assert op.inputs[2] is None
    weights = op.input(1)
    assert (weights.id, weights.name, weights.shape, weights.dtype) == (1, "w", (2, 3), DType.INT8)
    assert weights.quantization == Quantization((0.5,), (0,))
    assert weights.constant is not None
    assert weights.constant.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert not weights.constant.flags.writeable
    assert [t.name for t in (*graph.inputs, *graph.outputs)] == ["in", "out"]
    assert len(graph.sha256) == 64


REAL = ("ad01_int8", "ic01_int8", "kws01_int8", "vww01_int8")


@pytest.mark.parametrize("name", REAL)
def test_real_models_are_read(name: str) -> None:
    graph = tflite.read(shared_models.path(name))
    assert list(problems(graph)) == []
    assert graph.name == name
    tflite.refuse_float(graph)


@pytest.mark.parametrize(
    ("given", "name"),
    [("kws-v2 (1)", "kws_v2__1_"), ("3d", "model_3d"), ("größe", "gr__e"), ("a" * 90, "a" * 63)],
)
def test_names_become_c_identifiers(given: str, name: str, tmp_path: Path) -> None:
    assert tflite.read(build(dense_model()), given).name == name
    path = tmp_path / f"{given}.tflite"
    path.write_bytes(build(dense_model()))
    assert tflite.read(path).name == name


def test_bytes_are_called_model() -> None:
    assert tflite.read(build(dense_model())).name == "model"


def spoil_shape(model: Model, *shape: int) -> None:
    tensor(model, 0)[schema.Tensor.SHAPE] = int32s(*shape)


def set_type(model: Model, index: int, name: str) -> None:
    tensor(model, index)[schema.Tensor.TYPE] = np.int8(schema.TENSOR_TYPES.index(name))


REFUSED: dict[str, tuple[Callable[[Model], object], str]] = {
    "dynamic batch": (lambda m: spoil_shape(m, -1, 3), r"dynamic shape \[-1, 3\]"),
    "empty size": (lambda m: spoil_shape(m, 1, 0), r"dynamic shape \[1, 0\]"),
    "too many dimensions": (lambda m: spoil_shape(m, *[1] * 9), "9 dimensions"),
    "int4": (lambda m: set_type(m, 1, "int4"), "%1 'w' is int4"),
    "two types": (
        lambda m: (set_type(m, 1, "float16"), set_type(m, 2, "complex64")),
        r"1 operator .*\n  #0 FULLY_CONNECTED \(int8\): tensor %1 'w' is float16",
    ),
    "new type": (lambda m: tensor(m, 1).update({schema.Tensor.TYPE: np.int8(99)}), "unknown.*99"),
    "variable": (
        lambda m: tensor(m, 0).update({schema.Tensor.IS_VARIABLE: np.bool_(True)}),
        "keeps its value between invokes",
    ),
    "sparse": (lambda m: tensor(m, 1).update({schema.Tensor.SPARSITY: {}}), "stored sparse"),
    "external": (
        lambda m: tensor(m, 1).update({schema.Tensor.EXTERNAL_BUFFER: np.uint32(1)}),
        "in another file",
    ),
    "blockwise": (
        lambda m: tensor(m, 1)[schema.Tensor.QUANTIZATION].update(
            {schema.QuantizationParameters.DETAILS_TYPE: np.uint8(2)}
        ),
        "blockwise quantisation",
    ),
    "no outputs": (lambda m: subgraph(m).update({schema.SubGraph.OUTPUTS: int32s()}), "no outputs"),
    "schema version": (lambda m: m.update({schema.Model.VERSION: np.uint32(1)}), "version is 1"),
}


@pytest.mark.parametrize("spoil", REFUSED.values(), ids=REFUSED)
def test_what_the_graph_cannot_hold_is_refused(
    spoil: tuple[Callable[[Model], object], str],
) -> None:
    model = dense_model()
    spoil[0](model)
    with pytest.raises(ModelError, match=spoil[1]) as caught:
        tflite.read(build(model), "odd")
    assert not isinstance(caught.value, CorruptModelError)
    assert str(caught.value).startswith("odd: ")


def test_float16_weights_make_a_float_model() -> None:
    model = dense_model()
    for index, name in enumerate(("float32", "float16", "float32")):
        set_type(model, index, name)
    with pytest.raises(FloatModelError, match=r"odd: .*float16") as caught:
        tflite.read(build(model), "odd")
    assert "edgekit convert" in str(caught.value.hint)


CORRUPT: dict[str, tuple[Callable[[Model], object], str]] = {
    "no subgraph": (lambda m: m.update({schema.Model.SUBGRAPHS: []}), "no subgraph"),
    "short constant": (
        lambda m: m[schema.Model.BUFFERS][1].update({schema.Buffer.DATA: b"12345"}),
        r"has 5 bytes where shape \[2, 3\] needs 6",
    ),
    "no such buffer": (
        lambda m: tensor(m, 1).update({schema.Tensor.BUFFER: np.uint32(7)}),
        "names buffer 7 of 2",
    ),
    "no such tensor": (
        lambda m: operator(m).update({schema.Operator.INPUTS: int32s(0, 9)}),
        "tensor 9 is used but there are only 3",
    ),
    "no such code": (
        lambda m: operator(m).update({schema.Operator.OPCODE_INDEX: np.uint32(1)}),
        "operator code 1 of 1",
    ),
    "no such activation": (
        lambda m: operator(m)[schema.Operator.BUILTIN_OPTIONS].update({0: np.int8(77)}),
        "activation 77",
    ),
    "no inputs": (
        lambda m: operator(m).update({schema.Operator.INPUTS: int32s()}),
        "no input or no output",
    ),
    "negative code": (
        lambda m: code(m).update({schema.OperatorCode.DEPRECATED_BUILTIN_CODE: np.int8(-2),
                                  schema.OperatorCode.BUILTIN_CODE: np.int32(-1)}),
        "number -1",
    ),
    "its own input": (
        lambda m: operator(m).update({schema.Operator.INPUTS: int32s(2, 1)}),
        "reads tensor %2 before it is computed",
    ),
    "scale 0": (
        lambda m: tensor(m, 0).update({schema.Tensor.QUANTIZATION: quantized(0.0)}),
        "not a positive number",
    ),
    "zero point": (
        lambda m: tensor(m, 0).update(
            {schema.Tensor.QUANTIZATION: quantized(1.0, zero_points=(200,))}
        ),
        "zero point outside int8",
    ),
    "outside the file": (
        lambda m: m[schema.Model.BUFFERS][1].update(
            {schema.Buffer.OFFSET: np.uint64(1 << 40), schema.Buffer.SIZE: np.uint64(6)}
        ),
        "ends after the file",
    ),
}  # fmt: skip


@pytest.mark.parametrize("spoil", CORRUPT.values(), ids=CORRUPT)
def test_contradictions_are_corruption(spoil: tuple[Callable[[Model], object], str]) -> None:
    model = dense_model()
    spoil[0](model)
    with pytest.raises(CorruptModelError, match=spoil[1]):
        tflite.read(build(model))


def test_operators_in_an_order_that_cannot_run_are_corruption() -> None:
    model = dense_model()
    first, second = dict(operator(model)), dict(operator(model))
    tensors = subgraph(model)[schema.SubGraph.TENSORS]
    tensors.append({**tensors[0], schema.Tensor.NAME: "between"})
    first[schema.Operator.INPUTS], first[schema.Operator.OUTPUTS] = int32s(3, 1), int32s(2)
    second[schema.Operator.INPUTS], second[schema.Operator.OUTPUTS] = int32s(2, 1), int32s(3)
    subgraph(model)[schema.SubGraph.OPERATORS] = [first, second]
    with pytest.raises(CorruptModelError, match="before it is computed"):
        tflite.read(build(model))


def test_a_batch_that_only_the_signature_calls_dynamic_is_read() -> None:
    model = dense_model()
    tensor(model, 0)[7] = int32s(-1, 3)  # shape_signature
    assert tflite.read(build(model)).inputs[0].shape == (1, 3)


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ({}, None),
        (quantized(zero_points=()), None),
        (quantized(0.5, zero_points=()), None),
        (quantized(0.5, 0.25, zero_points=(0,)), Quantization((0.5, 0.25), (0, 0), 0)),
        (quantized(1, 2, 3, zero_points=(4, 5, 6), axis=1), Quantization((1, 2, 3), (4, 5, 6), 1)),
        (quantized(1, zero_points=(4,), axis=1), Quantization((1,), (4,), 0)),
    ],
)
def test_quantisation_is_read_as_tflite_micro_does(
    table: dict[int, Any], expected: Quantization | None
) -> None:
    model = dense_model()
    tensor(model, 1)[schema.Tensor.QUANTIZATION] = table
    assert tflite.read(build(model)).operators[0].input(1).quantization == expected


@pytest.mark.parametrize("dtype", [d for d in DType if d is not DType.INT8])
def test_constants_of_every_type_are_read(dtype: DType) -> None:
    model = dense_model()
    value = np.arange(6).reshape(2, 3).astype(dtype.numpy)
    set_type(model, 1, dtype.value)
    model[schema.Model.BUFFERS][1][schema.Buffer.DATA] = value.tobytes()
    read = tflite.read(build(model)).operators[0].input(1)
    assert read.dtype is dtype
    assert np.array_equal(read.constant, value)


def test_constants_after_the_flatbuffer_are_read() -> None:
    model = dense_model()
    buffer = {schema.Buffer.OFFSET: np.uint64(2000), schema.Buffer.SIZE: np.uint64(6)}
    model[schema.Model.BUFFERS][1] = buffer
    content = build(model).ljust(2000, b"\0") + bytes(range(10, 16))
    weights = tflite.read(content).operators[0].input(1).constant
    assert weights is not None
    assert weights.tolist() == [[10, 11, 12], [13, 14, 15]]


@pytest.mark.parametrize(
    ("deprecated", "builtin", "kind"),
    [
        (9, 0, "fully_connected"),
        (9, 9, "fully_connected"),
        (67, 67, "transpose_conv"),
        (127, 142, "var_handle"),
        (127, 4000, "builtin_4000"),
    ],
)
def test_operator_codes_old_and_new(deprecated: int, builtin: int, kind: str) -> None:
    model = dense_model()
    code(model)[schema.OperatorCode.DEPRECATED_BUILTIN_CODE] = np.int8(deprecated)
    code(model)[schema.OperatorCode.BUILTIN_CODE] = np.int32(builtin)
    op = tflite.read(build(model)).operators[0]
    assert op.kind == kind
    assert (op.attributes is None) == (kind != "fully_connected")


def test_custom_operators_keep_their_name() -> None:
    model = dense_model()
    code(model)[schema.OperatorCode.DEPRECATED_BUILTIN_CODE] = np.int8(schema.CUSTOM)
    code(model)[schema.OperatorCode.CUSTOM_CODE] = "TFLite_Detection_PostProcess"
    assert tflite.read(build(model)).operators[0].kind == "custom:TFLite_Detection_PostProcess"


@pytest.mark.parametrize("options", ["none", "of another operator"])
def test_without_its_options_an_operator_has_the_defaults(options: str) -> None:
    model = dense_model()
    if options == "none":
        del operator(model)[schema.Operator.BUILTIN_OPTIONS]
    else:
        operator(model)[schema.Operator.BUILTIN_OPTIONS_TYPE] = np.uint8(1)
    assert tflite.read(build(model)).operators[0].attributes == FullyConnectedAttributes()


def test_only_the_first_subgraph_counts_unless_it_calls_others() -> None:
    model = dense_model()
    model[schema.Model.SUBGRAPHS].append({})
    assert len(tflite.read(build(model)).operators) == 1
    code(model)[schema.OperatorCode.DEPRECATED_BUILTIN_CODE] = np.int8(119)
    with pytest.raises(ModelError, match="#0 WHILE runs other subgraphs"):
        tflite.read(build(model))


def test_names_need_not_be_utf8() -> None:
    content = build(dense_model()).replace(b"out\0", b"o\xfft\0")
    assert tflite.read(content).outputs[0].name == "o\ufffdt"


OTHERS = {
    b"": "empty",
    b"PK\x03\x04..model.weights.h5": "Keras .keras",
    b"PK\x03\x04..archive/data.pkl": "PyTorch",
    b"PK\x03\x04....": "zip",
    b"\x89HDF\r\n\x1a\n....": "HDF5",
    b"\x08\x08\x12\x07pytorch": "ONNX",
    b"\x08\x01\x12\x90\x01...": "SavedModel",
    b"\n\x10\n\x05input": "frozen graph",
    b"version https://git-lfs.github.com/spec/v1": "Git LFS",
    b"<!DOCTYPE html>": "web page",
    b"\x80\x02\x8a\x0a": "pickle",
    b"\x1f\x8b\x08\x00": "gzip",
    b"\x1c\0\0\0ET12": "ExecuTorch",
    b"alignas(16) const unsigned char g_model[] = {": "C source",
    b"what is this?": "bytes 4 to 7",
    b"TFL3": "bytes 4 to 7",
}


@pytest.mark.parametrize("content", OTHERS, ids=OTHERS.values())
def test_other_files_are_said_by_name(content: bytes) -> None:
    with pytest.raises(CorruptModelError, match=OTHERS[content]):
        tflite.read(content)


def test_paths_that_are_no_file(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="SavedModel"):
        tflite.read(tmp_path)
    with pytest.raises(ModelError, match=r"absent\.tflite cannot be read: No such file"):
        tflite.read(tmp_path / "absent.tflite")


def test_a_tensor_of_one_dimension_may_carry_the_axis_of_another() -> None:
    """Old converters give a bias the axis of its weights: so has the person detection model."""
    model = dense_model()
    tensor(model, 0)[schema.Tensor.SHAPE] = int32s(3)
    tensor(model, 0)[schema.Tensor.QUANTIZATION] = quantized(0.5, 0.25, 1.0, axis=3)
    read = tflite.read(build(model)).inputs[0].quantization
    assert read == Quantization((0.5, 0.25, 1.0), (0, 0, 0), 0)
