"""Distil, prune and train with quantisation in the loop (Keras 3; extra `keras`)."""

from edgekit.training.augmentation import Shift
from edgekit.training.backbones import (
    autoencoder,
    cnn_1d,
    ds_cnn,
    mobilenet_v3_small,
    resnet_8,
)
from edgekit.training.losses import AttentionTransfer, GramRelation, HardLabels, Loss, SoftLabels
from edgekit.training.recipe import Augmentation, Data, Recipe, Samples, Stage, TeacherTraining

__all__ = [
    "AttentionTransfer",
    "Augmentation",
    "Data",
    "GramRelation",
    "HardLabels",
    "Loss",
    "Recipe",
    "Samples",
    "Shift",
    "SoftLabels",
    "Stage",
    "TeacherTraining",
    "autoencoder",
    "cnn_1d",
    "ds_cnn",
    "mobilenet_v3_small",
    "resnet_8",
]
