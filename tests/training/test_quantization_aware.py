from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from support import networks
from support.keras_int8 import to_int8

from edgekit.conversion import litert
from edgekit.errors import ModelError
from edgekit.training import backbones
from edgekit.training.folding import fold_batch_norm
from edgekit.training.framework import keras
from edgekit.training.quantization_aware import calibrate, export, quantization_aware

MODELS: dict[str, Callable[[], Any]] = {
    "ds_cnn": lambda: backbones.ds_cnn((12, 12, 1), 4, 0.25),
    "resnet_8": lambda: backbones.resnet_8((8, 8, 3), 4, 0.5),
    "mobilenet_v3_small": lambda: backbones.mobilenet_v3_small((16, 16, 1), 4, 0.2, features=16),
    "cnn_1d": lambda: backbones.cnn_1d((32, 3), 4, 0.5),
    "autoencoder": lambda: backbones.autoencoder((16,), 0.25),
    "concatenating": networks.concatenating,
    "one_dimensional": networks.one_dimensional,
    "before_convolution": networks.before_convolution,
}


@pytest.fixture(autouse=True)
def _same_weights_each_time() -> None:
    keras().utils.set_random_seed(0)


@pytest.mark.parametrize("name", MODELS)
def test_what_is_exported_is_plain_and_differs_by_the_rounding_of_weights(name: str) -> None:
    model = networks.lively(MODELS[name]())
    exported = export(quantization_aware(model))
    assert networks.difference(model, exported, networks.samples(model)) < 0.05
    assert {type(layer).__module__.split(".")[0] for layer in exported.layers} == {"keras"}
    again = export(quantization_aware(exported))
    for first, second in zip(exported.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_allclose(first, second, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", MODELS)
def test_rounding_changes_a_little(name: str) -> None:
    model = networks.lively(MODELS[name]())
    inputs = networks.samples(model, 64)
    rounded = quantization_aware(model)
    calibrate(rounded, inputs)
    assert 1e-4 < networks.difference(model, rounded, inputs) < 0.15


def _steps_apart(model: Any, count: int = 100) -> np.ndarray:
    """How many steps of its output's scale the INT8 model is away from the rounding one."""
    networks.lively(model)
    inputs = networks.samples(model, count)
    rounded = quantization_aware(model)
    calibrate(rounded, inputs)
    content = to_int8(export(rounded), inputs)
    (integer,) = litert.outputs(content, (inputs,))
    scale = litert.interpreter(content).get_output_details()[0]["quantization"][0]
    return np.abs(np.asarray(rounded(inputs, training=False)) - integer) / scale


def test_the_integer_model_says_what_the_rounding_model_says_to_the_step() -> None:
    layers = keras().layers
    inputs = keras().Input((8, 8, 3))
    x = layers.Conv2D(8, 3, use_bias=False)(inputs)
    x = start = layers.ReLU(max_value=6.0)(layers.BatchNormalization()(x))
    x = layers.DepthwiseConv2D(3, padding="same", activation="relu")(x)
    x = layers.MaxPooling2D()(layers.Add()([start, layers.Conv2D(8, 1)(x)]))
    model = keras().Model(inputs, layers.Dense(5)(layers.Flatten()(x)))
    steps = _steps_apart(model)
    assert (steps < 0.5).mean() > 0.9
    assert steps.max() < 1.5


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_the_integer_model_of_any_network_is_near_the_rounding_model(name: str) -> None:
    steps = _steps_apart(MODELS[name]())
    # LiteRT's MEAN rounds some values up; and batch norm that stays is two operators there, each
    # of which rounds
    assert np.sqrt(np.square(steps).mean()) < (5.0 if name == "before_convolution" else 2.5)


def test_ranges_are_those_of_the_float_model_and_hold_zero() -> None:
    layers = keras().layers
    inputs = keras().Input((2,), name="input")
    x = layers.Dense(2, name="dense")(inputs)
    model = keras().Model(inputs, layers.Dense(1, activation="sigmoid", name="last")(x))
    model.get_layer("dense").set_weights([np.eye(2), np.array([5.0, 5.0])])
    rounded = quantization_aware(model)
    calibrate(rounded, np.array([[1.0, -2.0], [3.0, 0.5]], np.float32))
    found = {
        layer.name: (float(layer.low), float(layer.high))
        for layer in rounded.layers
        if type(layer).__name__ == "FakeQuantize"
    }
    assert found["input_quantized"] == (-2.0, 3.0)
    assert found["dense_quantized"] == (0.0, 8.0)
    assert found["last_sigmoid_quantized"] == (0.0, 255 / 256)  # as TensorFlow Lite has it


def test_a_range_grows_at_once_and_shrinks_slowly() -> None:
    from edgekit.training.quantization_aware_layers import FakeQuantize

    layer = FakeQuantize()
    layer(np.array([[0.0]], np.float32))
    layer.set_range(-1.0, 1.0)
    layer(np.array([[-4.0, 0.5]], np.float32), training=True)
    assert float(layer.low) == -4.0
    assert float(layer.high) == pytest.approx(0.99)
    layer(np.array([[-9.0, 9.0]], np.float32), training=False)
    assert float(layer.low) == -4.0


def test_weights_have_255_values_for_each_channel_and_slopes_pass() -> None:
    import tensorflow as tf

    from edgekit.training.quantization_aware_layers import QuantizedWeights

    layers = keras().layers
    for layer in (
        layers.Conv2D(3, 1, use_bias=False),
        layers.DepthwiseConv2D(1, depth_multiplier=2, use_bias=False),
        layers.Conv2DTranspose(3, 1, use_bias=False),
        layers.Dense(3, use_bias=False),
    ):
        wrapped = QuantizedWeights(layer)
        inputs = np.ones((1, 1, 1, 4), np.float32)
        wrapped(inputs)
        kernel = np.asarray(layer.weights[0])
        rounded = np.asarray(wrapped._rounded(tf.convert_to_tensor(kernel)))
        if "Transpose" in type(layer).__name__:
            kernel, rounded = (np.swapaxes(w, -1, -2) for w in (kernel, rounded))
        if "Depthwise" in type(layer).__name__:
            kernel, rounded = (w.reshape(-1, 8) for w in (kernel, rounded))
        flat = kernel.reshape(-1, kernel.shape[-1])
        scale = np.abs(flat).max(axis=0) / 127
        steps = rounded.reshape(flat.shape) / scale
        assert np.abs(steps - np.round(flat / scale)).max() < 1e-3
        with tf.GradientTape() as tape:
            total = tf.reduce_sum(wrapped(inputs))
        assert np.abs(np.asarray(tape.gradient(total, layer.weights[0])) - 1.0).max() < 1e-6


@pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")  # Keras's own saving
def test_a_saved_rounding_model_is_read_again(tmp_path: Any) -> None:
    model = networks.lively(MODELS["mobilenet_v3_small"]())
    inputs = networks.samples(model)
    rounded = quantization_aware(model)
    calibrate(rounded, inputs)
    rounded.save(tmp_path / "rounded.keras")
    again = keras().saving.load_model(tmp_path / "rounded.keras")
    assert networks.difference(rounded, again, inputs) == 0.0


def test_unknown_layers_are_all_named() -> None:
    layers = keras().layers
    inputs = keras().Input((8, 2))
    x = layers.LSTM(4, return_sequences=True, name="memory")(inputs)
    x = layers.Activation("softplus", name="odd")(layers.Conv1D(2, 1)(x))
    model = keras().Model(inputs, layers.LayerNormalization(name="mixer")(x), name="mine")
    with pytest.raises(ModelError, match="'mine' has layers that cannot") as raised:
        quantization_aware(model)
    for name in ("memory (LSTM)", "odd (Activation)", "mixer (LayerNormalization)"):
        assert name in str(raised.value)


def test_no_batch_norm_is_left_where_it_can_be_folded() -> None:
    rounded = quantization_aware(MODELS["resnet_8"]())
    kinds = {type(layer).__name__ for layer in rounded.layers}
    assert "BatchNormalization" not in kinds
    assert len(rounded.trainable_variables) == len(
        fold_batch_norm(MODELS["resnet_8"]()).trainable_variables
    )
