"""Real digits: a CNN of 7.5 million multiply-accumulates teaches one of a twentieth of that.

edgekit distill examples/digits/recipe.py -o digits
"""

from __future__ import annotations

from typing import Any

import numpy as np
from images import SIDE, load

from edgekit.training import (
    AttentionTransfer,
    Data,
    GramRelation,
    HardLabels,
    Recipe,
    Shift,
    SoftLabels,
    Stage,
    TeacherTraining,
    ds_cnn,
)

VALIDATION = 400  # of the 4,000 training images, as many of each digit


def data() -> Data:
    training, test = load()
    x, y = (training.pixels[..., None] / 255).astype(np.float32), training.labels
    return Data(
        train=(x[:-VALIDATION], y[:-VALIDATION]),
        validation=(x[-VALIDATION:], y[-VALIDATION:]),
        test=((test.pixels[..., None] / 255).astype(np.float32), test.labels),
    )


def teacher() -> Any:
    import keras

    layers = keras.layers
    inputs = x = keras.Input((SIDE, SIDE, 1), name="image")
    for i, (channels, strides) in enumerate(((32, 1), (32, 2), (64, 1), (64, 2)), start=1):
        x = layers.Conv2D(channels, 3, strides=strides, padding="same", use_bias=False)(x)
        x = layers.BatchNormalization(momentum=0.9)(x)
        x = layers.ReLU(name=f"block{i}")(x)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    x = layers.Dropout(0.2)(x)
    return keras.Model(inputs, layers.Dense(10, name="logits")(x), name="teacher")


def student() -> Any:
    return ds_cnn((SIDE, SIDE, 1), 10, channels=(12, 24, 40, 40, 48), strides=(2, 1, 2, 1, 1))


recipe = Recipe(
    teacher_training=TeacherTraining(epochs=15, learning_rate=4e-3),
    stages=(
        Stage(
            "look where the teacher looks",
            losses=(
                AttentionTransfer(pairs=(("block2", "block1"),), weight=0.3),
                HardLabels(),
            ),
            epochs=5,
            learning_rate=6e-3,
        ),
        Stage(
            "find alike what it finds alike",
            losses=(
                GramRelation(pairs=(("block4", "block3"),), weight=0.3),
                SoftLabels(temperature=4, alpha=0.7),
            ),
            epochs=5,
            learning_rate=6e-3,
        ),
        Stage(
            "answer as it answers",
            losses=(SoftLabels(temperature=4, alpha=0.7),),
            epochs=20,
            learning_rate=6e-3,
        ),
    ),
    batch_size=32,
    augmentation=Shift(2),
)
