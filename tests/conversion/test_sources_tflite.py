"""Float .tflite files as converters write them: open batches, small weights, refusals."""

from __future__ import annotations

import contextlib
import functools
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import keras_models, shared_models

from edgekit.conversion import litert, sources
from edgekit.conversion.sources import editing
from edgekit.errors import CorruptModelError, ModelError
from edgekit.frontends import schema, tflite
from edgekit.ir import DType
from edgekit.training.framework import keras, tensorflow


def written(model: Any, batch: int | None = 1, **options: Any) -> bytes:
    """A Keras model as TensorFlow's converter writes it, with the converter's options set."""
    tf = tensorflow()
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    @tf.function(autograph=False)
    def serve(*x: Any) -> Any:
        return model(list(x) if len(x) > 1 else x[0], training=False)

    signature = [tf.TensorSpec((batch, *x.shape[1:]), x.dtype) for x in model.inputs]
    frozen = convert_variables_to_constants_v2(serve.get_concrete_function(*signature))
    converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen])
    for name, value in options.items():
        owner: Any = converter
        *path, last = name.split("__")
        for part in path:
            owner = getattr(owner, part)
        setattr(owner, last, value)
    return bytes(converter.convert())


def edited(content: bytes, change: Callable[[Any], None]) -> bytes:
    tree = editing.parse(content)
    change(tree)
    return editing.pack(tree)


def reshaping() -> Any:
    """Keras computes this layer's shape from the batch, which only the device would know."""
    layers = keras().layers
    inputs = layers.Input((4, 6))
    x = layers.Reshape((8, 3))(layers.Dense(6, activation="relu")(inputs))
    return keras_models.trained(keras().Model(inputs, layers.Dense(2)(layers.Flatten()(x))))


@functools.cache
def dense() -> bytes:
    layers = keras().layers
    made = [layers.Input((4,)), layers.Dense(3, name="first"), layers.Dense(2, name="last")]
    return written(keras_models.trained(keras().Sequential(made, name="net")))


def agree(model: Any, converted: sources.FloatModel, tolerance: float = 2e-5) -> None:
    inputs = keras_models.inputs_of(model)
    found = litert.outputs(converted.content, inputs)
    for ours, theirs in zip(found, keras_models.outputs_of(model, inputs), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=10 * tolerance, atol=tolerance)


@pytest.mark.parametrize("batch", [None, 1, 5])
@pytest.mark.parametrize(
    "make",
    [reshaping, keras_models.kws_like, keras_models.cnn1d_like, keras_models.two_headed_like],
)
def test_an_open_or_larger_batch_becomes_1(make: Callable[[], Any], batch: int | None):
    model = make()
    content = written(model, batch)
    converted = sources.load(content)
    graph = tflite.read(converted.content)
    assert all(t.shape[0] == 1 for t in (*graph.inputs, *graph.outputs))
    assert not {"shape", "pack"} & {operator.kind for operator in graph.operators}
    tensors = editing.parse(converted.content).subgraphs[0].tensors
    assert all(-1 not in editing.indices(t.shapeSignature) for t in tensors)
    agree(model, converted)


def test_a_batch_that_is_mixed_is_refused():
    """One in which the place of a sample counts: it is no batch."""
    ops = keras().ops
    inputs = keras().Input((3,))
    weighted = keras().layers.Lambda(
        lambda x: ops.reshape(ops.reshape(x, (15,)) * ops.arange(15, dtype="float32"), (5, 3))
    )
    with pytest.raises(ModelError, match="does not work with a batch of 1"):
        sources.load(written(keras().Model(inputs, weighted(inputs)), 5))


def test_a_model_that_needs_nothing_stays_as_it_is():
    assert sources.load(dense()).content == dense()


@pytest.mark.parametrize("float16", [False, True])
def test_weights_that_were_stored_small_become_float32(float16: bool):
    model = keras_models.resnet8_like()
    options: dict[str, Any] = {"optimizations": [tensorflow().lite.Optimize.DEFAULT]}
    if float16:
        options["target_spec__supported_types"] = [tensorflow().float16]
    content = written(model, **options)
    types = {t.type for t in editing.parse(content).subgraphs[0].tensors}
    assert schema.TENSOR_TYPES.index("float16" if float16 else "int8") in types
    converted = sources.load(content)
    graph = tflite.read(converted.content)
    assert {t.dtype for t in graph.tensors} <= {DType.FLOAT32, DType.INT32}
    assert "dequantize" not in {operator.kind for operator in graph.operators}
    agree(model, converted, tolerance=1e-3 if float16 else 0.03)
    assert "conv2d" in " ".join(converted.layers.values())


