"""A tiny task to learn, a tiny teacher and a tiny student."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgekit.training import (
    AttentionTransfer,
    Data,
    GramRelation,
    HardLabels,
    Recipe,
    SoftLabels,
    Stage,
    TeacherTraining,
)
from edgekit.training.framework import keras

CLASSES = 3


def stripes(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Noise [N, 8, 8, 1] with stripes that lie, stand, or are not there; labels 0, 1, 2."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % CLASSES
    wave = np.tile([1.0, -1.0], 4)
    patterns = np.stack([np.tile(wave[:, None], 8), np.tile(wave, (8, 1)), np.zeros((8, 8))])
    noise = random.normal(0, 0.8, (count, 8, 8))
    return (patterns[labels] + noise)[..., None].astype(np.float32), labels


def data() -> Data:
    return Data(train=stripes(96, 1), validation=stripes(48, 2), test=stripes(60, 3))


def network(channels: int, name: str, *, dropout: float = 0.0) -> Any:
    layers = keras().layers
    inputs = keras().Input((8, 8, 1))
    x = layers.Conv2D(channels, 3, strides=2, padding="same", name="conv")(inputs)
    x = layers.BatchNormalization(momentum=0.8, name="norm")(x)
    x = layers.ReLU(name="features")(x)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    x = layers.Dropout(dropout)(x)
    return keras().Model(inputs, layers.Dense(CLASSES, name="logits")(x), name=name)


def teacher() -> Any:
    return network(12, "teacher")


def student() -> Any:
    return network(4, "student", dropout=0.2)  # random layers have a state to keep


def recipe(**changes: Any) -> Recipe:
    terms: dict[str, Any] = {
        "teacher_training": TeacherTraining(epochs=4, learning_rate=2e-2),
        "stages": (
            Stage(
                "look",
                losses=(
                    AttentionTransfer(pairs=(("features", "features"),), weight=0.3),
                    GramRelation(pairs=(("pool", "pool"),), weight=0.3),
                    HardLabels(),
                ),
                epochs=2,
                learning_rate=2e-2,
            ),
            Stage("answer", losses=(SoftLabels(temperature=3),), epochs=2, learning_rate=2e-2),
        ),
        "batch_size": 16,
        "seeds": (0, 1),
    }
    return Recipe(**{**terms, **changes})


def long_stage(epochs: int) -> Stage:
    return Stage("answer", losses=(SoftLabels(temperature=3),), epochs=epochs, learning_rate=1e-2)
