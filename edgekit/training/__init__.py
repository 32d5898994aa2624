"""Distil, prune and train with quantisation in the loop (Keras 3; extra `keras`)."""

from edgekit.training.augmentation import Shift
from edgekit.training.backbones import (
    autoencoder,
    cnn_1d,
    ds_cnn,
    mobilenet_v3_small,
    resnet_8,
)
from edgekit.training.distillation import distil
from edgekit.training.fit import Fitted, fit
from edgekit.training.folding import fold_batch_norm
from edgekit.training.losses import AttentionTransfer, GramRelation, HardLabels, Loss, SoftLabels
from edgekit.training.pruning import PrunedModel, PruningOptions, prune
from edgekit.training.pruning_results import PruningResult
from edgekit.training.pruning_study import prune_and_compare
from edgekit.training.quantization_aware_training import (
    QuantizationAware,
    quantization_aware_fine_tune,
)
from edgekit.training.recipe import Augmentation, Data, Recipe, Samples, Stage, TeacherTraining
from edgekit.training.recipe_file import RecipeFile, load_recipe
from edgekit.training.results import DistillationResult, SeedResult
from edgekit.training.spread import Spread

__all__ = [
    "AttentionTransfer",
    "Augmentation",
    "Data",
    "DistillationResult",
    "Fitted",
    "GramRelation",
    "HardLabels",
    "Loss",
    "PrunedModel",
    "PruningOptions",
    "PruningResult",
    "QuantizationAware",
    "Recipe",
    "RecipeFile",
    "Samples",
    "SeedResult",
    "Shift",
    "SoftLabels",
    "Spread",
    "Stage",
    "TeacherTraining",
    "autoencoder",
    "cnn_1d",
    "distil",
    "ds_cnn",
    "fit",
    "fold_batch_norm",
    "load_recipe",
    "mobilenet_v3_small",
    "prune",
    "prune_and_compare",
    "quantization_aware_fine_tune",
    "resnet_8",
]