def test_a_real_file_with_an_open_batch_and_int8_weights():
    path = shared_models.path("kws01_float32")
    started = time.monotonic()
    converted = sources.load(path)
    assert time.monotonic() - started < 5
    samples = np.random.default_rng(0).normal(size=(8, 49, 10, 1)).astype(np.float32)
    (found,) = litert.outputs(converted.content, [samples])
    (expected,) = litert.outputs(path.read_bytes(), [samples])
    assert np.abs(found - expected).max() < 0.1  # LiteRT also rounds the activations
    graph = tflite.read(converted.content)
    assert {t.dtype for t in graph.tensors} <= {DType.FLOAT32, DType.INT32}
    assert [converted.layers.get(op.output.name) for op in graph.operators[:3]] == [
        "conv2d",
        "depthwise_conv2d",
        "conv2d_1",
    ]


def first_input(tree: Any) -> Any:
    return tree.subgraphs[0].tensors[tree.subgraphs[0].inputs[0]]


def retyped(name: str) -> Callable[[Any], None]:
    return lambda tree: setattr(first_input(tree), "type", schema.TENSOR_TYPES.index(name))


def reshaped(*shape: int) -> Callable[[Any], None]:
    return lambda tree: setattr(first_input(tree), "shapeSignature", np.array(shape, np.int32))


def emptied(what: str) -> Callable[[Any], None]:
    return lambda tree: setattr(tree.subgraphs[0], what, np.array([], np.int32))


def doubled(tree: Any) -> None:
    tree.subgraphs.append(tree.subgraphs[0])


def custom(tree: Any) -> None:
    for code, name in zip(tree.operatorCodes, ("FlexErf", "Mine"), strict=False):
        code.builtinCode = code.deprecatedBuiltinCode = schema.CUSTOM
        code.customCode = name


def poisoned(tree: Any) -> None:
    for tensor in tree.subgraphs[0].tensors:
        if list(tensor.shape) == [2, 3]:
            editing.set_constant(tree, tensor, np.full((2, 3), np.nan, np.float32))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (retyped("int32"), "is of type int32"),
        (retyped("string"), "is of type string"),
        (reshaped(-1, -1), "dimension 1 has no fixed size"),
        (emptied("inputs"), "no inputs or no outputs"),
        (emptied("outputs"), "no inputs or no outputs"),
        (doubled, "2 functions"),
        (custom, "that TFLite does not have: Erf of layer 'first'"),
        (poisoned, "NaN or infinite in FULLY_CONNECTED of layer 'last'"),
    ],
)
def test_what_is_no_float_model_of_fixed_shapes_is_refused(
    tmp_path: Path, change: Callable[[Any], None], words: str
):
    path = tmp_path / "net.tflite"
    named = edited(dense(), _with_names)
    path.write_bytes(edited(named, change))
    with pytest.raises(ModelError) as caught:
        sources.load(path)
    assert words in str(caught.value)
    assert str(caught.value).startswith((".tflite net.tflite: ", "net: "))
    assert "\n" not in str(caught.value)


def _with_names(tree: Any) -> None:
    graph = tree.subgraphs[0]
    for tensor in graph.tensors:
        tensor.name = re.sub(r"(first|last)_\d", r"\1", editing.text(tensor.name))
    graph.tensors[graph.outputs[0]].name = "net/last/BiasAdd"


def test_an_input_without_a_batch_is_refused():
    x = keras().Input(batch_shape=(1, 4, 3))
    outputs = keras().ops.mean(keras().layers.Dense(2)(x), axis=(0, 1), keepdims=False)
    model = keras_models.trained(keras().Model(x, outputs))

    def without_batch(tree: Any) -> None:
        first_input(tree).shape = np.array([4, 3, 1], np.int32)
        first_input(tree).shapeSignature = None

    with pytest.raises(ModelError, match=r"not a batch of 1|does not work with a batch of 1"):
        sources.load(edited(written(model), without_batch))


@pytest.mark.parametrize("name", ["kws01_int8", "ad01_int8"])
def test_a_quantised_model_is_refused(name: str):
    path = shared_models.path(name)
    with pytest.raises(ModelError, match="quantised already: input") as caught:
        sources.load(path)
    assert "edgekit run" in str(caught.value.hint)


@given(st.data())
def test_a_damaged_file_is_one_error(data: st.DataObject):
    content = bytearray(dense())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(8, len(content) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(8, len(content)))
    with contextlib.suppress(ModelError):
        sources.load(bytes(content[:cut]))


def test_half_a_file_is_damaged():
    with pytest.raises(CorruptModelError):
        sources.load(dense()[: len(dense()) // 2])
