"""Small Keras models of the kinds that people bring, with random weights as of a training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def kws_like() -> Any:
    """A DS-CNN for 49 x 10 features and 12 words."""
    import keras

    layers = keras.layers
    inputs = layers.Input((49, 10, 1), name="mfcc")
    x = layers.Conv2D(16, (10, 4), strides=2, padding="same", use_bias=False)(inputs)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    for _ in range(2):
        x = layers.DepthwiseConv2D(3, padding="same", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
        x = layers.Conv2D(16, 1, use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.AveragePooling2D((25, 5))(layers.Dropout(0.4)(x))
    x = layers.Dense(12, activation="softmax", name="words")(layers.Flatten()(x))
    return trained(keras.Model(inputs, x, name="kws"))


def mobilenet_like() -> Any:
    """An inverted residual of MobileNetV3: hard-swish, and squeeze-excite with hard-sigmoid."""
    import keras

    layers = keras.layers
    inputs = layers.Input((16, 16, 3), name="image")
    x = layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False, name="stem")(inputs)
    x = stem = layers.Activation("hard_silu")(layers.BatchNormalization()(x))
    x = layers.Conv2D(16, 1, name="expand")(x)
    x = layers.Activation("hard_silu")(layers.BatchNormalization()(x))
    x = layers.DepthwiseConv2D(5, padding="same", name="depthwise")(x)
    squeezed = layers.GlobalAveragePooling2D(keepdims=True, name="squeeze")(x)
    squeezed = layers.Conv2D(4, 1, activation="relu", name="reduce")(squeezed)
    squeezed = layers.Conv2D(16, 1, activation="hard_sigmoid", name="gate")(squeezed)
    x = layers.Multiply(name="excite")([x, squeezed])
    x = layers.BatchNormalization()(layers.Conv2D(8, 1, use_bias=False, name="project")(x))
    x = layers.GlobalAveragePooling2D()(layers.Add(name="residual")([x, stem]))
    return trained(keras.Model(inputs, layers.Dense(4, name="classes")(x), name="mobilenet"))


def resnet8_like() -> Any:
    """Residual blocks of ResNet-8, one with a convolution in its shortcut."""
    import keras

    layers = keras.layers
    inputs = layers.Input((16, 16, 3))
    x = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(8, 3, padding="same")(inputs)))
    for filters, strides in ((8, 1), (16, 2)):
        y = layers.Conv2D(filters, 3, strides=strides, padding="same")(x)
        y = layers.ReLU()(layers.BatchNormalization()(y))
        y = layers.BatchNormalization()(layers.Conv2D(filters, 3, padding="same")(y))
        if strides > 1:
            x = layers.Conv2D(filters, 1, strides=strides, padding="same")(x)
        x = layers.ReLU()(layers.Add()([x, y]))
    x = layers.Flatten()(layers.AveragePooling2D(8)(x))
    return trained(keras.Model(inputs, layers.Dense(10, activation="softmax")(x), name="resnet8"))


def cnn1d_like() -> Any:
    """Convolutions over 64 steps of 6 motion channels."""
    import keras

    layers = keras.layers
    return trained(
        keras.Sequential(
            [
                layers.Input((64, 6), name="motion"),
                layers.Conv1D(8, 5, activation="relu"),
                layers.BatchNormalization(),
                layers.MaxPooling1D(2),
                layers.Conv1D(12, 3, strides=2, padding="same", activation="relu"),
                layers.GlobalAveragePooling1D(),
                layers.Dense(7, activation="softmax"),
            ],
            name="cnn1d",
        )
    )


def autoencoder_like() -> Any:
    """Dense layers from 64 features to 8 and back."""
    import keras

    layers = keras.layers
    made = [layers.Input((64,), name="features")]
    for units in (32, 8, 32):
        made += [layers.Dense(units), layers.BatchNormalization(), layers.Activation("relu")]
    return trained(keras.Sequential([*made, layers.Dense(64)], name="autoencoder"))


def two_headed_like() -> Any:
    """Two inputs, two outputs, a nested model that is called twice, and normalised inputs."""
    import keras

    layers = keras.layers
    encoder = keras.Sequential(
        [layers.Input((8,)), layers.Dense(6, activation="relu", name="first")], name="encoder"
    )
    left, right = layers.Input((8,), name="left"), layers.Input((8,), name="right")
    scaled = layers.Rescaling(1 / 4, offset=0.5, name="scaled")(left)
    normal = layers.Normalization(mean=[0.5] * 8, variance=[2.0] * 8, name="normal")(right)
    a, b = encoder(scaled), encoder(normal)
    sum_ = layers.Dense(3, name="sum")(layers.Add(name="both")([a, b]))
    scores = layers.Dense(2, activation="sigmoid", name="scores")(
        layers.Concatenate(name="beside")([a, b])
    )
    return trained(keras.Model([left, right], [sum_, scores], name="two_headed"))


#: Every model, by its name.
MODELS: dict[str, Callable[[], Any]] = {
    "kws": kws_like,
    "mobilenet": mobilenet_like,
    "resnet8": resnet8_like,
    "cnn1d": cnn1d_like,
    "autoencoder": autoencoder_like,
    "two_headed": two_headed_like,
}


def trained(model: Any, seed: int = 0) -> Any:
    """`model` with random weights: no bias is 0, no batch norm is the identity."""
    dice = np.random.default_rng(seed)
    for weight in model.weights:
        shape = tuple(weight.shape)
        if weight.name in ("gamma", "moving_variance"):
            values = dice.uniform(0.5, 1.5, shape)
        elif weight.name in ("beta", "bias", "moving_mean"):
            values = dice.normal(0, 0.2, shape)
        elif weight.name in ("mean", "variance", "count"):
            continue  # of Normalization: given
        else:
            reads = np.prod(shape[:2]) if shape[-1] == 1 else np.prod(shape[:-1])
            values = dice.normal(0, np.sqrt(2 / reads), shape)
        weight.assign(values.astype(np.float32))
    return model


def inputs_of(model: Any, count: int = 4, seed: int = 1) -> list[np.ndarray]:
    """Normally distributed samples, one float32 array [count, …] for each input."""
    dice = np.random.default_rng(seed)
    return [dice.normal(size=(count, *x.shape[1:])).astype(np.float32) for x in model.inputs]


def outputs_of(model: Any, inputs: list[np.ndarray]) -> list[np.ndarray]:
    """What Keras itself computes."""
    outputs = model(inputs if len(inputs) > 1 else inputs[0], training=False)
    return [np.asarray(y) for y in (outputs if isinstance(outputs, list | tuple) else [outputs])]
