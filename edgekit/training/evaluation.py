"""How good a classifier is on samples."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgekit.ir import Array
from edgekit.training.framework import tensorflow
from edgekit.training.layers import Observed
from edgekit.training.recipe import Samples

_BATCH = 256


class Examiner:
    """Asks one model for its logits, compiled once."""

    def __init__(self, model: Any) -> None:
        tf = tensorflow()
        observed = Observed(model, (), role="model")
        shape = (None, *model.inputs[0].shape[1:])
        self._ask = tf.function(
            lambda inputs: observed(inputs, training=False).logits,
            input_signature=[tf.TensorSpec(shape, tf.float32)],
            autograph=False,
            jit_compile=False,
        )

    def logits(self, inputs: Array) -> Array:
        """[N, classes] for `inputs` [N, ...]."""
        parts = [self._ask(inputs[i : i + _BATCH]) for i in range(0, len(inputs), _BATCH)]
        return np.concatenate([part.numpy() for part in parts])

    def scores(self, samples: Samples) -> tuple[float, float]:
        """Accuracy, 0..1, and cross-entropy in nats; the latter is not finite if a logit is not."""
        inputs, labels = samples
        logits = self.logits(inputs).astype(np.float64)
        accuracy = float((logits.argmax(axis=1) == labels).mean())
        with np.errstate(invalid="ignore", over="ignore"):
            shifted = logits - logits.max(axis=1, keepdims=True)
            chosen = shifted[np.arange(len(labels)), labels]
            return accuracy, float((np.log(np.exp(shifted).sum(axis=1)) - chosen).mean())
