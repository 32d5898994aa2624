"""Shoulder exercises on a wrist: a CNN over time teaches one of a fiftieth of its work.

edgekit distill examples/gestures/recipe.py -o gestures
"""

from __future__ import annotations

from typing import Any

from data import CHANNELS, GESTURES, STEPS, test, training, validation
from wearing import OtherPeople

from edgekit.training import (
    AttentionTransfer,
    Data,
    GramRelation,
    HardLabels,
    Recipe,
    SoftLabels,
    Stage,
    TeacherTraining,
    cnn_1d,
)


def data() -> Data:
    return Data(train=training(), validation=validation(), test=test())


def teacher() -> Any:
    return cnn_1d(
        (STEPS, CHANNELS),
        len(GESTURES),
        channels=(64, 96, 128, 128),
        strides=(1, 2, 2, 2),
        kernel=7,
        dropout=0.3,
    )


def student() -> Any:
    return cnn_1d((STEPS, CHANNELS), len(GESTURES), channels=(16, 24, 32))


recipe = Recipe(
    teacher_training=TeacherTraining(epochs=12),
    stages=(
        Stage(
            "look",
            losses=(
                AttentionTransfer(pairs=(("block2", "block1"),), weight=0.5),
                GramRelation(pairs=(("block4", "block3"),), weight=0.5),
                HardLabels(),
            ),
            epochs=6,
        ),
        Stage("answer", losses=(SoftLabels(temperature=4, alpha=0.7),), epochs=18),
    ),
    augmentation=OtherPeople(),
)
