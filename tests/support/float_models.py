"""A small float classifier whose last layer is fitted in closed form: no training, no framework."""

from __future__ import annotations

import functools

import numpy as np

from edgekit.conversion import litert
from edgekit.ir import Array, Tensor
from support.float_sketch import FloatSketch

CLASSES = 4
_SAMPLES, _SIZE = 400, 12
_FEATURES = 3 * 3 * 8


def samples() -> tuple[Array, Array]:
    """Images of one blob, float32 [400, 12, 12, 1], and in which quarter it lies, int64 [400]."""
    rng = np.random.default_rng(7)
    labels = np.arange(_SAMPLES) % CLASSES
    near, far = rng.uniform(1.5, 4.5, (2, _SAMPLES))
    rows = np.where(labels // 2 == 0, near, _SIZE - 1 - near)
    columns = np.where(labels % 2 == 0, far, _SIZE - 1 - far)
    at = np.arange(_SIZE)
    vertical = np.exp(-((at - rows[:, None]) ** 2) / 3)
    horizontal = np.exp(-((at - columns[:, None]) ** 2) / 3)
    images = vertical[:, :, None] * horizontal[:, None, :]
    images += rng.normal(0, 0.1, images.shape)
    return images[..., None].astype(np.float32), labels.astype(np.int64)


@functools.cache
def classifier(softmax: bool = True) -> bytes:
    """A float .tflite of two convolutions, a pool and a dense layer that tells the quarters."""
    sketch = FloatSketch("blobs")
    features = _extract(sketch)
    x, labels = samples()
    (seen,) = litert.outputs(_extractor(), (x,))
    weights, bias = _fitted(seen.reshape(_SAMPLES, -1), labels)
    constants = [sketch.constant(weights, name="weights"), sketch.constant(bias, name="bias")]
    answer = sketch.op("fully_connected", [features, *constants], (1, CLASSES), name="logits")
    if softmax:
        answer = sketch.op("softmax", [answer], (1, CLASSES), name="answer", beta=1.0)
    return sketch.model(answer).content


def _extract(sketch: FloatSketch) -> Tensor:
    rng = np.random.default_rng(8)
    ones = {"strideW": 1, "strideH": 1}
    first = [sketch.constant(rng.normal(size=(8, 3, 3, 1)) / 3), sketch.constant(np.full(8, 0.1))]
    second = [sketch.constant(rng.normal(size=(8, 3, 3, 8)) / 6), sketch.constant(np.zeros(8))]
    x = sketch.input(1, _SIZE, _SIZE, 1)
    x = sketch.op("conv_2d", [x, *first], (1, 12, 12, 8), fusedActivationFunction=1, **ones)
    x = sketch.op("conv_2d", [x, *second], (1, 12, 12, 8), fusedActivationFunction=1, **ones)
    window = {"filterWidth": 4, "filterHeight": 4, "strideW": 4, "strideH": 4, "padding": 1}
    x = sketch.op("average_pool_2d", [x], (1, 3, 3, 8), **window)
    flat: Tensor = sketch.op("reshape", [x, sketch.integers(1, _FEATURES)], (1, _FEATURES))
    return flat


def _extractor() -> bytes:
    sketch = FloatSketch("features")
    return sketch.model(_extract(sketch)).content


def _fitted(features: Array, labels: Array) -> tuple[Array, Array]:
    """Weights and bias of the least squared error (with a ridge) to scores of 6 and -2."""
    wider = np.column_stack([features, np.ones(len(features))]).astype(np.float64)
    wanted = np.where(labels[:, None] == np.arange(CLASSES), 6.0, -2.0)
    ridge = 1e-2 * np.eye(wider.shape[1])
    solved = np.linalg.solve(wider.T @ wider + ridge, wider.T @ wanted)
    return solved[:-1].T, solved[-1]
