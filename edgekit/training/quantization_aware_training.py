"""Fine-tuning with the rounding of INT8 in the loop."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgekit.ir import Array
from edgekit.progress import Progress, silent
from edgekit.training.fit import Fitted, Trainer
from edgekit.training.framework import make_deterministic
from edgekit.training.losses import HardLabels, Loss
from edgekit.training.quantization_aware import calibrate, export, quantization_aware
from edgekit.training.recipe import Augmentation, Data, Stage
from edgekit.training.samples import checked, refuse_unfit
from edgekit.training.teaching import Teaching

#: Training samples, evenly spaced, whose minimum and maximum give the ranges.
CALIBRATION_SAMPLES = 500


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class QuantizationAware:
    """A model that learned to be rounded."""

    model: Any  # plain float keras.Model, to be saved and converted to INT8
    rounded: Any  # the same with the rounding: predicts what the INT8 model will say
    fitted: Fitted


def quantization_aware_fine_tune(
    model: Any,
    data: Data,
    epochs: int,
    *,
    learning_rate: float = 5e-4,
    losses: tuple[Loss, ...] = (HardLabels(),),
    teacher: Any = None,
    batch_size: int = 64,
    seed: int = 0,
    augmentation: Augmentation | None = None,
    checkpoint: Path | None = None,
    name: str = "quantisation-aware",
    progress: Progress = silent,
) -> QuantizationAware:
    """Train a trained classifier on with its weights and activations rounded as in INT8.

    Ranges of activations start from training samples, follow the training, and are taken anew from
    the best weights at its end, as a conversion with calibration will take them.

    Args:
        model: a functional or sequential keras.Model; it is not changed.
        epochs: a few are enough.
        teacher: for losses that need one; the float model itself may serve.
        checkpoint: as for `Trainer.fit`.

    Raises:
        ModelError: the model has layers whose integer arithmetic is not known; all are named.
        RecipeError: model and data do not fit each other.
        TrainingError: the training diverged.
    """
    data = checked(data)
    refuse_unfit(model, data, where=name)
    make_deterministic(seed)
    rounded = quantization_aware(model)
    calibrate(rounded, calibration_samples(data))
    trainer = Trainer(
        rounded,
        data,
        batch_size=batch_size,
        augmentation=augmentation,
        teaching=None if teacher is None else Teaching(teacher),
        progress=progress,
    )
    stage = Stage(name, losses=losses, epochs=epochs, learning_rate=learning_rate)
    fitted = trainer.fit((stage,), seed=seed, checkpoint=checkpoint, name=f"{name}, seed {seed}")
    calibrate(rounded, calibration_samples(data))
    return QuantizationAware(model=export(rounded), rounded=rounded, fitted=fitted)


def calibration_samples(data: Data) -> Array:
    """Some of the training inputs, evenly spaced: [N, …]."""
    inputs = data.train[0]
    step = max(1, len(inputs) // CALIBRATION_SAMPLES)
    return inputs[::step]
