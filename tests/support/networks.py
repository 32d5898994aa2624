"""Small Keras models with weights as of a training: no bias is 0, no batch norm is the identity."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgekit.training.framework import keras


def lively(model: Any, seed: int = 0) -> Any:
    """`model` with random biases, and batch norm with random statistics."""
    random = np.random.default_rng(seed)
    for layer in model.layers:
        weights = layer.get_weights()
        if type(layer).__name__ == "BatchNormalization":
            names = [weight.name for weight in layer.weights]
            weights = [
                random.uniform(0.5, 1.5, w.shape)
                if name in ("gamma", "moving_variance")
                else random.normal(0, 0.3, w.shape)
                for w, name in zip(weights, names, strict=True)
            ]
        elif getattr(layer, "use_bias", False):
            weights[-1] = random.normal(0, 0.3, weights[-1].shape)
        elif isinstance(layer, keras().Model):
            lively(layer, seed)
            continue
        layer.set_weights(weights)
    return model


def samples(model: Any, count: int = 8, seed: int = 1) -> np.ndarray:
    """Normally distributed inputs of `model`, float32 [count, …]."""
    random = np.random.default_rng(seed)
    return random.normal(size=(count, *model.inputs[0].shape[1:])).astype(np.float32)


def difference(first: Any, second: Any, inputs: np.ndarray) -> float:
    """The largest difference of two models' outputs, relative to the largest output."""
    a, b = (np.asarray(model(inputs, training=False)) for model in (first, second))
    return float(np.abs(a - b).max() / np.abs(a).max())


def concatenating() -> Any:
    """Two branches side by side, one of them a sum; then depthwise, separable, flat and dense."""
    layers = keras().layers
    inputs = keras().Input((8, 8, 2))
    stem = layers.Conv2D(6, 3, padding="same", activation="relu", name="stem")(inputs)
    left = layers.Conv2D(4, 1, name="left")(stem)
    right = layers.Conv2D(6, 3, padding="same", name="right")(stem)
    right = layers.Add()([right, stem])
    x = layers.Concatenate()([left, right])
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.MaxPooling2D()(layers.ReLU()(x))
    x = layers.ZeroPadding2D(1)(x)
    x = layers.DepthwiseConv2D(3, depth_multiplier=2, name="depthwise")(x)
    x = layers.SeparableConv2D(5, 3, padding="same", activation="tanh", name="separable")(x)
    x = layers.Flatten()(x)
    return keras().Model(inputs, layers.Dense(3, name="classes")(x))


def one_dimensional() -> Any:
    """Conv1D with a reshape, a sequential model within, a layer that is used twice."""
    layers = keras().layers
    inputs = keras().Input((32, 3))
    within = keras().Sequential(
        [
            keras().Input((16, 8)),
            layers.Conv1D(8, 3, padding="same", name="again", use_bias=False),
            layers.BatchNormalization(),
            layers.Activation("hard_swish"),
        ],
        name="within",
    )
    x = layers.Conv1D(8, 5, strides=2, padding="same", name="first")(inputs)
    x = within(layers.ReLU()(x))
    twice = layers.Dense(8, activation="relu", name="twice")
    x = twice(twice(x)) * 0.5
    x = layers.GlobalAveragePooling1D()(x)
    return keras().Model(inputs, layers.Dense(4, name="classes")(x))


def before_convolution() -> Any:
    """Batch norm where it cannot be folded: before a convolution, and after one that is read
    twice."""
    layers = keras().layers
    inputs = keras().Input((6, 6, 2))
    x = layers.BatchNormalization(name="first")(inputs)
    x = layers.Conv2D(4, 3, name="read_twice")(x)
    y = layers.BatchNormalization(name="second")(x)
    x = layers.Add()([x, layers.ReLU()(y)])
    return keras().Model(inputs, layers.Dense(3)(layers.GlobalAveragePooling2D()(x)))
