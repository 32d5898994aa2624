"""One step of a training, compiled."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from edgekit.ir import Array
from edgekit.training.framework import tensorflow
from edgekit.training.layers import Observed
from edgekit.training.losses import Loss, Tensor
from edgekit.training.recipe import Stage
from edgekit.training.teaching import Targets


class Step:
    """Changes a model's weights by one batch and one set of losses."""

    def __init__(self, model: Any, optimizer: Any, losses: tuple[Loss, ...]) -> None:
        """Compile the step of `losses`.

        Raises:
            RecipeError: a loss names a layer that `model` does not have.
        """
        self.losses = losses
        observed = [
            Observed(model, [ours for _, ours in loss.pairs], role="student") for loss in losses
        ]
        self.shapes = tuple(look.shapes for look in observed)
        names = [ours for loss in losses for _, ours in loss.pairs]
        self._model, self._optimizer = model, optimizer
        self._whole = Observed(model, names, role="student")
        self._run = tensorflow().function(self._update, autograph=False, jit_compile=False)

    def __call__(self, inputs: Array, labels: Array, targets: Targets, rate: float) -> float:
        """Update the weights at learning rate `rate`; returns the loss before that."""
        return float(self._run(inputs, labels, targets, np.float32(rate)))

    def _update(self, inputs: Tensor, labels: Tensor, targets: Any, rate: Tensor) -> Tensor:
        tf = tensorflow()
        weights = self._model.trainable_variables
        with tf.GradientTape() as tape:
            outputs = self._whole(inputs, training=True)
            total = sum(self._whole.network.losses)  # what layers ask for themselves
            start = 0
            for loss, theirs in zip(self.losses, targets, strict=True):
                own = outputs.only(start, start + len(loss.pairs))
                start += len(loss.pairs)
                total += loss.weight * loss.value(own, labels, theirs)
        slopes = tape.gradient(total, weights, unconnected_gradients="zero")
        self._optimizer.learning_rate.assign(rate)
        self._optimizer.apply(slopes, weights)
        return total


def cosine(stage: Stage, step: int, steps: int) -> float:
    """The learning rate of a step: half a cosine from the stage's rate towards 0.

    Loshchilov and Hutter 2017, arXiv:1608.03983, equation 5, without restarts.
    """
    return stage.learning_rate * (1 + math.cos(math.pi * step / steps)) / 2
